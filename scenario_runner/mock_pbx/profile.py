"""Profiles: what a mock PBX is like, with a named option for all that the vendor leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

SECOND: Final = 1_000_000

Access: TypeAlias = Literal["all", "call-api", "none"]


@dataclass(frozen=True, slots=True)
class Said:
    """How a refusal is told: the HTTP status, the message, and the body's `status` word, if any."""

    status: int
    message: str
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """How each refusal is told; a field is named after the rule that refuses.

    Only the text of `park_full`, the words of `auth_forbidden`, `rate_limit` and
    `client_unknown`, and the codes 401, 403, 404 and 429 are documented; the rest is assumed.
    """

    park_full: Said = Said(400, "slot already have parked member, slot is full")
    park_slot_required: Said = Said(400, "slot is required")
    park_range: Said = Said(400, "slot is out of range")
    park_not_ringing: Said = Said(400, "call is not answered")
    park_not_twice: Said = Said(400, "call is already parked")
    park_both_flows: Said = Said(400, "calls of this direction can't be parked")
    slots_empty: Said = Said(404, "slot has no parked member")
    slots_slot_required: Said = Said(400, "slot is required")
    bridge_empty: Said = Said(404, "slot has no parked member")
    bridge_nothing: Said = Said(404, "no parked members")
    bridge_not_ringing: Said = Said(400, "call is not answered")
    bridge_not_parked: Said = Said(400, "call is already parked")
    answer_ringing: Said = Said(400, "call is not ringing")
    transfer_moves: Said = Said(400, "call is not up")
    call_unknown: Said = Said(404, "Not found")
    call_foreign: Said = Said(404, "Not found")
    extension_unknown: Said = Said(404, "Record not found")
    action_unknown: Said = Said(400, "unknown action")
    slot_type: Said = Said(400, "slot must be an integer")
    capacity: Said = Said(400, "too many simultaneous calls")
    auth_required: Said = Said(401, "Unauthorized")
    auth_forbidden: Said = Said(403, "Access denied", "app_access_type_deny")
    rate_limit: Said = Said(429, "Too Many Requests", "rate_limit_exceeded")
    client_unknown: Said = Said(404, "Client not found", "client_not_found")
    malformed: Said = Said(400, "request body must be a JSON object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An application that may ask for tokens: its credentials and its level of access.

    Level `call-api` reaches calls and not event subscriptions (assumed); `none` reaches nothing.
    Without an `hourly_limit` of its own it has the profile's.
    """

    client_id: str
    client_secret: str = field(repr=False)
    access: Access = "all"
    hourly_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a mock PBX is like; times are in microseconds. Choices the vendor leaves open: assumed.

    `slots` is the number of slots and, where `calls_at_once` says so, of simultaneous calls;
    `extensions` the inclusive range of extension numbers; an extension's id is its number plus
    `extension_id_offset`. With `slot_words` "digits" -1 is no number rather than one out of range.
    Without `clients` any credentials are good for a token.
    """

    name: str = "vendor"
    slots: int = 20
    first_slot: int = 1
    extensions: tuple[int, int] = (341, 360)
    park_timeout: int = 180 * SECOND
    ring_timeout: int = 30 * SECOND
    token_life: int = 3600 * SECOND
    hourly_limit: int = 100_000
    clients: tuple[Client, ...] = ()

    extension_id_offset: int = 34_073
    prefix: str = "022"
    domain: str = "mock.pbx"
    client_number: int = 9593
    called_did: str = "74950000000"
    media_server: int = 3_232_240_860

    parkable_flows: tuple[str, ...] = ("in", "out")
    park_again: Literal["refuse", "move"] = "refuse"
    park_event: Literal["hangup", "none"] = "hangup"
    return_event: Literal["dial-in", "none"] = "dial-in"
    return_busy: Literal["rings", "ends"] = "rings"
    return_unanswered: Literal["ends", "rings-on"] = "ends"
    bridged_hangup: Literal["ends-both", "ends-one"] = "ends-both"
    foreign_call: Literal["refuse", "allow"] = "refuse"
    slot_words: Literal["number-or-text", "number", "digits"] = "number-or-text"
    slots_of: Literal["client", "extension"] = "client"
    calls_at_once: Literal["slots", "any"] = "slots"

    done_body: Literal["action-and-slot", "empty-object"] = "action-and-slot"
    random_report: Literal["slot", "no-slot"] = "slot"
    empty_slot: Literal["null", "empty-text", "no-key", "refused"] = "null"
    parked_in_lists: Literal["listed", "hidden"] = "listed"
    ended_status: int = 204
    bad_client_status: int = 401
    events_flow: Literal["lower", "upper"] = "lower"
    refusals: Refusals = field(default_factory=Refusals)

    def extension_id(self, number: int) -> int:
        """Return the id by which the API calls an extension."""
        return number + self.extension_id_offset

    def extension_number(self, text: str) -> int:
        """Return the extension whose id is written in a path, or 0 where there is none."""
        number = dialled(text) - self.extension_id_offset
        return number if self.has_extension(number) else 0

    def call_api_id(self, uuid: str) -> str:
        """Write a call's name in the API: the media server's number and the uuid."""
        return f"{self.media_server}-{uuid}"

    def has_extension(self, number: int) -> bool:
        """Tell whether an extension of that number exists."""
        return self.extensions[0] <= number <= self.extensions[1]

    def short_name(self, number: int) -> str:
        """Write an extension as callers see it: `022*341`."""
        return f"{self.prefix}*{number}"

    def full_name(self, number: int) -> str:
        """Write an extension with its domain: `022*341@mock.pbx`."""
        return f"{self.prefix}*{number}@{self.domain}"


def dialled(text: str) -> int:
    """Read an extension's number or id as it was written, or return 0 for one that nobody has.

    To a telephone 0341 is another number than 341.
    """
    plain = text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if plain and not text.startswith("0") else 0


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile(),
        # As seen through their drivers, which supply what the PBX itself leaves open.
        Profile(name="asterisk", slot_words="digits", calls_at_once="any"),
        Profile(name="freeswitch", slot_words="digits", calls_at_once="any"),
    )
}
