"""A client of the mock for tests: a token, JSON requests, and recorded conversations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from scenario_runner.exchange import Request, Response
from scenario_runner.mock_pbx import MockPbx, Profile
from scenario_runner.mock_pbx.profile import SECOND
from scenario_runner.mock_pbx.seeding import hex_name, uuid_name

if TYPE_CHECKING:
    from scenario_runner.exchange import Headers

CREDENTIALS = b"grant_type=client_credentials&client_id=runner&client_secret=s3cret"


class Phone:
    """Speaks to one mock, with a token, at a time that only moves when told."""

    def __init__(self, profile: Profile | None = None, seed: int = 0) -> None:
        self.mock = MockPbx(profile or Profile(), seed=seed)
        self.now = 0
        self.headers: Headers = ()
        token = self.json("POST", "/oauth/token", CREDENTIALS)["access_token"]
        self.headers = (("Authorization", f"Bearer {token}"),)

    def send(self, method: str, path: str, body: bytes = b"") -> Response:
        request = Request(method=method, path=path, headers=self.headers, body=body)
        return self.mock.handle(request, self.now).response

    def json(self, method: str, path: str, body: bytes | dict[str, object] = b"") -> dict[str, str]:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        answered: dict[str, str] = json.loads(self.send(method, path, sent).body)
        return answered


NAMES = {
    **{f"<{letter}>": uuid_name(0, number) for number, letter in enumerate("ABCDE", 1)},
    **{f"<{letter}>": uuid_name(0, number).replace("-", "")
       for number, letter in enumerate("abcde", 1)},
    **{f"<leg {number}>": hex_name(0, "leg", number) for number in range(1, 12)},
    "<nobody>": uuid_name(0, 99),
    "<server>": "3232240860",
}  # fmt: skip


def named(text: str) -> str:
    for name, value in NAMES.items():
        text = text.replace(value, name)
    return text


def spelled(text: str) -> str:
    for name, value in NAMES.items():
        text = text.replace(name, value)
    return text


def converse(script: str) -> str:
    """Play the `>` and `@` lines of a conversation and return it with what came back.

    `> METHOD path [body]` is a request, `@ 180s` lets time pass up to there, `<` is an answer and
    `!` a notification; `#` lines and empty ones stay.
    """
    phone, lines = Phone(), []
    for line in script.splitlines():
        match line[:2]:
            case "> ":
                lines.append(line)
                lines.append(_asked(phone, line[2:]))
            case "@ ":
                phone.now = int(line[2:].removesuffix("s")) * SECOND
                phone.mock.tick(phone.now)
                lines.append(line)
            case "< " | "! ":
                continue
            case _:
                lines.append(line)
        for told in phone.mock.take_deliveries():
            form = re.sub("&", " &", told.form_body.decode())
            lines.append(named(f"! {told.at_us} {told.method} {told.url} {form}"))
    return "\n".join(lines) + "\n"


def _asked(phone: Phone, request: str) -> str:
    method, _, rest = request.partition(" ")
    path, _, body = rest.partition(" ")
    answer = phone.send(method, spelled(path), spelled(body).encode())
    return named(f"< {answer.status} {answer.body.decode()}").rstrip()
