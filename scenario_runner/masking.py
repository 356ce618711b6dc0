"""Keeps secrets out of everything that is written: known values are replaced by `***`."""

from __future__ import annotations

import base64
import json
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, quote_plus

from msgspec import Struct
from msgspec.json import Encoder as JsonEncoder

from scenario_runner.errors import TargetError
from scenario_runner.printable import encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "***"
SHORTEST = 4

_T = TypeVar("_T")
_JSON = JsonEncoder()


class Mask:
    """The secrets seen so far in a run, and the one place that hides them in text.

    A secret is also hidden as it looks in a URL, in JSON, and in base64. Secrets of fewer than
    four letters are refused with TargetError: hiding them would blot out half of every report.
    """

    def __init__(self) -> None:
        self._hidden: tuple[str, ...] = ()
        self._hidden_json: tuple[bytes, ...] = ()

    def add(self, secret: str, *, name: str) -> None:
        """Hide this value from now on; `name` is what the message calls it."""
        if len(secret) < SHORTEST:
            raise TargetError(
                f"the secret {name} has fewer than {SHORTEST} letters and can't be masked",
                hint="use a longer secret, or $env for a value that is none",
            )
        forms = {*_forms(secret), *self._hidden}
        self._hidden = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._hidden_json = tuple(_JSON.encode(form)[1:-1] for form in forms if _is_utf8(form))

    def text(self, text: str) -> str:
        """Return `text` with every secret replaced."""
        for form in self._hidden:
            text = text.replace(form, MASK)
        return text

    def event(self, event: _T) -> _T:
        """Return the event as it may be written: no secret in any text, and no lone surrogate.

        Raises TypeError for a value of a kind that it does not know, since a secret might hide
        there.
        """
        if isinstance(event, Struct) and self._has_nothing_to_hide(event):
            return event
        masked: _T = _mapped(event, self._written if self._hidden else encodable)
        return masked

    def _has_nothing_to_hide(self, event: Struct) -> bool:
        """Tell, for a tenth of what looking at each field costs, that the event may stay as it is.

        JSON escapes letter by letter: a secret in a text is, escaped, in the JSON of the text.
        """
        try:
            written = _JSON.encode(event)
        except (UnicodeEncodeError, TypeError):
            return False
        return not any(form in written for form in self._hidden_json)

    def _written(self, text: str) -> str:
        return self.text(encodable(text))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 -- any field
    """Return the value with every text in it changed; the value itself where none did."""
    kind = type(value)
    if kind is str:
        return change(value)
    if kind is tuple:
        items = [_mapped(item, change) for item in value]
        return tuple(items) if _differ(items, value) else value
    if isinstance(value, Struct):
        names = kind.__struct_fields__
        before = [getattr(value, name) for name in names]
        after = [_mapped(field, change) for field in before]
        return kind(**dict(zip(names, after, strict=True))) if _differ(after, before) else value
    if value is None or isinstance(value, (int, float, Enum)):
        return value
    raise TypeError(f"a {kind.__name__} in an event: it is not known where it may hold a secret")


def _is_utf8(text: str) -> bool:
    return text == encodable(text)


def _differ(after: Iterable[object], before: Iterable[object]) -> bool:
    return any(new is not old for new, old in zip(after, before, strict=True))


def _forms(secret: str) -> set[str]:
    """Return how the secret may look where it is written."""
    text = encodable(secret)
    raw = text.encode()
    encoded = {base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    return {
        secret,
        text,
        quote(text, safe=""),
        quote(text),
        quote_plus(text),
        repr(text)[1:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        *(form.decode().rstrip("=") for form in encoded),
    }
