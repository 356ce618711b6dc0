"""A FreeSWITCH that plays its part: legs, slots and what it says about them, oddities included.

What it says has the form and the order seen on a running FreeSWITCH 1.11.1. Dead slots stay until
`sweep`, as they do there for five seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

_ORIGINATE = re.compile(r"originate \{(.*?)\}(\S+) &bridge\(\{(.*?)\}(\S+)\)")
_TRANSFER = re.compile(r"(\S+) 'valet_park:(\S+) (\S+)' inline")
_BRIDGE = re.compile(r"m:\^:bridge:\{(.*?)\}(\S+)")


def event(name: str, body: str = "", **fields: str) -> bytes:
    """Write an event as it travels; `_` in the names of fields stands for a dash."""
    named = {"Event-Name": name, "Core-UUID": "c0de"} | {
        key.replace("_", "-"): value for key, value in fields.items() if value
    }
    if body:
        named["Content-Length"] = str(len(body.encode()))
    text = "".join(f"{key}: {quote(value)}\n" for key, value in named.items()) + "\n" + body
    head = f"Content-Length: {len(text.encode())}\nContent-Type: text/event-plain\n\n"
    return (head + text).encode()


def messages(said: bytes) -> list[bytes]:
    """Take apart what is said."""
    found = []
    while said:
        end = said.index(b"\n\n") + 2
        length = re.search(rb"Content-Length: (\d+)\n", said[:end])
        # The length of an event's body stands in the event itself.
        until = end + (int(length[1]) if length else 0)
        found.append(said[:until])
        said = said[until:]
    return found


def is_answer(message: bytes) -> bool:
    """Tell whether this begins with the answer to a command."""
    kind = message.partition(b"\n\n")[0]
    return b"command/reply" in kind or b"api/response" in kind


def reply(text: str) -> bytes:
    """Write the answer to a command that is none of the API's."""
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


def response(text: str) -> bytes:
    """Write the answer to a command of the API."""
    length = len(text.encode())
    return f"Content-Type: api/response\nContent-Length: {length}\n\n{text}".encode()


def variables(text: str, between: str = ",") -> dict[str, str]:
    """Read `a=1,b=2`."""
    return dict(pair.split("=", 1) for pair in text.split(between))


@dataclass
class Token:
    """A slot as FreeSWITCH remembers it."""

    uid: str
    dead: bool = False
    bridged: bool = False


