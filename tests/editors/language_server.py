"""Speaks to a language server over its standard input and output, as an editor does."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_LONGEST = 120.0
SETTINGS = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
    }
}


class LanguageServer:
    """One server with one open document."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._into: IO[bytes] = process.stdin
        self._out: IO[bytes] = process.stdout
        self._id = 0
        self._uri = ""

    def _write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._into.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._into.flush()

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._out.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server has gone"
        message: dict[str, Any] = json.loads(self._out.read(length))
        return message

    def _next(self) -> dict[str, Any]:
        """Return the next message; what the server itself asks for is answered."""
        message = self._read()
        if "method" in message and "id" in message:
            asked = message["method"] == "workspace/configuration"
            items = message.get("params", {}).get("items", []) if asked else []
            found = [SETTINGS.get(item.get("section")) for item in items]
            self._write({"id": message["id"], "result": found if asked else None})
        return message

    def request(self, method: str, params: dict[str, Any]) -> Any:
        self._id += 1
        self._write({"id": self._id, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._id and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._write({"method": method, "params": params})

    def begin(self, folder: Path) -> None:
        capabilities = {
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {},
            },
            "workspace": {"configuration": True, "didChangeConfiguration": {}},
        }
        root = {"rootUri": folder.as_uri(), "workspaceFolders": None, "processId": None}
        self.request("initialize", {**root, "capabilities": capabilities})
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": SETTINGS})

    def open(self, file: Path) -> list[dict[str, Any]]:
        """Open a document and return what the server says is wrong with it."""
        self._uri = file.as_uri()
        document = {"uri": self._uri, "languageId": "yaml", "version": 1, "text": file.read_text()}
        self.notify("textDocument/didOpen", {"textDocument": document})
        while True:
            message = self._next()
            about = message.get("params", {})
            told = message.get("method") == "textDocument/publishDiagnostics"
            if told and about["uri"] == self._uri:
                found: list[dict[str, Any]] = about["diagnostics"]
                return found

    def _at(self, line: int, column: int) -> dict[str, Any]:
        place = {"line": line - 1, "character": column - 1}
        return {"textDocument": {"uri": self._uri}, "position": place}

    def completions(self, line: int, column: int) -> dict[str, str]:
        """Return the labels offered at a place (counted from 1), each with its explanation."""
        result = self.request("textDocument/completion", self._at(line, column))
        return {item["label"]: str(item.get("documentation", "")) for item in result["items"]}

    def hover(self, line: int, column: int) -> str:
        result = self.request("textDocument/hover", self._at(line, column))
        return str(result["contents"]["value"]) if result else ""


@contextmanager
def serving(command: list[str], folder: Path) -> Iterator[LanguageServer]:
    """Run a language server for a folder; it is ended whatever happens."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watchdog = threading.Timer(_LONGEST, process.kill)
    watchdog.start()
    try:
        server = LanguageServer(process)
        server.begin(folder)
        yield server
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
