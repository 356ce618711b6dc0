"""The closed lists of words a scenario may use about calls, refusals and events."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a PBX refused, in words that are the same for every PBX."""

    SLOT_FULL = "slot-full"
    SLOT_EMPTY = "slot-empty"
    NOTHING_PARKED = "nothing-parked"
    SLOT_REQUIRED = "slot-required"
    SLOT_UNKNOWN = "slot-unknown"
    SLOT_INVALID = "slot-invalid"
    NO_SUCH_CALL = "no-such-call"
    CALL_NOT_ANSWERED = "call-not-answered"
    CALL_ALREADY_PARKED = "call-already-parked"
    NO_CAPACITY = "no-capacity"
    ACTION_UNKNOWN = "action-unknown"
    MALFORMED = "malformed"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate-limited"
    NOT_FOUND = "not-found"
    OTHER = "other"


class CallState(StrEnum):
    """What a call is doing."""

    RINGING = "ringing"
    UP = "up"
    PARKED = "parked"
    BRIDGED = "bridged"
    ENDED = "ended"


class ExtensionState(StrEnum):
    """What an extension is doing, as the lamp of a telephone shows it; parked calls do not count.

    One that talks or dials is busy, also while another call rings it.
    """

    FREE = "free"
    RINGING = "ringing"
    BUSY = "busy"


class EventType(StrEnum):
    """What a PBX reports about a call by itself."""

    DIAL_IN = "dial-in"
    DIAL_OUT = "dial-out"
    ANSWER = "answer"
    HANGUP = "hangup"


class Party(StrEnum):
    """The two ends of a call."""

    REMOTE = "remote"
    EXTENSION = "extension"


class Capability(StrEnum):
    """What a target may be able to do beyond parking, asking and bridging by slot."""

    VIRTUAL_TIME = "virtual-time"
    RAW_REQUESTS = "raw-requests"
    RANDOM_BRIDGE = "random-bridge"
    SETTABLE_TIMEOUT = "settable-timeout"
    EVENTS = "events"
    ANSWER = "answer"
    REMOTE_HANGUP = "remote-hangup"
    INTERNAL_CALLS = "internal-calls"
    EXTENSION_STATE = "extension-state"
