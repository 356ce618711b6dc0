"""Reads the PBX's answers: what it did, or why it refused, in words common to all PBXs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scenario_runner.errors import BadAnswer
from scenario_runner.language.vocabulary import CallState, ExtensionState, Reason
from scenario_runner.matching import matches
from scenario_runner.pbx.protocol import CallIds, Listed, Raw, Refused
from scenario_runner.references import Expression, Json, Literal, as_text

if TYPE_CHECKING:
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.pbx.ringme.settings import RingMeSettings

_DASHES = 4
SLOT_FULL = "slot already have parked member"
"""What the vendor's page says an occupied slot answers (documented)."""

_BY_STATUS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    429: Reason.RATE_LIMITED,
}


def refused(raw: Raw, settings: RingMeSettings, *, about_call: bool) -> Refused:
    """Turn an error answer into a refusal; a 404 to a command about a call means no such call.

    The words that the target was taught come first, then the documented ones, then the status
    code (401, 403 and 429 are documented, 404 for an unknown call is assumed).
    """
    message = words(raw.body)
    reason = reason_of(raw.status, message, settings.reasons, about_call=about_call)
    return Refused(raw=raw, reason=reason, message=message)


def reason_of(
    status: int, message: str, taught: tuple[tuple[Reason, Matcher], ...], *, about_call: bool
) -> Reason:
    """Return why a request was refused: as `taught`, as documented, or by the status code."""
    for reason, matcher in taught:
        if matches(matcher, message, _plain):
            return reason
    if SLOT_FULL in message:
        return Reason.SLOT_FULL
    if status == 404:
        return Reason.NO_SUCH_CALL if about_call else Reason.NOT_FOUND
    return _BY_STATUS.get(status, Reason.OTHER)


def _plain(expression: Expression) -> Json:
    return expression.value if isinstance(expression, Literal) else None


MOST_DEPTH = 100
"""How deep JSON may nest. No answer does by half, and what is deeper ends programs."""


class UnfitJson(ValueError):
    """JSON that can be read, and not be handled: it nests too deeply or holds half a character."""


def read_json(body: bytes) -> Json:
    """Read JSON; raise ValueError where it is none, UnfitJson where it is not fit for use."""
    try:
        value: Json = json.loads(body)
    except RecursionError:
        raise UnfitJson(_TOO_DEEP) from None
    # Counting brackets is quick, and almost always enough.
    if body.count(b"[") + body.count(b"{") > MOST_DEPTH and _deeper_than(value, MOST_DEPTH):
        raise UnfitJson(_TOO_DEEP)
    if b"\\u" in body or not body.isascii():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise UnfitJson("it holds half a character (a lone surrogate)") from None
    return value


_TOO_DEEP = f"it nests deeper than {MOST_DEPTH} levels"


def _deeper_than(value: Json, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            item
            for one in level
            if isinstance(one, (list, dict))
            for item in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def words(body: Json) -> str:
    """Return the PBX's own words in an error answer."""
    if isinstance(body, dict):
        told = [body.get(key) for key in ("message", "error", "status")]
        return next((as_text(text) for text in told if text), "")
    return as_text(body)[:200] if body is not None else ""


def uuid_of(call_api_id: str) -> str:
    """Return the UUID in a `call_api_id`: what follows the first dash (documented).

    A UUID that stands alone is returned as it is, though its first part may look like a number.
    """
    number, dash, uuid = call_api_id.partition("-")
    alone = call_api_id.count("-") == _DASHES
    return uuid if dash and number.isdecimal() and not alone else call_api_id


def dashed(uuid: str) -> str:
    """Write a UUID of 32 hex digits with its dashes; leave anything else alone."""
    if len(uuid) != 32 or "-" in uuid:
        return uuid
    return "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))


def object_of(raw: Raw, what: str) -> dict[str, Json]:
    """Return the answer's JSON object; raise BadAnswer where it is none."""
    if isinstance(raw.body, dict):
        return raw.body
    shown = as_text(raw.body)[:80] if raw.body is not None else "nothing"
    raise BadAnswer(
        f"the answer to {what} is not a JSON object but: {shown}",
        hint="is the target's url that of the PBX itself?",
    )


def call_list(raw: Raw, numbers: dict[str, str]) -> tuple[Listed, ...]:
    """Read a list of current calls; `numbers` maps the PBX's ids to extension numbers."""
    return tuple(_listed(entry, numbers) for entry in entries_of(raw))


def entries_of(raw: Raw) -> tuple[dict[str, Json], ...]:
    """Return the calls of a list as the PBX wrote them."""
    entries = object_of(raw, "current_calls").get("call_list")
    if not isinstance(entries, list):
        raise BadAnswer("the answer to current_calls has no call_list")
    return tuple(entry for entry in entries if isinstance(entry, dict))


def party_of(entry: dict[str, Json]) -> str:
    """Return the number at the other end of a listed call."""
    incoming = as_text(entry.get("call_flow")).lower() == "in"
    return as_text(entry.get("caller_id_number" if incoming else "called_number"))


def _listed(entry: dict[str, Json], numbers: dict[str, str]) -> Listed:
    extension_id = as_text(entry.get("extension_id"))
    call_api_id = as_text(entry.get("call_api_id"))
    return Listed(
        uuid=uuid_of(call_api_id),
        call_api_id=call_api_id,
        extension=numbers.get(extension_id, extension_id),
        state=entry_state(entry),
        party=party_of(entry),
    )


def entry_state(entry: dict[str, Json]) -> CallState:
    """Return a listed call's state: a call without an answer time is ringing (documented)."""
    return CallState.UP if entry.get("answer_time_gmt") else CallState.RINGING


def extension_state(raw: Raw) -> ExtensionState:
    """Read what an extension is doing from the answer of a mock."""
    state = object_of(raw, "the extension's state").get("state")
    try:
        return ExtensionState(as_text(state))
    except ValueError:
        known = ", ".join(ExtensionState)
        message = f"the extension's state is {as_text(state)[:80]!r}, not one of {known}"
        raise BadAnswer(message) from None


def ids_of(entry: dict[str, Json], extension: str, extension_id: str) -> CallIds:
    """Read the ids of a call from the answer that brought it up."""
    call_api_id = entry.get("call_api_id")
    if not isinstance(call_api_id, str) or not call_api_id:
        raise BadAnswer("the answer to placing a call has no call_api_id")
    return CallIds(
        uuid=uuid_of(call_api_id),
        call_api_id=call_api_id,
        extension=extension,
        extension_id=extension_id,
        call_id=as_text(entry.get("call_id") or ""),
    )
