"""The figures of a load run in Prometheus' text format, for a collector to pick up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scenario_runner.loadtest.report import LatencyRow, LoadReport


_QUANTILES = ("p50", "p90", "p95", "p99", "p99_9")
_PREFIX = "scenario_runner_load"


def to_prometheus(report: LoadReport) -> str:
    """Return the text; latencies are summaries in seconds."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: LoadReport) -> Iterator[str]:
    base = {"target": report.target, "rate": report.plan.rate}
    rows = [row for row in report.latencies if not row.scenario and not row.place]
    yield from _summary(
        "latency_seconds", "Latency from the intended start.", base,
        [({"subject": row.subject}, row) for row in rows],
    )  # fmt: skip
    yield from _summary(
        "lag_seconds", "By how much the generator was late.", base,
        [({"of": "arrival"}, report.late), ({"of": "loop"}, report.stalls)],
    )  # fmt: skip
    tally = report.tally
    endings = ("passed", "failed", "errored", "stopped", "blocked")
    yield from _metric(
        "arrivals_total", "counter", "Arrivals by how they ended.", base,
        [({"ending": name}, getattr(tally, name)) for name in endings],
    )  # fmt: skip
    yield from _metric(
        "refusals_total", "counter", "Refusals by action and reason.", base,
        [
            (
                {"action": r.action, "reason": r.reason, "expected": str(r.expected).lower()},
                r.count,
            )
            for r in report.refusals
        ],
    )  # fmt: skip
    yield from _metric(
        "objective_met", "gauge", "Whether an objective was met.", base,
        [({"objective": one.objective}, int(one.held)) for one in report.objectives],
    )  # fmt: skip
    yield from _metric(
        "leaks", "gauge", "What was left behind.", base, [({}, len(report.checks.leaks))]
    )
    yield from _metric(
        "violations", "gauge", "Answers that contradict what was done.", base,
        [({}, report.checks.violated)],
    )  # fmt: skip
    yield from _metric(
        "exit_code", "gauge", "The exit code of the run.", base, [({}, int(report.exit_code))]
    )


def _metric(
    name: str,
    kind: str,
    help_: str,
    base: Mapping[str, str],
    samples: Iterable[tuple[Mapping[str, str], float]],
) -> Iterator[str]:
    yield from _head(name, kind, help_)
    for labels, value in samples:
        yield f"{_PREFIX}_{name}{_labels({**base, **labels})} {value:g}"


def _summary(
    name: str,
    help_: str,
    base: Mapping[str, str],
    rows: Iterable[tuple[Mapping[str, str], LatencyRow]],
) -> Iterator[str]:
    yield from _head(name, "summary", help_)
    for labels, row in rows:
        all_ = {**base, **labels}
        for quantile in _QUANTILES:
            share = f"{float(quantile[1:].replace('_', '.')) / 100:g}"
            seconds = getattr(row, quantile) / SECOND
            yield f"{_PREFIX}_{name}{_labels({**all_, 'quantile': share})} {seconds:g}"
        yield f"{_PREFIX}_{name}_sum{_labels(all_)} {row.mean * row.count / SECOND:g}"
        yield f"{_PREFIX}_{name}_count{_labels(all_)} {row.count}"


def _head(name: str, kind: str, help_: str) -> Iterator[str]:
    yield f"# HELP {_PREFIX}_{name} {help_}"
    yield f"# TYPE {_PREFIX}_{name} {kind}"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
