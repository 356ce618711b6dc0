"""Reads what a targets file says of one target, each value by the kind that it is declared with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, parse_duration
from scenario_runner.http.hosts import is_this_machine
from scenario_runner.language.kinds import keys_of
from scenario_runner.language.settings import Address
from scenario_runner.language.target import Target
from scenario_runner.language.vocabulary import Reason
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, as_map, items, text_of
from scenario_runner.loading.reader import VALUES, declared, duration_hint, matcher
from scenario_runner.masking import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec import Struct

    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.settings import Settings
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reader import Reading
    from scenario_runner.masking import Mask
    from scenario_runner.source import Span

MOST_EXTENSIONS = 10_000


def read_target(name: str, root: Mapping, declaration: type[Settings], reading: Reading) -> Target:
    """Read a target whose schema is fulfilled, references resolved; report what is wrong."""
    settings = declared(declaration, root, root.span, reading)
    elsewhere = not (settings.in_this_process or is_this_machine(settings.place))
    target = declared(
        Target,
        root,
        root.span,
        reading,
        name=name,
        driver=text_of(root.fields["driver"]),
        host=settings.place,
        base_url=settings.base_url,
        settings=settings,
        protected=elsewhere,
    )
    wrong = {problem.span for problem in reading.problems.found}
    for problem in settings.problems(target):
        span = _span_at(root, problem.path)
        if span not in wrong:
            reading.problem("wrong-value", problem.message, span, problem.hint)
    return target


def with_preset(root: Mapping, declaration: type[Settings]) -> Mapping:
    """Return what a target says, with the values of its preset for what it leaves out."""
    chosen = root.fields.get("preset")
    values = declaration.presets.get(text_of(chosen))
    if chosen is None or values is None:
        return root
    added = {
        key: Leaf(text=value, value=value, plain=True, span=chosen.span)
        for key, text in values.items()
        if key not in root.fields
        for value in [_filled(text, root)]
    }
    fields = {**root.fields, **added}
    data = {key: node.data for key, node in fields.items()}
    return Mapping(root.span, flow=root.flow, keys=root.keys, fields=fields, data=data)


def _filled(text: str, root: Mapping) -> str:
    for key, node in root.fields.items():
        text = text.replace(f"{{{key}}}", text_of(node))
    return text


def hide_secrets(declaration: type[Struct], root: Mapping, mask: Mask) -> None:
    """Hide the secrets that are written out in the file, unless they are too short to be hidden."""
    for node in secrets_in(declaration, root):
        if len(text_of(node)) >= SHORTEST:
            mask.add(text_of(node), name="a credential")


def secrets_in(declaration: type[Struct], root: Mapping) -> Iterator[Node]:
    """Give what stands in the file where a secret is declared."""
    for key in keys_of(declaration):
        node = root.fields.get(key.word)
        match key.kind.name:
            case "section" if isinstance(node, Mapping):
                for inner in key.kind.of():
                    yield from secrets_in(inner, node)
            case "sections" if isinstance(node, Listing):
                (inner,) = key.kind.schema["items"].of()
                for item in node.items:
                    yield from secrets_in(inner, as_map(item))
            case "secret" if node is not None:
                yield node


def _span_at(root: Node, path: tuple[str, ...]) -> Span:
    """Return where the value stands that the keys lead to, as far as they lead."""
    for key in path:
        inner = as_map(root).fields.get(key)
        if inner is None:
            break
        root = inner
    return root.span


def _number(node: Node, reading: Reading) -> int:
    del reading
    return node.value if isinstance(node, Leaf) and isinstance(node.value, int) else 0


def _flag(node: Node, reading: Reading) -> bool:
    del reading
    return isinstance(node, Leaf) and node.value is True


def _time(node: Node, reading: Reading) -> int:
    """Microseconds; what is no duration is reported."""
    text = text_of(node)
    found = parse_duration(text)
    if found is None:
        hint = duration_hint(text)
        reading.problem("bad-duration", f"'{text}' is not a duration", node.span, hint)
    elif found < SECOND:
        reading.problem("out-of-range", f"{text} is too short", node.span, "write 1s or more")
    return found or SECOND


def _address(node: Node, reading: Reading) -> Address:
    text = text_of(node)
    found = Address.parse(text)
    if found is None:
        message = f"'{text}' is not an address and port"
        reading.problem("wrong-value", message, node.span, "write 127.0.0.1:8090")
    return found or Address("127.0.0.1", 0)


def _file(node: Node, reading: Reading) -> str:
    """A file that is there, looked for from the folder of the targets file."""
    text, folder = text_of(node), Path(reading.file).absolute().parent
    if not (folder / text).is_file():
        hint = f"it is looked for in {folder}"
        reading.problem("no-such-file", f"there is no file '{text}'", node.span, hint)
    return str(folder / text)


def _slots(node: Node, reading: Reading) -> tuple[int, int]:
    """The inclusive range of slots: `20` means 1 to 20."""
    text = text_of(node)
    first, dash, last = text.partition("-")
    pair = _range(first, last) if dash else _range("1", text)
    if pair is None:
        message = f"'{text}' is not a range of slots"
        reading.problem("wrong-value", message, node.span, "write 20, or 5-15")
    return pair or (1, 20)


def _extensions(node: Node, reading: Reading) -> tuple[tuple[str, str], ...]:
    """The numbers of the extensions with the PBX's ids, empty where none is told."""
    match node:
        case Mapping():
            return tuple(
                pair
                for number, own in node.fields.items()
                for pair in _with_ids(number, node.keys[number], text_of(own), reading)
            )
        case Listing():
            return tuple((text_of(item), "") for item in node.items)
        case Leaf():
            return _extension_range(node, reading)


