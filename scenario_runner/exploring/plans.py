"""Sequences of commands to try, as data: what is placed, parked, taken, asked, and waited for.

Calls are named by number, in the order they were placed, and slots by their place in a list of
slots worth trying. So every sequence means something, also one that was cut out of another.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct


class Place(Struct, frozen=True):
    """Bring a call up at the extension of that number."""

    at: int
    flow: Literal["in", "out"]
    answered: bool


class OnCall(Struct, frozen=True):
    """Answer a call, ask about it, or hang it up, as the remote party or as the extension."""

    verb: Literal["answer", "show", "hangup", "hangup-extension"]
    call: int


class OnSlot(Struct, frozen=True):
    """Park a call in a slot, ask for the slot, or bridge with who is there: `verb` is the action.

    `foreign` names another extension than the call's.
    """

    verb: str
    call: int
    slot: int
    foreign: bool = False


class BridgeAny(Struct, frozen=True):
    """Bridge a call with any that is parked."""

    call: int


class ListAt(Struct, frozen=True):
    """List the calls of the extension of that number."""

    at: int


class Wait(Struct, frozen=True):
    """Let a time pass, by its place in a list of times worth waiting."""

    time: int


AboutCall: TypeAlias = OnCall | OnSlot | BridgeAny


class Race(Struct, frozen=True):
    """Two commands at the same moment."""

    first: AboutCall
    second: AboutCall


Move: TypeAlias = Place | AboutCall | ListAt | Wait | Race
Plan: TypeAlias = tuple[Move, ...]


def about_calls(move: Move) -> tuple[AboutCall, ...]:
    """Return the commands about calls that a move is made of."""
    match move:
        case Race(first, second):
            return (first, second)
        case OnCall() | OnSlot() | BridgeAny():
            return (move,)
        case _:
            return ()
