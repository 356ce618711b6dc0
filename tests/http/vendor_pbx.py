"""A small PBX written from the vendor's pages alone, for what our own mock decides otherwise.

A bridge leaves both calls in the lists of their own extensions, and a call is known under its own
extension only. It shares no code with the mock and none with the driver.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.http.answering import answering

ROOT = "/api/ver1.0"
_Answer = tuple[int, Any]
_NOT_FOUND: _Answer = (404, {"message": "Not found"})


@dataclass
class VendorPbx:
    """Calls by their ids, slots by their numbers; `fall_together`: a joined call takes the other.

    `refuses` are (method, part of the path) that are answered 403.
    """

    extension_ids: tuple[str, ...]
    fall_together: bool = True
    refuses: list[tuple[str, str]] = field(default_factory=list)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    slots: dict[str, str] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        async with answering(self._said) as url:
            yield url

    async def _said(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
        status, answer = self._answered(method, path, body)
        data = b"" if answer is None else json.dumps(answer).encode()
        writer.write(
            f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )

    def _answered(self, method: str, path: str, body: bytes) -> _Answer:
        if path == "/oauth/token":
            return 200, {"access_token": "t" * 32, "token_type": "Bearer", "expires_in": 3600}
        if any(method == verb and part in path for verb, part in self.refuses):
            return 403, {"status": "access_denied", "message": "no right to the resource"}
        match [method, *path.removeprefix(ROOT).strip("/").split("/")]:
            case ["GET", "client", "@me", "current_calls"]:
                return 200, {"call_list": list(self.calls.values())}
            case [verb, "extension", extension, what, *call] if extension in self.extension_ids:
                if call:
                    return self._one(verb, extension, what, call[0], body)
                return self._whole(verb, extension, body)
            case _:
                return _NOT_FOUND

    def _whole(self, verb: str, extension: str, body: bytes) -> _Answer:
        """Answer about all of an extension: its calls, or a callback."""
        if verb == "POST":
            return self._called(extension, json.loads(body))
        mine = [call for call in self.calls.values() if str(call["extension_id"]) == extension]
        return 200, {"call_list": mine}

    def _one(self, verb: str, extension: str, what: str, call: str, body: bytes) -> _Answer:
        found = self.calls.get(call)
        if found is None or str(found["extension_id"]) != extension:
            return _NOT_FOUND
        if what == "valet_park":
            return self._valet(call, json.loads(body))
        return self._ended(call) if verb == "DELETE" else (200, found)

    def _called(self, extension: str, body: dict[str, Any]) -> _Answer:
        uuid = str(UUID(int=len(self.calls) + len(self.deleted) + 1))
        call_api_id = f"3232240860-{uuid}"
        self.calls[call_api_id] = {
            "call_api_id": call_api_id,
            "call_flow": "OUT",
            "called_number": body["dst_num"],
            "caller_id_number": body["src_num"][0],
            "extension_id": int(extension),
            "init_time_gmt": "2026-11-24 10:00:00,00",
            "answer_time_gmt": "2026-11-24 10:00:01,00",
        }
        return 201, {"call_api_id": call_api_id, "call_id": uuid.replace("-", "")}

    def _valet(self, call: str, body: dict[str, Any]) -> _Answer:
        slot = str(body.get("slot"))
        match body["action"]:
            case "park" if slot in self.slots:
                return 400, {"message": "slot already have parked member, slot is full"}
            case "park":
                self.slots[slot] = call
                return 200, {"action": "park", "slot": int(slot)}
            case "slots":
                held = self.slots.get(slot)
                return 200, {"slot": slot, "UUID": held and held.partition("-")[2]}
            case _:
                other = self.slots.pop(slot)
                self.joined |= {call: other, other: call}
                return 200, {"action": "bridge", "slot": int(slot)}

    def _ended(self, call: str) -> _Answer:
        self.deleted.append(call)
        ended = {call, self.joined.get(call, call) if self.fall_together else call}
        self.calls = {name: one for name, one in self.calls.items() if name not in ended}
        self.slots = {slot: name for slot, name in self.slots.items() if name not in ended}
        return 204, None