@dataclass
class Switch:
    """The state; each method returns what is said about it."""

    live: dict[str, str] = field(default_factory=dict)
    peers: dict[str, str] = field(default_factory=dict)
    lots: dict[str, dict[str, Token]] = field(default_factory=dict)
    given: dict[str, dict[str, str]] = field(default_factory=dict)
    rings: dict[str, str] = field(default_factory=dict)
    dialled_by: dict[str, str] = field(default_factory=dict)
    busy: str = ""
    sessions: int = 100_000
    """How many more sessions it makes."""
    per_second: int = 100_000

    def token_of(self, uid: str) -> tuple[str, str, Token] | None:
        """Return where a leg is parked."""
        for lot, slots in self.lots.items():
            for slot, token in slots.items():
                if token.uid == uid and not token.dead:
                    return lot, slot, token
        return None

    def sweep(self) -> None:
        """Forget dead slots."""
        for slots in self.lots.values():
            for slot in [slot for slot, token in slots.items() if token.dead]:
                del slots[slot]

    def answer(self, command: str) -> bytes:
        """Carry out a command of the API."""
        word, _, rest = command.partition(" ")
        known: dict[str, Callable[[str], bytes]] = {
            "fsctl": lambda _: response(f"+OK sessions per second: {self.per_second}\n"),
            "module_exists": lambda _: response("true"),
            "uuid_exists": lambda uid: response("true" if uid in self.live else "false"),
            "uuid_getvar": lambda text: response(self.disposition(text.partition(" ")[0])),
            "valet_info": lambda lot: response(self.listing(lot)),
            "uuid_setvar_multi": lambda text: self.set(*text.split(" ", 1)),
            "uuid_transfer": lambda text: self.transfer(*_TRANSFER.findall(text)[0]),
            "uuid_bridge": lambda text: self.bridge(*text.split(" ")),
            "uuid_kill": self.kill,
            # It answers only what was dialled in; FreeSWITCH says that it is done all the same.
            "uuid_answer": lambda _: response("+OK\n"),
            "uuid_outgoing_answer": self.outgoing_answer,
        }
        if word not in known:
            return response(f"-ERR {word} Command not found!\n")
        return known[word](rest)

    def disposition(self, uid: str) -> str:
        """Tell how far a leg has come: its variable `endpoint_disposition`."""
        if uid not in self.live:
            return "-ERR No such channel!\n"
        return "EARLY MEDIA" if uid in self.rings else "ANSWER"

    def listing(self, wanted: str) -> str:
        """Write the lots; names as they are, the filter deaf to case."""
        lines = ["<lots>"]
        for lot, slots in self.lots.items():
            if not wanted or wanted.lower() == lot.lower():
                lines.append(f'  <lot name="{lot}">')
                lines += [
                    f'    <extension uuid="{token.uid}">{slot}</extension>'
                    for slot, token in slots.items()
                    if not token.dead
                ]
                lines.append("  </lot>")
        return "\n".join([*lines, "</lots>", ""])

    def set(self, uid: str, pairs: str) -> bytes:
        """Set variables of a leg."""
        if uid not in self.live:
            return response("-ERR No such channel!\n-USAGE: <uuid> <var>=<value>;...\n")
        self.given.setdefault(uid, {}).update(variables(pairs, ";"))
        return response("+OK\n")

    def originate(self, command: str) -> tuple[bytes, str, bytes]:
        """Bring two legs up; return what is said, the result of the job, what is said after it.

        The job is over when the first leg is up, before the second one is dialled. A leg that is
        refused at once is never heard of.
        """
        found = _ORIGINATE.fullmatch(command)
        assert found is not None, command
        one, other = variables(found[1]), variables(found[3])
        first = one["origination_uuid"]
        if found[2] == self.busy:
            return b"", "-ERR USER_BUSY\n", b""
        if not self.sessions:
            return b"", "-ERR DESTINATION_OUT_OF_ORDER\n", b""
        said = self.created(first, found[2]) + event("CHANNEL_ANSWER", Unique_ID=first)
        return said, f"+OK {first}\n", self.dialled(first, other, found[4])

    def dialled(self, first: str, given: dict[str, str], dialled: str) -> bytes:
        """Let a leg dial another."""
        second = given["origination_uuid"]
        if dialled == self.busy or not self.sessions:
            cause = "USER_BUSY" if dialled == self.busy else "DESTINATION_OUT_OF_ORDER"
            return self.gone(first, cause)
        said = self.created(second, dialled, by=first)
        self.rings[second] = first
        if given.get("null_enable_auto_answer") == "false":
            return said + event("CHANNEL_PROGRESS_MEDIA", Unique_ID=second)
        return said + self.answered(second)

    def answered(self, uid: str) -> bytes:
        """Let a leg that rings answer."""
        first = self.rings.pop(uid)
        return event("CHANNEL_ANSWER", Unique_ID=uid) + self.joined(first, uid)

    def outgoing_answer(self, uid: str) -> bytes:
        """Answer a leg that FreeSWITCH dialled; one that is up already is left alone."""
        if uid not in self.live:
            return response("-ERR No such channel!\n")
        if uid not in self.rings:
            return response("+OK\n")
        said = self.answered(uid)
        up, bridged = messages(said)
        return up + response("+OK\n") + bridged

    def created(self, uid: str, dialled: str, by: str = "") -> bytes:
        """Make a leg."""
        self.sessions -= 1
        self.live[uid] = dialled
        self.dialled_by[uid] = by
        return event(
            "CHANNEL_CREATE", Unique_ID=uid, Channel_Name=dialled, Call_Direction="outbound",
            Caller_Destination_Number=dialled.rpartition("/")[2], Other_Leg_Unique_ID=by,
        )  # fmt: skip

    def joined(self, one: str, other: str) -> bytes:
        """Let two legs talk; whom they talked to before is let go."""
        left = {self.peers.pop(uid, "") for uid in (one, other)} - {one, other}
        said = b""
        for uid in left:
            self.peers.pop(uid, None)
            said += self.gone(uid, "NORMAL_CLEARING")
        self.peers |= {one: other, other: one}
        return said + event(
            "CHANNEL_BRIDGE", Unique_ID=one, Other_Leg_Unique_ID=other,
            Bridge_A_Unique_ID=one, Bridge_B_Unique_ID=other,
        )  # fmt: skip

    def gone(self, uid: str, cause: str) -> bytes:
        """End a leg, and the one that it talks to."""
        if uid not in self.live:
            return b""
        del self.live[uid]
        said = event("CHANNEL_HANGUP", Unique_ID=uid, Hangup_Cause=cause)
        peer = self.peers.pop(uid, "") or self.rings.pop(uid, "")
        said += b"".join(self.gone(leg, cause) for leg, by in [*self.rings.items()] if by == uid)
        if self.peers.get(peer) == uid:
            said += self.gone(peer, "NORMAL_CLEARING")
        return said + self.exit(uid, "10")

    def kill(self, uid: str) -> bytes:
        """End a leg by command."""
        if uid not in self.live:
            return response("-ERR No such channel!\n")
        said, done = self.gone(uid, "NORMAL_CLEARING"), response("+OK\n")
        return done + said if self.dialled_by.get(uid) else said + done

    def valet(self, action: str, lot: str, slot: str, uid: str, **more: str) -> bytes:
        """Tell about a slot."""
        return event(
            "CUSTOM", Event_Subclass="valet_parking::info", Valet_Lot_Name=lot,
            Valet_Extension=slot, Action=action, Unique_ID=uid, **more,
        )  # fmt: skip

    def exit(self, uid: str, state: str, **more: str) -> bytes:
        """Let a parked leg leave its slot."""
        place = self.token_of(uid)
        if place is None:
            return b""
        lot, slot, token = place
        token.dead = True
        return self.valet("exit", lot, slot, uid, Channel_State_Number=state, **more)

    def transfer(self, uid: str, lot: str, slot: str) -> bytes:
        """Send a leg to a slot: it is parked there, or joined with whoever FreeSWITCH thinks is."""
        if uid not in self.live:
            return response("-ERR No such channel!\n")
        said = self.exit(uid, "2")
        peer = self.peers.pop(uid, "")
        if peer in self.live:
            self.peers.pop(peer, None)
            said += self.gone(peer, "NORMAL_CLEARING")
        slots = self.lots.setdefault(lot, {})
        there = slots.get(slot)
        if there is not None and not there.bridged and there.uid in self.live:
            there.bridged = True
            said += self.valet("bridge", lot, slot, there.uid, Bridge_To_UUID=uid)
            said += self.exit(there.uid, "8") + self.joined(there.uid, uid)
        else:
            slots[slot] = Token(uid)
            said += self.valet("hold", lot, slot, uid)
        return response("+OK\n") + said

    def bridge(self, one: str, other: str) -> bytes:
        """Join two legs by command, wherever they are."""
        if not {one, other} <= set(self.live):
            return response("-ERR Invalid uuid\n")
        return response(f"+OK {other}\n") + self.exit(other, "8") + self.joined(one, other)

    def gives_up(self, first: str) -> bytes:
        """Let the leg that another dials ring no longer."""
        for second, by in list(self.rings.items()):
            if by == first:
                said = self.gone(second, "NO_ANSWER")
                return said + self.gone(first, "NORMAL_CLEARING")
        return b""

    def times_out(self, uid: str) -> bytes:
        """Let the time of a parked leg be over."""
        given = self.given[uid]
        to = given["valet_parking_orbit_exten"]
        said = self.exit(uid, "2", Caller_Destination_Number=to)
        found = _BRIDGE.fullmatch(to)
        if found is None:
            return said + self.dialled(uid, {"origination_uuid": "by-dialplan"}, f"user/{to}")
        return said + self.dialled(uid, variables(found[1]), found[2])
