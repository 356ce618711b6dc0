"""Keeps secrets out of everything that is written: known values are replaced by `***`."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from scenario_runner.errors import TargetError

MASK = "***"
SHORTEST = 4

_T = TypeVar("_T")


class Mask:
    """The secrets seen so far in a run, and the one place that hides them in text.

    A secret is also hidden as it looks in a URL, in JSON, and in base64. Secrets of fewer than
    four letters are refused with TargetError: hiding them would blot out half of every report.
    """

    def __init__(self) -> None:
        self._hidden: tuple[str, ...] = ()

    def add(self, secret: str, *, name: str) -> None:
        """Hide this value from now on; `name` is what the message calls it."""
        if len(secret) < SHORTEST:
            raise TargetError(
                f"the secret {name} has fewer than {SHORTEST} letters and can't be masked",
                hint="use a longer secret, or $env for a value that is none",
            )
        forms = {*_forms(secret), *self._hidden}
        self._hidden = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def text(self, text: str) -> str:
        """Return `text` with every secret replaced."""
        for form in self._hidden:
            text = text.replace(form, MASK)
        return text

    def event(self, event: _T) -> _T:
        """Return the event with every secret in every text replaced."""
        if not self._hidden:
            return event
        masked: _T = self._masked(event)
        return masked

    def _masked(self, value: Any) -> Any:  # noqa: ANN401 -- any field of an event
        masked = value
        if isinstance(value, str):
            masked = self.text(value)
        elif isinstance(value, tuple):
            items = [self._masked(item) for item in value]
            masked = type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        elif is_dataclass(value) and not isinstance(value, type):
            changed = {f.name: self._masked(getattr(value, f.name)) for f in fields(value)}
            masked = replace(value, **changed)
        return masked


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    encoded = {base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        *(form.decode().rstrip("=") for form in encoded),
    }
