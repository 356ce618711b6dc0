"""The report of a load run as one HTML page: plots are inline SVG, no script, nothing loaded."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from hashlib import sha256
from html import escape
from importlib.resources import files
from math import log10
from string import Template
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.events import Tone
from scenario_runner.language.slo import LatencySlo
from scenario_runner.loadtest.figures import Latencies, short
from scenario_runner.loadtest.plots import Line, Plot
from scenario_runner.loadtest.text import WHY_BLOCKED, verdict_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scenario_runner.loadtest.compare import Change, Changes
    from scenario_runner.loadtest.report import LatencyRow, LoadReport, Moment
    from scenario_runner.reporters.text import Line as TextLine


def to_html(report: LoadReport, changes: Changes | None = None) -> str:
    """Return the page; `changes` are those since an earlier run."""
    style = _read("page.css")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return Template(_read("page.html")).substitute(
        title=escape(f"Load {report.plan.rate} on {report.target}"),
        style=style,
        style_hash=f"sha256-{digest}",
        body="".join(_body(report, changes)),
    )


def _read(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _body(report: LoadReport, changes: Changes | None) -> Iterator[str]:
    yield from _head(report)
    yield from _tiles(report)
    yield from _objectives(report)
    yield '<h2>Over time</h2>\n<div class="plots">\n'
    yield from (str(plot) for plot in _plots(report))
    yield "</div>\n<h2>Latencies, from the intended start</h2>\n"
    yield from _latency_table(report)
    yield from _counts(report)
    if changes is not None:
        yield "<h2>Compared with an earlier run</h2>\n"
        yield from (f'<p class="odd">not alike: {escape(text)}</p>\n' for text in changes.unlike)
        yield from _change_table(changes.figures)


def _head(report: LoadReport) -> Iterator[str]:
    plan = report.plan
    yield f"<h1>Load {escape(plan.rate)} for {duration_text(plan.duration)}</h1>\n"
    parts = [
        f"target {report.target} ({report.host})",
        f"{plan.process} arrivals",
        f"warm-up {duration_text(plan.warm_up)}" if plan.warm_up else "",
        f"{plan.generators} generators" if plan.generators > 1 else "",
        f"seed {plan.seed}",
        f"scenario-runner {report.version}",
    ]
    yield f'<p class="soft">{escape(" · ".join(part for part in parts if part))}</p>\n'
    lines = list(verdict_lines(report))
    for line in (lines[-1], *lines[:-1]):
        name = "verdict " if line is lines[-1] else ""
        yield f'<p class="{name}{_tone(line)}">{escape(line.text.strip())}</p>\n'


def _tone(line: TextLine) -> str:
    return {Tone.GOOD: "good", Tone.BAD: "bad", Tone.ODD: "odd"}.get(line.tone, "")


def _tiles(report: LoadReport) -> Iterator[str]:
    tally = report.tally
    seconds = report.plan.duration / SECOND
    tiles = [
        ("arrived", f"{tally.arrived:,}"),
        ("starts a second", f"{tally.started / seconds:.3g}"),
    ]
    for name in ("passed", "failed", "errored", "stopped", "blocked"):
        count = getattr(tally, name)
        if count or name == "passed":
            tiles.append((name, f"{count:,}"))
    tiles += [
        ("commands refused", f"{tally.refused:,}"),
        ("lag of the generator, p99", short(report.late.p99)),
        ("calls placed", f"{report.checks.placed:,}"),
        ("contradictions", f"{report.checks.violated:,}"),
        ("left behind", f"{len(report.checks.leaks):,}"),
    ]
    yield '<div class="tiles">'
    for name, value in tiles:
        yield f'<div class="tile"><b>{value}</b><span class="soft">{name}</span></div>'
    yield "</div>\n"


def _objectives(report: LoadReport) -> Iterator[str]:
    if report.objectives:
        yield '<h2>Objectives</h2>\n<ul class="plain">'
        for one in report.objectives:
            symbol, tone = ("✓", "good") if one.held else ("✗", "bad")
            yield f'<li class="{tone}">{symbol} {escape(one.objective)}: {escape(one.value)}</li>'
        yield "</ul>\n"
    if report.knee is not None:
        yield f"<p><b>Knee of the ramp:</b> {escape(str(report.knee))}</p>\n"


def _plots(report: LoadReport) -> Iterator[Plot]:
    moments, seconds = report.moments, report.plan.interval / SECOND
    if not moments:
        return
    over_time = partial(_over_time, report)

    def each(name: str, value: Callable[[Moment], float], colour: int) -> Line:
        return Line(name, [value(moment) for moment in moments], colour)

    yield over_time(
        "Arrivals a second",
        [
            Line("planned", [moment.rate for moment in moments], 7, dashed=True),
            each("started", lambda m: m.tally.started / seconds, 0),
            each("blocked", lambda m: m.tally.blocked / seconds, 1),
            each("failed", lambda m: m.tally.failed / seconds, 4),
            each("errored", lambda m: m.tally.errored / seconds, 3),
        ],
    )
    yield over_time(
        "Calls and slots at once",
        [
            each("scenarios running", lambda m: m.running, 7),
            each("calls", lambda m: m.calls, 0),
            each("slots taken", lambda m: m.slots, 1),
        ],
    )
    percentiles = ("p50", "p95", "p99")
    yield over_time(
        "Latency of scenarios",
        [Line(name, _latency(moments, "", n), n) for n, name in enumerate(percentiles)],
        short_of_seconds,
        _limits(report, ("",)),
    )
    yield over_time(
        "Latency of actions, p99",
        [Line(action, _latency(moments, action, 2), n) for n, action in enumerate(report.actions)],
        short_of_seconds,
        _limits(report, report.actions),
    )
    yield over_time(
        "Refusals a second",
        [each("refused", lambda m: m.tally.refused / seconds, 1)],
    )
    yield over_time(
        "Lag of the generator, the highest",
        [each("lag", lambda m: m.lag / SECOND, 3)],
        short_of_seconds,
    )
    yield _distribution(report)


def _limits(report: LoadReport, actions: Sequence[str]) -> list[tuple[str, float]]:
    """Return the bounds of objectives about these actions of all scenarios, in seconds."""
    slos = [(one, one.slo) for one in report.objectives]
    return [
        (str(one.objective), slo.bound / SECOND)
        for one, slo in slos
        if isinstance(slo, LatencySlo) and slo.action in actions and not (slo.step or one.scenario)
    ]


def _latency(moments: Sequence[Moment], subject: str, which: int) -> list[float | None]:
    return [
        moment.latencies[subject][which + 1] / SECOND if subject in moment.latencies else None
        for moment in moments
    ]


def _number(value: float) -> str:
    return f"{value:g}"


def _over_time(
    report: LoadReport,
    title: str,
    lines: Sequence[Line],
    text: Callable[[float], str] = _number,
    limits: Sequence[tuple[str, float]] = (),
) -> Plot:
    return Plot(
        title=title,
        across=[moment.at / SECOND for moment in report.moments],
        lines=lines,
        across_text=lambda place: duration_text(int(place) * SECOND),
        up_text=text,
        shaded=report.plan.warm_up / SECOND or None,
        limits=limits,
    )


def short_of_seconds(seconds: float) -> str:
    """Write seconds for an axis."""
    return short(seconds * SECOND)


_STEPS = 10
"""How many places of the distribution there are for each nine."""


def _distribution(report: LoadReport) -> Plot:
    """Plot latencies over percentiles, the rare ones drawn apart: each nine takes as much room."""
    rows = [row for row in report.latencies if not row.scenario]
    most = max((row.count for row in rows), default=1)
    nines = [step / _STEPS for step in range(int(log10(max(most, 10)) * _STEPS) + 1)]
    lines = []
    for number, row in enumerate(rows):
        known = Latencies.decode(row.histogram, 0)
        enough = [one for one in nines if row.count * 10.0**-one >= 1]
        found = known.percentiles([_percent(one) for one in enough])
        values: list[float | None] = [microseconds / SECOND for microseconds in found]
        values += [None] * (len(nines) - len(values))
        lines.append(Line(row.subject, values, number - 1 if row.action else 7))
    return Plot(
        title="Distribution of latencies",
        across=nines,
        lines=lines,
        across_text=lambda nine: f"p{_percent(nine):.6g}",
        up_text=short_of_seconds,
        ticks=nines[::_STEPS],
    )


def _percent(nines: float) -> float:
    return 100 - float(100 * 10.0**-nines)


_COLUMNS = ("mean", "p50", "p75", "p90", "p95", "p99", "p99_9", "max")


def _latency_table(report: LoadReport) -> Iterator[str]:
    yield '<div class="wide"><table><tr><th>of</th><th>count</th>'
    yield "".join(f"<th>{name.replace('_', '.')}</th>" for name in _COLUMNS) + "</tr>"
    scenario = ""
    for row in report.latencies:
        if row.scenario != scenario:
            scenario = row.scenario
            yield f'<tr class="scenario"><td colspan="{len(_COLUMNS) + 2}">'
            yield f"{escape(scenario)}</td></tr>"
        yield _latency_row(row)
    yield "</table></div>\n"


def _latency_row(row: LatencyRow) -> str:
    cells = "".join(f"<td>{short(getattr(row, name))}</td>" for name in _COLUMNS)
    indent = ' class="step"' if row.place else ""
    return f"<tr><td{indent}>{escape(row.subject)}</td><td>{row.count:,}</td>{cells}</tr>"


def _counts(report: LoadReport) -> Iterator[str]:
    rows = [
        ("refused", f"{r.action}: {r.reason}{' (as expected)' if r.expected else ''}", r.count)
        for r in report.refusals
    ]
    rows += [
        ("blocked", WHY_BLOCKED.get(reason, f"{reason} were taken"), count)
        for reason, count in report.blocked.items()
    ]
    rows += [("errored", reason, count) for reason, count in report.errors.items()]
    rows += [("failed", reason, count) for reason, count in report.failures.items()]
    rows += [("contradiction", text, 1) for text in report.checks.violations]
    rows += [("left behind", text, 1) for text in report.checks.leaks]
    rows += [("could not be asked", text, 1) for text in report.checks.unknown]
    if not rows:
        return
    yield "<h2>Refusals, errors, and what else there was</h2>\n"
    yield '<div class="wide"><table class="words">'
    yield "<tr><th>what</th><th>which</th><th>how often</th></tr>"
    for what, which, count in rows:
        yield f"<tr><td>{what}</td><td>{escape(which)}</td><td>{count:,}</td></tr>"
    yield "</table></div>\n"


def _change_table(changes: Sequence[Change]) -> Iterator[str]:
    yield '<div class="wide"><table><tr><th>figure</th><th>then</th><th>now</th><th></th></tr>'
    for one in changes:
        tone = "bad" if one.worse else "good" if one.better else ""
        ratio = "" if one.ratio is None else f"×{one.ratio:.2f}"
        yield f'<tr class="{tone}"><td>{escape(one.figure)}</td><td>{one.then}</td>'
        yield f"<td>{one.now}</td><td>{ratio}</td></tr>"
    yield "</table></div>\n"
