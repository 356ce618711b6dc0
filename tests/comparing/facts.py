"""What FreeSWITCH does by itself, as it was measured on a running 1.11; no test repeats that."""

from __future__ import annotations

ABOUT_HTTP = frozenset(
    {"action.unknown", "auth.required", "auth.forbidden", "rate.limit", "transfer.moves"}
)
"""Rules of the REST interface: neither of the two PBXs has it."""

FREESWITCH = {
    "park.occupies": "the same",
    "park.full": "no refusal: the two calls are joined",
    "park.slot-required": "no refusal: a usage error in the log, the call goes on or ends",
    "park.releases-extension": "the same: the parker's channel is hung up",
    "park.range": "no range: any text names a slot",
    "park.not-ringing": "parks it all the same",
    "park.not-twice": "moves the call; into its own slot it is joined with itself",
    "park.returns": "the same, to the extension set before parking; without one it ends",
    "park.return-unanswered": "as the dialplan of that extension says",
    "park.return-busy": "as the dialplan of that extension says",
    "park.both-flows": "the same",
    "slots.reports": "lists whole lots, calls that are gone among them at times",
    "slots.empty": "not in the list",
    "slots.slot-required": "lists whole lots only",
    "bridge.slot": "the same: parking and picking up are one command",
    "bridge.random": "none: the call that waits longest",
    "bridge.parties": "the same: the party talked to before is hung up",
    "bridge.empty": "no refusal: whoever wants to pick up is parked there",
    "bridge.nothing": "a prompt, then the next application or the end",
    "hangup.frees": "the same, up to 25 ms later",
    "hangup.bridged": "the same",
    "call.unknown": "refused: no such channel",
    "call.foreign": "knows no extension's calls: any channel is reached by its name",
    "slot.type": "any text up to 255 characters",
    "slot.shared": "the same, within a lot",
    "capacity": "a limit of the whole system (1,000 as installed)",
    "events.dial-in": "told by channel events",
    "events.dial-out": "told by channel events",
    "events.answer": "told by channel events",
    "events.hangup": "told by channel events",
}
