"""Writes the `curl` line that repeats a request, with placeholders where the secrets were."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from scenario_runner.reporters.wording import printable

if TYPE_CHECKING:
    from scenario_runner.events import Exchange

MASKED = "***"


def curl_line(exchange: Exchange, base_url: str, indent: str = "") -> str:
    """Return the command that sends this request again, one line for each part of it.

    The token is read from the shell's `$TOKEN`, any other secret from `$SECRET`. Empty for
    exchanges over other protocols, and where the PBX can't be reached from a shell. Lines inside
    of a quoted body are not indented, since that would change it.
    """
    head, _, body = exchange.sent.partition("\n\n")
    first, *headers = head.splitlines() or [""]
    method, _, path = first.partition(" ")
    if exchange.protocol != "http" or not base_url or not path:
        return ""
    parts = [f"{_command(method, path)} {_shell(base_url.rstrip('/') + path)}"]
    parts += [f"-H {_header(header)}" for header in headers]
    parts += [f"--data-raw {_shell(body)}"] if body else []
    return indent + f" \\\n{indent}  ".join(parts)


def _command(method: str, path: str) -> str:
    """Tell curl not to read ranges and sets out of brackets in the address."""
    globbing = " -g" if set(path) & set("[]{}") else ""
    return f"curl{globbing} -X {quote(method)}"


def _header(header: str) -> str:
    name, _, _ = header.partition(":")
    return _shell(header, "$TOKEN" if name.lower() == "authorization" else "$SECRET")


def _shell(text: str, secret: str = "$SECRET") -> str:
    """Quote for a POSIX shell; a secret stays a variable that the shell fills in."""
    text = printable(text)
    if MASKED not in text:
        return quote(text)
    escaped = "".join(f"\\{letter}" if letter in '\\"$`' else letter for letter in text)
    return f'"{escaped.replace(MASKED, secret)}"'
