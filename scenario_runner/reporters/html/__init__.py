"""The HTML report: one file for people, which loads nothing from anywhere.

    events ──▶ results ──▶ blocks of JSON, deflated ──▶ page (HTML, style, script) that shows them

What is shown is computed here; the page's script only makes elements of it.
"""
