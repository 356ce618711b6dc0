"""Compares the figures of a load run with those of an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from scenario_runner.loadtest.figures import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.loadtest.report import LatencyRow, LoadReport


NOTABLE = 1.2
"""The ratio from which a latency counts as slower, and its inverse as faster."""

_FEWEST = 20
"""How many latencies there have to be on both sides for their ratio to say something."""


class Change(Struct, frozen=True, kw_only=True):
    """A figure then and now, in words; `ratio` is None where there is nothing to divide by."""

    figure: str
    then: str
    now: str
    ratio: float | None
    worse: bool = False
    better: bool = False


class Changes(Struct, frozen=True):
    """What became of the figures, latencies first, and in what the runs were not alike."""

    figures: tuple[Change, ...]
    unlike: tuple[str, ...]


def compare(then: LoadReport, now: LoadReport) -> Changes:
    """Compare a run with an earlier one."""
    return Changes(tuple(_figures(then, now)), tuple(_unlike(then, now)))


def _figures(then: LoadReport, now: LoadReport) -> Iterator[Change]:
    for action in dict.fromkeys(["", *now.actions, *then.actions]):
        old, new = then.row(action), now.row(action)
        if old is not None and new is not None:
            yield from _latency(old, new)
    for name in ("errored", "failed", "blocked", "refused"):
        yield _share(name, then, now)


def _latency(old: LatencyRow, new: LatencyRow) -> Iterator[Change]:
    enough = min(old.count, new.count) >= _FEWEST
    for name in ("p50", "p99"):
        before, after = getattr(old, name), getattr(new, name)
        ratio = after / before if before else None
        yield Change(
            figure=f"{new.subject} {name}",
            then=short(before),
            now=short(after),
            ratio=ratio,
            worse=enough and ratio is not None and ratio >= NOTABLE,
            better=enough and ratio is not None and ratio <= 1 / NOTABLE,
        )


def _share(name: str, then: LoadReport, now: LoadReport) -> Change:
    old, new = (_part(name, report) for report in (then, now))
    ratio = new / old if old else None
    return Change(
        figure=name,
        then=f"{old * 100:.2g}%",
        now=f"{new * 100:.2g}%",
        ratio=ratio,
        worse=new > old * NOTABLE and new - old > 0.001,
        better=old > new * NOTABLE and old - new > 0.001,
    )


def _part(name: str, report: LoadReport) -> float:
    tally = report.tally
    whole = {"blocked": tally.arrived, "refused": tally.commands}.get(name, tally.started)
    return getattr(tally, name) / whole if whole else 0.0


def _unlike(then: LoadReport, now: LoadReport) -> Iterator[str]:
    """Give in which respects the runs were not alike, so that figures may differ for that."""
    pairs = [
        ("rate", then.plan.rate, now.plan.rate),
        ("arrivals", then.plan.process, now.plan.process),
        ("target", f"{then.target} ({then.host})", f"{now.target} ({now.host})"),
        ("scenarios", ", ".join(then.plan.scenarios), ", ".join(now.plan.scenarios)),
        ("generators", str(then.plan.generators), str(now.plan.generators)),
    ]
    yield from (f"{what}: {old} then, {new} now" for what, old, new in pairs if old != new)
