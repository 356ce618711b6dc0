"""The table of a matrix: its rows are worked out one by one, when they are asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from scenario_runner.loading.messages import say
from scenario_runner.loading.names import Kind
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, items, text_of
from scenario_runner.loading.reader import expression
from scenario_runner.references import as_text, references

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reader import Reading
    from scenario_runner.references import Expression
    from scenario_runner.source import Span


MOST_ROWS = 1_000_000
_LONGEST = 40


class Cell(NamedTuple):
    """One value of a row: its name, as an expression, as text, and its part of the row's title."""

    name: str
    value: Expression
    text: str
    title: str


class RowWords(NamedTuple):
    """What a row says about itself: its name, its tags, and why it is known to fail."""

    name: str = ""
    tags: tuple[str, ...] = ()
    xfail: str | None = None


PLAIN = RowWords()


class Table(Protocol):
    """The rows of a matrix; each has a title that is stable and unique."""

    @property
    def names(self) -> frozenset[str]:
        """The names that a row binds."""
        ...

    def __len__(self) -> int: ...

    def row(self, index: int) -> tuple[Cell, ...]:
        """Return the cells of a row."""
        ...

    def title(self, index: int) -> str:
        """Return the title of a row."""
        ...

    def words(self, index: int) -> RowWords:
        """Return what a row says about itself."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows that are written one by one, or taken out of another table."""

    rows: tuple[tuple[Cell, ...], ...]
    titles: tuple[str, ...]
    own: tuple[RowWords, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names that a row binds."""
        return frozenset(cell.name for row in self.rows for cell in row)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> tuple[Cell, ...]:
        """Return the cells of a row."""
        return self.rows[index]

    def title(self, index: int) -> str:
        """Return the title of a row."""
        return self.titles[index]

    def words(self, index: int) -> RowWords:
        """Return what a row says about itself."""
        return self.own[index] if self.own else PLAIN


@dataclass(frozen=True, slots=True)
class Product:
    """Every combination of the cells of some columns; the last column changes fastest.

    `earlier` holds for each cell how many cells before it in its column have the same title, and
    `alike` how many have it in all: from these a row's number among those of one title follows.
    """

    columns: tuple[tuple[Cell, ...], ...]
    earlier: tuple[tuple[int, ...], ...]
    alike: tuple[tuple[int, ...], ...]

    @property
    def names(self) -> frozenset[str]:
        """The names that a row binds."""
        return frozenset(column[0].name for column in self.columns if column)

    def __len__(self) -> int:
        return prod(len(column) for column in self.columns)

    def row(self, index: int) -> tuple[Cell, ...]:
        """Return the cells of a row."""
        places = self._places(index)
        return tuple(column[place] for column, place in zip(self.columns, places, strict=True))

    def title(self, index: int) -> str:
        """Return the title of a row."""
        number = 0
        for column, place in enumerate(self._places(index)):
            number = number * self.alike[column][place] + self.earlier[column][place]
        return _unique(_title(self.row(index)), number)

    def words(self, _: int) -> RowWords:
        """Return what a row says about itself: nothing."""
        return PLAIN

    def _places(self, index: int) -> list[int]:
        """Return the place of the row's cell in each column."""
        places = []
        for column in reversed(self.columns):
            index, place = divmod(index, len(column))
            places.append(place)
        return places[::-1]


def _title(row: Sequence[Cell]) -> str:
    return ", ".join([cell.title for cell in row])


def _unique(title: str, earlier: int) -> str:
    return f"{title} #{earlier + 1}" if earlier else title


def table_of(node: Node | None, reading: Reading) -> Table | None:
    """Read a matrix and bind its names; None without one, empty where it has too many rows."""
    match node:
        case Mapping():
            return _product(node, reading)
        case Listing():
            return _listed(node, reading)
        case _:
            return None


def _product(node: Mapping, reading: Reading) -> Table:
    count = prod(len(items(values)) for values in node.fields.values())
    for name, span in node.keys.items():
        reading.names.bind(name, Kind.ROW, span)
    if _too_many(count, next(iter(node.keys.values())), reading):
        return Listed((), ())
    columns = tuple(
        tuple(_cell(name, value, index, reading) for index, value in enumerate(items(values), 1))
        for name, values in node.fields.items()
    )
    _refuse_columns((cell for column in columns for cell in column), node.keys, reading)
    columns = tuple(_unambiguous(column, node.keys) for column in columns)
    counted = [_counted(cell.title for cell in column) for column in columns]
    return Product(columns, tuple(one for one, _ in counted), tuple(all_ for _, all_ in counted))


def _listed(node: Listing, reading: Reading) -> Table:
    table: list[tuple[Cell, ...]] = []
    own: list[RowWords] = []
    names: dict[str, Span] = {}
    for number, whole in enumerate(node.items, 1):
        if not isinstance(whole, Mapping):
            continue
        own.append(_words(whole, reading))
        row = whole.without(set(RowWords._fields))
        if not names:
            names = {name: row.keys[name] for name in row.fields}
            for name, span in names.items():
                reading.names.bind(name, Kind.ROW, span)
        if row.fields.keys() != names.keys():
            odd = ", ".join(f"'{name}'" for name in sorted(row.fields.keys() ^ names.keys()))
            reading.report(say("uneven-rows", number=number, names=odd), row.span)
        cells = (_cell(name, value, number, reading) for name, value in row.fields.items())
        table.append(tuple(cells))
    _refuse_columns((cell for row in table for cell in row), names, reading)
    if _too_many(len(table), node.span, reading):
        return Listed((), ())
    titles = [words.name or _title(row) for words, row in zip(own, table, strict=True)]
    earlier, _ = _counted(titles)
    return Listed(tuple(table), tuple(map(_unique, titles, earlier)), tuple(own))


def _words(row: Mapping, reading: Reading) -> RowWords:
    """Read what a row says about itself, which is bound to no name."""
    for word in RowWords._fields:
        if word in row.fields:
            reading.names.own_word(word, row.keys[word])
    return RowWords(
        name=text_of(row.fields.get("name")),
        tags=tuple(text_of(tag) for tag in items(row.fields.get("tags"))),
        xfail=text_of(row.fields.get("xfail")) or None,
    )


def _refuse_columns(cells: Iterable[Cell], names: Container[str], reading: Reading) -> None:
    """Report values that refer to others of their row."""
    for cell in cells:
        for reference in references(cell.value):
            if reference.name in names:
                reading.report(say("circle.row", reference=reference), reference.span)


def _counted(titles: Iterable[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return for each title how often it came before, and how often it comes in all."""
    seen: Counter[str] = Counter()
    listed, earlier = list(titles), []
    for title in listed:
        earlier.append(seen[title])
        seen[title] += 1
    return tuple(earlier), tuple(seen[title] for title in listed)


def _too_many(count: int, span: Span, reading: Reading) -> bool:
    if count <= MOST_ROWS:
        return False
    reading.report(say("too-many-rows", count=f"{count:,}", most=f"{MOST_ROWS:,}"), span)
    return True


def _cell(name: str, node: Node, index: int, reading: Reading) -> Cell:
    text = as_text(node.data)
    short = isinstance(node, Leaf) and len(text) <= _LONGEST and text.isprintable()
    title = f"{name}={text}" if short else f"{name}=#{index}"
    return Cell(name, expression(node, reading), text, title)


def _unambiguous(column: tuple[Cell, ...], names: Iterable[str]) -> tuple[Cell, ...]:
    """Number the cells whose text looks like the title of a cell beside it: titles stay unique."""
    others = tuple(f", {name}=" for name in names)
    return tuple(
        cell._replace(title=f"{cell.name}=#{number}")
        if any(other in cell.title for other in others)
        else cell
        for number, cell in enumerate(column, 1)
    )
