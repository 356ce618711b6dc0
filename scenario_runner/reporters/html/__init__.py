"""The HTML report: one file for people, which loads nothing from anywhere.

    events ──▶ stories ──▶ blocks of JSON, deflated ──▶ page (HTML, style, script) that shows them

What the page shows is built by its script out of the same events that every reporter gets.
"""

from __future__ import annotations

from scenario_runner.reporters.html.report import HtmlReport, to_file

__all__ = ["HtmlReport", "to_file"]
