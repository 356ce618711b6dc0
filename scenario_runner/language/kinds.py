"""Kinds of values: the schema of each, what it is called, and what an editor says about it.

Kinds are passive. A declaration names the kind of each of its keys; `schema` makes JSON Schemas of
them, and the loader has a function for each kind that reads a node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from msgspec import NODEFAULT, Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable


class Kind(Struct, frozen=True, kw_only=True, eq=False):
    """What a value may be.

    `name` is what the loader knows it by, `noun` what it is called ("a duration"), `sentence` what
    an editor shows. In `schema`, the keywords of JSON Schema, another Kind stands for its own
    schema. A map has the keys of what it may be (`of`), or the words that may be chosen there
    (`choices`); those of a `spread` kind stand among the keys around it. `enum` are the words that
    a value may be. `shared` is the kind's name under `$defs`, and `base` the shared kind that this
    one only says differently. `key` is the key in the file, where it is not called like its field.
    `unknown_key` is where a message says that an unknown key stands ("in a step"), and `other_keys`
    says where such a key belongs.
    """

    name: str
    noun: str = ""
    sentence: str = ""
    schema: Mapping[str, Any] = {}
    of: Callable[[], tuple[type[Struct], ...]] = tuple
    choices: Callable[[], tuple[type[Word], ...]] = tuple
    spread: bool = False
    enum: type[Enum] | None = None
    shared: str = ""
    base: Kind | None = None
    key: str = ""
    unknown_key: str = ""
    other_keys: str = ""

    def __call__(
        self,
        sentence: str = "",
        *,
        name: str = "",
        noun: str = "",
        key: str = "",
        **schema: Any,  # noqa: ANN401 -- any JSON
    ) -> Kind:
        """Return the same kind said differently: for one key, or with narrower keywords."""
        return replace(
            self,
            name=name or self.name,
            noun=noun or self.noun,
            sentence=sentence or self.sentence,
            schema={**({} if self.shared and not self.base else self.schema), **schema},
            base=(self.base or self) if self.shared else None,
            key=key,
        )

    def is_a(self, other: Kind) -> bool:
        """Tell whether this is the other, shared kind, perhaps said differently."""
        return self is other or self.base is other


class Shape(Enum):
    """What stands under a word.

    MAP: a map of its fields. VALUE: the value of its one field. EACH: a map whose keys the file
    chooses; each is a declaration of its own, with the key and the value as its two fields.
    """

    MAP = auto()
    VALUE = auto()
    EACH = auto()


class Word(Struct, frozen=True):
    """A declaration that is a key in a file: an action, an expectation, a matcher.

    `noun`, `schema`, `unknown_key` and `other_keys` say what stands under it, as in a Kind; or
    `kind` does, where no field is of the kind of the whole value. `shared` is the name of that
    under `$defs`. The docstring is the sentence that editors and the reference show; a list in it
    says what the keys mean. What has an empty word is not written as a key.
    """

    word: ClassVar[str] = ""
    shape: ClassVar[Shape] = Shape.MAP
    noun: ClassVar[str] = "a map"
    schema: ClassVar[Mapping[str, Any]] = {}
    unknown_key: ClassVar[str] = "here"
    other_keys: ClassVar[str] = ""
    kind: ClassVar[Kind | None] = None
    shared: ClassVar[str] = ""

    @classmethod
    def sentence(cls) -> str:
        """Return what the word means, in one paragraph."""
        return " ".join(_ITEM.split(cls.__doc__ or "")[0].split())


_W = TypeVar("_W", bound=Word)


_ITEM = re.compile(r"\n\s*- (?=\w+: )")


def sentences(declaration: type[Struct]) -> dict[str, str]:
    """Return what a declaration says of its keys: the list at the end of its docstring."""
    _, *said = _ITEM.split(declaration.__doc__ or "")
    pairs = (one.partition(": ") for one in said)
    return {word: " ".join(text.split()) for word, _, text in pairs}


class Key(NamedTuple):
    """A key of a map: its word, the field it fills, its kind, and whether it must be there."""

    word: str
    field: str
    kind: Kind
    required: bool


@cache
def keys_of(declaration: type[Struct]) -> tuple[Key, ...]:
    """Return the keys of a declaration in their order: its fields whose annotation has a Kind."""
    fields, defaults = declaration.__struct_fields__, declaration.__struct_defaults__
    given = dict(zip(reversed(fields), reversed(defaults), strict=False))
    found = []
    for field in fields:
        kind = _kind(declaration, field)
        if kind is not None:
            word = kind.key or field.rstrip("_")
            required = given.get(field, NODEFAULT) is NODEFAULT and not kind.spread
            found.append(Key(word, field, kind, required))
    return tuple(found)


def _kind(declaration: type[Struct], field: str) -> Kind | None:
    """Return the kind of a field; annotations are read as they are, names in them unresolved."""
    for owner in declaration.__mro__:
        annotation = getattr(owner, "__annotations__", {}).get(field)
        if isinstance(annotation, str):
            name = f"{declaration.__module__}.{declaration.__name__}"
            raise TypeError(f"{name}: a module of declarations does not put off its annotations")
        if annotation is not None:
            carried = getattr(annotation, "__metadata__", ())
            return next((one for one in carried if isinstance(one, Kind)), None)
    return None


def by_word(declarations: Iterable[type[_W]]) -> dict[str, tuple[type[_W], ...]]:
    """Return declarations by their words; two may share one, such as both kinds of `calls`."""
    found: dict[str, tuple[type[_W], ...]] = {}
    for one in declarations:
        if one.word:
            found[one.word] = (*found.get(one.word, ()), one)
    return found


TEXT = Kind(name="text", noun="text", schema={"type": "string"})
VALUE = Kind(name="value")
NAME = Kind(
    name="name",
    noun="a name",
    sentence="A name: letters, digits and _, not beginning with a digit.",
    schema={"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    shared="name",
)
LABEL = Kind(
    name="label",
    noun="a label",
    sentence="A step's label: letters, digits, _ and -.",
    schema={"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"},
    shared="label",
)
CALL_NAME = Kind(
    name="call name",
    noun="the name of a call",
    sentence="The name that a 'call' step gave the call with 'as', written bare: customer.",
    schema={"type": "string", "minLength": 1, "examples": ["customer"]},
    shared="callName",
)
CALL_NAMES = Kind(
    name="call names",
    noun="the name of a call, or a list of them",
    sentence="The name of a call, or a list of names.",
    schema={"type": ["string", "array"], "minItems": 1, "items": CALL_NAME},
    shared="callNames",
)
CALL_API_ID = Kind(
    name="value",
    noun="a call's API id",
    sentence="A call by its id in the PBX's API, in place of 'call'; for ids made up on purpose. "
    "Goes with 'extension'.",
    schema={"type": ["string", "integer"]},
    shared="callApiId",
)
SLOT = Kind(
    name="slot",
    noun="a slot",
    sentence="The number of a parking slot.",
    schema={"type": ["integer", "string", "number"], "examples": [6]},
    shared="slot",
)
EXTENSION = Kind(
    name="extension",
    noun="an extension",
    sentence="The number of an extension, as people dial it.",
    schema={"type": ["integer", "string"], "examples": [341]},
    shared="extension",
)
OWN_EXTENSION = Kind(
    name="extension",
    noun="an extension",
    sentence="Used in place of the call's own extension, for cases that must be refused.",
    schema={"type": ["integer", "string"]},
    shared="ownExtension",
)
PARTY = Kind(
    name="party",
    noun="a telephone number",
    sentence="A telephone number; put one that begins with + in quotes.",
    schema={"type": ["string", "integer"], "examples": ["+78120000443"]},
    shared="party",
)
DURATION = Kind(
    name="duration",
    noun="a duration",
    sentence="How long: 250ms, 5s, 3m, 3m10s, 1h.",
    schema={"type": "string", "minLength": 1, "examples": ["5s", "3m10s"]},
    shared="duration",
)
TRUTH = Kind(
    name="truth",
    noun="true or false",
    sentence="true or false.",
    schema={"type": ["boolean", "string"], "examples": [True, False]},
    shared="truth",
)
FLAG = Kind(name="flag", noun="true or false", schema={"type": "boolean"})
AMOUNT = Kind(name="amount", noun="a number or a duration", schema={"type": ["number", "string"]})
PATH = Kind(
    name="value",
    noun="a path",
    sentence="The path below the API's root, such as /extension/34414/current_calls; one that "
    "begins with /oauth/ is taken from the host's root.",
    schema={"type": "string", "pattern": "^[/$]", "examples": ["/extension/34414/current_calls"]},
    shared="requestPath",
)
REASON = TEXT(noun="text: the reason, such as a link", minLength=1)


def one_of(words: type[Enum], noun: str, *, key: str = "") -> Kind:
    """Return the kind of a value that is one of these words."""
    schema = {"type": "string", "enum": [word.value for word in words]}
    return Kind(name="word", noun=noun, schema=schema, enum=words, key=key)


def many(kind: Kind, *, noun: str, **schema: Any) -> Kind:  # noqa: ANN401 -- any JSON
    """Return the kind of a list."""
    return Kind(name="list", noun=noun, schema={"type": "array", **schema, "items": kind})


def mapping(*, noun: str, name: str = "map", key: str = "", **schema: Any) -> Kind:  # noqa: ANN401 -- any JSON
    """Return the kind of a map whose keys the file chooses."""
    return Kind(name=name, noun=noun, schema={"type": "object", **schema}, key=key)


NAMES = many(NAME, noun="a list of names")
