"""A manager interface that plays a part: it answers as Asterisk does, or as a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from scenario_runner.pbx.asterisk.rights import NOWHERE

Fields: TypeAlias = dict[str, str]
Answer: TypeAlias = "str | Callable[[Fields], str]"

LOTS = """
Response: Success
ActionID: {id}
EventList: start
Message: Parking lots will follow

Event: Parkinglot
ActionID: {id}
Name: default
StartSpace: 1
StopSpace: 20
Timeout: 180

Event: ParkinglotsComplete
ActionID: {id}
EventList: Complete
ListItems: 1
"""
ACTIONS = (
    "CoreShowChannels Hangup Originate Park ParkedCalls Parkinglots Redirect Setvar ShowDialPlan "
    "Status"
)
RIGHTS = "Response: Success\nActionID: {id}\n" + "\n".join(
    f"{action}: Does it.  (Priv: call,all)" for action in ACTIONS.split()
)
SUCCESS = "Response: Success\nActionID: {id}\nMessage: Done"
HUNG_UP = "Event: Hangup\nChannel: Local/x;1\nUniqueid: %s\nCause: 16\nCause-txt: Normal Clearing"


def wire(text: str) -> bytes:
    """Write messages as they travel; they are separated by empty lines."""
    messages = [message.strip("\n") for message in text.strip("\n").split("\n\n")]
    return b"".join(message.replace("\n", "\r\n").encode() + b"\r\n\r\n" for message in messages)


def parked_items(parked: dict[str, str]) -> str:
    """Write the answer to ParkedCalls: spaces with the Uniqueid of who is there."""
    items = "".join(
        f"Event: ParkedCall\nParkeeUniqueid: {uid}\nParkeeChannel: Local/+7@outside-00000000;1\n"
        f"ParkerDialString: Local/349@desk/n\nParkinglot: default\nParkingSpace: {space}\n"
        "ActionID: {id}\n\n"
        for space, uid in parked.items()
    )
    start = "Response: Success\nActionID: {id}\nEventList: start\nMessage: Parked calls will follow"
    end = "Event: ParkedCallsComplete\nActionID: {id}\nEventList: Complete\nListItems: 0\nTotal: 0"
    return f"{start}\n\n{items}{end}"


def came_up(action: Fields) -> str:
    """Write what happens when a call is originated, both its ends without phones."""
    uid, dialled = action["ChannelId"], action["Variable"].partition("=")[2]
    number = dialled.partition("/")[2].partition("@")[0]
    first = action["Channel"].removesuffix("/n") + "-00000001;1"
    second = dialled.removesuffix("/n") + "-00000002;1"
    other = f"{uid}-{number}"
    pair = f"Channel: {first}\nUniqueid: {uid}\nDestChannel: {second}\nDestUniqueid: {other}"
    bridge = f"BridgeUniqueid: b-{uid}\nBridgeType: basic"
    return (
        "Response: Success\nActionID: {id}\nMessage: Originate successfully queued\n\n"
        f"Event: Newchannel\nChannel: {first}\nUniqueid: {uid}\nLinkedid: {uid}\n\n"
        "Event: OriginateResponse\nActionID: {id}\nResponse: Success\nReason: 4\n"
        f"Uniqueid: {uid}\n\n"
        f"Event: Newchannel\nChannel: {second}\nUniqueid: {other}\nLinkedid: {uid}\n\n"
        f"Event: DialBegin\n{pair}\n\n"
        f"Event: DialEnd\n{pair}\nDialStatus: ANSWER\n\n"
        f"Event: BridgeEnter\n{bridge}\nUniqueid: {other}\nBridgeNumChannels: 1\n\n"
        f"Event: BridgeEnter\n{bridge}\nUniqueid: {uid}\nBridgeNumChannels: 2"
    )


def live_parked(uid: str, space: str) -> str:
    """Write the event that a call was parked."""
    return f"Event: ParkedCall\nParkeeUniqueid: {uid}\nParkinglot: default\nParkingSpace: {space}"


@dataclass
class Player:
    """One manager interface on a free port of the loopback.

    `answers` are texts by action, or what makes them; a list is used up one by one, its last item
    stays. `{id}` in them is the action's id. An empty answer is none. `piece` cuts what is sent
    into pieces of that many bytes. A `deaf` user is not told of the driver's test call. `received`
    are the actions that came, of all connections.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)
    greeting: bytes = b"Asterisk Call Manager/11.0.0\r\n"
    piece: int = 0
    deaf: bool = False
    port: int = 0
    received: list[Fields] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Player:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self.writers:
            writer.close()
        await asyncio.sleep(0)

    def actions(self, name: str) -> list[Fields]:
        """Return the actions of this name that came."""
        return [action for action in self.received if action["Action"] == name]

    async def say(self, text: str) -> None:
        """Send events by itself."""
        await self._send(self.writers[-1], wire(text))

    def hang_up_on_client(self) -> None:
        """End all connections."""
        for writer in self.writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        await self._send(writer, self.greeting)
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = [
                    line.partition(": ") for line in block.removesuffix("\r\n\r\n").split("\r\n")
                ]
                action = {key: value for key, _, value in lines}
                if action.get("Channel") == NOWHERE:
                    await self._answer_the_test_call(action, writer)
                    continue
                self.received.append(action)
                await self._answer(action, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer_the_test_call(self, action: Fields, writer: asyncio.StreamWriter) -> None:
        """Answer what the driver does to find out whether it hears of calls."""
        events = () if self.deaf else ("Newchannel", "Hangup")
        parts = [f"Event: {name}\nUniqueid: {action['ChannelId']}" for name in events]
        parts.append("Response: Error\nActionID: {id}\nMessage: Originate failed")
        told = "\n\n".join(parts).replace("{id}", action["ActionID"])
        await self._send(writer, wire(told))

    async def _answer(self, action: Fields, writer: asyncio.StreamWriter) -> None:
        answer = self._chosen(action)
        text = answer(action) if callable(answer) else answer
        if text == "CLOSE":
            writer.close()
        elif text:
            await self._send(writer, wire(text.replace("{id}", action["ActionID"])))

    def _chosen(self, action: Fields) -> Answer:
        told = self.answers.get(action["Action"])
        if told:
            return told.pop(0) if len(told) > 1 else told[0]
        match action["Action"]:
            case "ListCommands":
                return RIGHTS
            case "Parkinglots":
                return LOTS
            case "ParkedCalls":
                return parked_items(self.parked)
            case "Originate":
                return came_up
            case "Hangup":
                return SUCCESS + "\n\n" + HUNG_UP % action["Channel"]
            case _:
                return SUCCESS

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = self.piece or len(data) or 1
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()
            if self.piece:
                await asyncio.sleep(0)