_OFFSET = re.compile(r"[+-][0-9]{1,9}")


def _with_ids(numbers: str, place: Span, own: str, reading: Reading) -> tuple[tuple[str, str], ...]:
    """An extension with its id, or a range of them whose ids are the numbers and an offset."""
    first, dash, last = numbers.partition("-")
    pair = _range(first, last) if dash else None
    offset = _OFFSET.fullmatch(own)
    if pair is None and (offset is None or not numbers.isdecimal()):
        return ((numbers, own),)
    low, high = pair or (int(numbers), int(numbers))
    if offset is None or low + int(own) < 0 or high - low >= MOST_EXTENSIONS:
        message = f"the ids of the extensions {numbers} are not known by '{own}'"
        hint = "write what is added to each number, such as 341-360: +34073"
        reading.problem("wrong-value", message, place, hint)
        return ()
    return tuple((str(number), str(number + int(own))) for number in range(low, high + 1))


def _extension_range(node: Leaf, reading: Reading) -> tuple[tuple[str, str], ...]:
    text = text_of(node)
    first, dash, last = text.partition("-")
    pair = _range(first, last if dash else first)
    if pair is None or pair[1] - pair[0] >= MOST_EXTENSIONS:
        message = f"'{text}' is not a range of extensions"
        hint = "write 341-360, [341, 342], or a map of numbers to ids: {341-360: +34073}"
        reading.problem("wrong-value", message, node.span, hint)
        return ()
    return tuple((str(number), "") for number in range(pair[0], pair[1] + 1))


def _range(first: str, last: str) -> tuple[int, int] | None:
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (first, last)):
        return None
    low, high = int(first), int(last)
    return (low, high) if 1 <= low <= high else None


def _reasons(node: Node, reading: Reading) -> tuple[tuple[Reason, Matcher], ...]:
    taught = as_map(node).fields.items()
    return tuple((Reason(word), matcher(said, reading)) for word, said in taught)


def _matchers(node: Node, reading: Reading) -> tuple[Matcher, ...]:
    return tuple(matcher(item, reading) for item in items(node))


def _url(node: Node, reading: Reading) -> str:
    del reading
    return text_of(node).rstrip("/")


# Settings are read by the same door as what stands in scenarios.
VALUES.update(
    {
        "address": _address,
        "extensions": _extensions,
        "file": _file,
        "flag": _flag,
        "matchers": _matchers,
        "number": _number,
        "reasons": _reasons,
        "secret": lambda node, _: text_of(node),
        "slots": _slots,
        "time": _time,
        "url": _url,
    }
)
