"""Load: scenarios as the arrivals of an open-loop process, and what the PBX makes of them.

    rate ──▶ arrivals ──▶ generator ──▶ guard ──▶ PBX
                              │ events of each scenario, commands of each session
                              ▼
                     meter (figures) · ledger (invariants) ──▶ report

An arrival begins when the plan says so, whatever became of those before it; latency counts from
that moment, so that a PBX which is slow can't slow down its own measurement.
"""
