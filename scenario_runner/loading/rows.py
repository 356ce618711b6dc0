"""The rows of a matrix and what they are called."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.loading.expressions import expression
from scenario_runner.loading.matchers import items
from scenario_runner.loading.names import Kind
from scenario_runner.loading.nodes import Leaf, Listing, Mapping
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Reading
    from scenario_runner.references import Expression
    from scenario_runner.source import Span

MOST_ROWS = 10_000
_LONGEST = 40


class Row(NamedTuple):
    """One row: its part of the name, and its values as expressions and as text."""

    title: str
    values: tuple[tuple[str, Expression], ...]
    shown: tuple[tuple[str, str], ...]


class _Cell(NamedTuple):
    name: str
    value: Expression
    text: str
    title: str


def rows(node: Node | None, reading: Reading) -> tuple[Row, ...] | None:
    """The rows of a matrix, with titles that are stable and unique; None without a matrix."""
    match node:
        case Mapping():
            table = _product(node, reading)
        case Listing():
            table = _listed(node, reading)
        case _:
            return None
    titles = [", ".join(cell.title for cell in row) for row in table]
    made, seen = [], dict.fromkeys(titles, 0)
    twice = len(seen) < len(titles)
    for title, row in zip(titles, table, strict=True):
        seen[title] += 1
        unique = f"{title} #{seen[title]}" if twice and seen[title] > 1 else title
        values = tuple((cell.name, cell.value) for cell in row)
        made.append(Row(unique, values, tuple((cell.name, cell.text) for cell in row)))
    return tuple(made)


def _product(node: Mapping, reading: Reading) -> Sequence[tuple[_Cell, ...]]:
    count = prod(len(items(values)) for values in node.fields.values())
    for name, span in node.keys.items():
        reading.names.bind(name, Kind.ROW, span)
    if _too_many(count, next(iter(node.keys.values())), reading):
        return ()
    columns = [
        [_cell(name, value, index, reading) for index, value in enumerate(items(values), 1)]
        for name, values in node.fields.items()
    ]
    return list(product(*columns))


def _listed(node: Listing, reading: Reading) -> Sequence[tuple[_Cell, ...]]:
    table: list[tuple[_Cell, ...]] = []
    names: dict[str, Span] = {}
    for number, row in enumerate(node.items, 1):
        if not isinstance(row, Mapping):
            continue
        names = names or row.keys
        if row.keys.keys() != names.keys():
            odd = ", ".join(f"'{name}'" for name in sorted(row.keys.keys() ^ names.keys()))
            reading.problem(
                "uneven-rows", f"row {number} and the first row do not have the same names: {odd}",
                row.span, "give every row the same names",
            )  # fmt: skip
        cells = (_cell(name, value, number, reading) for name, value in row.fields.items())
        table.append(tuple(cells))
    for name, span in names.items():
        reading.names.bind(name, Kind.ROW, span)
    return () if _too_many(len(table), node.span, reading) else table


def _too_many(count: int, span: Span, reading: Reading) -> bool:
    if count <= MOST_ROWS:
        return False
    reading.problem(
        "too-many-rows", f"this matrix has {count:,} rows, more than {MOST_ROWS:,}", span,
        "split it into several scenarios, or list the rows that matter",
    )  # fmt: skip
    return True


def _cell(name: str, node: Node, index: int, reading: Reading) -> _Cell:
    text = as_text(node.data)
    short = isinstance(node, Leaf) and len(text) <= _LONGEST and text.isprintable()
    title = f"{name}={text}" if short else f"{name}=#{index}"
    return _Cell(name, expression(node, reading), text, title)
