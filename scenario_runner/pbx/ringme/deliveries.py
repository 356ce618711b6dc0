"""Tells deliveries that went wrong apart: doubled, late, out of order, lost, malformed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from scenario_runner.durations import SECOND, duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.context import Context

LATE = 5 * SECOND
"""How long a delivery may take before it is called late: the vendor documents no limit."""


class Deliveries:
    """Looks at each delivery of one scenario before it is passed on to `heard`.

    Doubled and malformed ones are not passed on. What went wrong is told as a notice.
    """

    def __init__(self, heard: Callable[[str], None], context: Context) -> None:
        self._heard = heard
        self._context = context
        self._seen: set[tuple[str, str, str]] = set()
        self._latest: dict[str, int] = {}
        self._kinds: dict[str, set[str]] = {}

    def __call__(self, form: str) -> None:
        """Take in one delivery."""
        fields = dict(parse_qsl(form, keep_blank_values=True))
        kind, leg, time = (fields.get(name, "") for name in ("EventType", "SubCallID", "EventTime"))
        if not (kind and fields.get("CallAPIID")):
            self._told("event-malformed", "an event without EventType or CallAPIID", form[:200])
            return
        if time and (kind, leg, time) in self._seen:
            self._told("event-doubled", f"the event {kind} of {leg} was delivered twice")
            return
        self._seen.add((kind, leg, time))
        self._kinds.setdefault(leg, set()).add(kind)
        if time.isascii() and time.isdigit():
            self._look_at_time(f"the event {kind} of {leg}", leg, int(time))
        self._heard(form)

    def _look_at_time(self, what: str, leg: str, time: int) -> None:
        late = self._context.wall() - time
        if late > LATE:
            hint = "if every event is late, compare the clocks: scenario-runner targets --check"
            self._told("event-late", f"{what} was delivered {duration_text(late)} late", hint)
        if time < self._latest.get(leg, 0):
            self._told("event-reordered", f"{what} was delivered after a later one")
        self._latest[leg] = max(time, self._latest.get(leg, 0))

    def finish(self) -> None:
        """Tell which events must have been lost: a later one of the same leg came."""
        for leg, kinds in self._kinds.items():
            if kinds & {"answer", "hangup"} and not kinds & {"dial-in", "dial-out"}:
                later = ", ".join(sorted(kinds))
                self._told("event-lost", f"no dial-in or dial-out of {leg} came, only {later}")

    def _told(self, code: str, message: str, hint: str | None = None) -> None:
        self._context.notice(code, message, hint)
