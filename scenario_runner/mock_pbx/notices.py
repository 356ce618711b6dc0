"""Notices of call events: the fields that the vendor's HTTP notifications carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import CallEvent
    from scenario_runner.mock_pbx.profile import Profile

Fields = tuple[tuple[str, str], ...]


class Delivery(NamedTuple):
    """One notification to be sent: the form goes into the query string (GET) or the body (POST).

    `at_us` is when it happened, in microseconds of the mock's clock.
    """

    url: str
    method: str
    form_body: bytes
    at_us: int


def event_fields(profile: Profile, event: CallEvent, epoch_us: int) -> Fields:
    """Return the fields of a notification.

    `EventTime` counts microseconds since 1970, `Duration` (of a hangup) the microseconds talked.
    """
    call = event.call
    extension_id = profile.extension_id(call.extension)
    flow = call.leg_flow if profile.events_flow == "lower" else call.leg_flow.upper()
    return (
        ("EventType", event.type),
        ("EventTime", str(epoch_us + event.at)),
        ("CallID", call.call_id),
        ("SubCallID", f"{extension_id}-{call.leg}"),
        ("CallAPIID", f"{profile.media_server}-{call.uuid}"),
        ("CallStatus", event.status),
        *(() if event.duration is None else (("Duration", str(event.duration)),)),
        ("CallFlow", flow),
        *_parties(profile, event),
    )


def _parties(profile: Profile, event: CallEvent) -> Fields:
    call = event.call
    extension_id = str(profile.extension_id(call.extension))
    short, full = profile.short_name(call.extension), profile.full_name(call.extension)
    if call.leg_flow == "out":
        return (
            ("CalledNumber", call.party),
            ("CallerIDNum", short),
            ("CallerIDName", short),
            ("CallerExtensionID", extension_id),
            ("CallerExtension", full),
        )
    did = (("CalledDID", profile.called_did),) if call.flow == "in" else ()
    return (
        *did,
        ("CalledNumber", short),
        ("CalledExtensionID", extension_id),
        ("CalledExtension", full),
        ("CallerIDNum", call.party),
        ("CallerIDName", call.party),
    )
