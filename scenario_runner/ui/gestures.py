"""What a person does on the lot: frozen values, each with the step and the sentence that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from scenario_runner.references import NAME, Json

if TYPE_CHECKING:
    from scenario_runner.exchange import Request
    from scenario_runner.ui.picture import Picture

StepFields: TypeAlias = tuple[tuple[str, Json], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placing:
    """A call that is placed, known as `name` from here on; `way` is where its number stands."""

    action: ClassVar = "call"
    way: ClassVar[Literal["from", "to"]]
    name: str
    extension: str
    number: str
    answered: bool

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        rings: StepFields = () if self.answered else (("answered", False),)
        extension = number_from(self.extension)
        return (("as", self.name), ("extension", extension), (self.way, self.number), *rings)


@dataclass(frozen=True, slots=True, kw_only=True)
class SomebodyCalls(_Placing):
    """A person outside calls an extension."""

    way: ClassVar = "from"
    answered: bool = False

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        del before
        verb = "reaches" if self.answered else "calls"
        return capital(f"{who(self.name)} {verb} {self.extension}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionDials(_Placing):
    """An extension dials a person outside, who answers at once or rings."""

    way: ClassVar = "to"
    answered: bool = True

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        del before
        return f"{self.extension} dials {who(self.name)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUp:
    """Whoever a call rings answers it."""

    action: ClassVar = "answer"
    call: str

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        return (("call", self.call),)

    def sentence(self, before: Picture) -> str:
        """Say what is done: by the extension, or by the person that it dialled."""
        found = before.call(self.call)
        person = found is not None and found.flow == "out" and not found.returned
        return f"{capital(who(self.call)) if person else desk_of(self.call, before)} answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkCall:
    """The call's extension parks it in a slot; `slot` is a number, any text, or None for none.

    `extension` asks in the name of another extension than the call's, for negative cases.
    """

    action: ClassVar = "park"
    call: str
    slot: Json
    extension: str = ""

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        return (("call", self.call), ("slot", self.slot), *_asking(self.extension))

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        return f"{self.extension or desk_of(self.call, before)} parks {who(self.call)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookIntoSlot:
    """Asks, through a call, who is in the slot."""

    action: ClassVar = "slots"
    call: str
    slot: Json
    extension: str = ""

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        return (("call", self.call), ("slot", self.slot), *_asking(self.extension))

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        del before
        return "Somebody looks into the slot"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFromSlot:
    """The call's extension takes the call in the slot; `slot` None: any parked call."""

    action: ClassVar = "bridge"
    call: str
    slot: Json = None
    extension: str = ""

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        named: StepFields = () if self.slot is None else (("slot", self.slot),)
        return (("call", self.call), *named, *_asking(self.extension))

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        wanted = "a parked call" if self.slot is None else "the call in the slot"
        return f"{self.extension or desk_of(self.call, before)} takes {wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutDown:
    """One of the two parties hangs up."""

    action: ClassVar = "hangup"
    call: str
    by: Literal["remote", "extension"] = "remote"

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        by_extension: StepFields = (("by", self.by),) if self.by == "extension" else ()
        return (("call", self.call), *by_extension)

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        if self.by == "remote":
            return capital(f"{who(self.call)} hangs up")
        return f"{desk_of(self.call, before)} hangs up on {who(self.call)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtExtension:
    """Lists the extension's calls."""

    action: ClassVar = "calls"
    extension: str

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        return (("extension", number_from(self.extension)),)

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        del before
        return f"Somebody looks at {self.extension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtCall:
    """Asks what a call is doing."""

    action: ClassVar = "calls"
    call: str

    @property
    def fields(self) -> StepFields:
        """The step's fields, in the order in which they are written."""
        return (("call", self.call),)

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        del before
        return f"Somebody looks at {who(self.call)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """A request of the API as it is, for what has no gesture; its path begins below the root."""

    action: ClassVar = "request"
    request: Request

    @property
    def fields(self) -> StepFields:
        """Nothing: whoever knows the calls in the path writes the step, see `recording`."""
        return ()

    def sentence(self, before: Picture) -> str:
        """Say what is done, where the PBX held this before."""
        del before
        return f"A request: {self.request.method} {_resource(self.request.path)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetTimePass:
    """Waits for this many microseconds."""

    duration: int


Gesture: TypeAlias = (
    SomebodyCalls
    | ExtensionDials
    | PickUp
    | ParkCall
    | LookIntoSlot
    | TakeFromSlot
    | PutDown
    | LookAtExtension
    | LookAtCall
    | SendRequest
)
"""What is sent to the PBX; letting time pass is not."""


def _asking(extension: str) -> StepFields:
    return (("extension", number_from(extension)),) if extension else ()


def _resource(path: str) -> str:
    """Return the name of what a path is about, without the ids in it."""
    words = [part for part in path.partition("?")[0].split("/") if part.replace("_", "").isalpha()]
    return words[-1] if words else path


def number_from(text: str) -> Json:
    """Return an extension as a number where that is what its digits mean."""
    plain = text.isdecimal() and text.isascii() and text[0] != "0"
    return int(text) if plain else text


def slot_from(text: str) -> Json:
    """Read a slot as typed: digits are its number, anything else stays text, nothing is None."""
    typed = text.strip()
    plain = typed.isdecimal() and typed.isascii() and len(typed) <= 9
    if plain and (typed == "0" or typed[0] != "0"):
        return int(typed)
    return typed or None


def call_of(gesture: Gesture) -> str | None:
    """Return the name of the call that a gesture is about, if it is about one that is there."""
    match gesture:
        case PickUp() | ParkCall() | LookIntoSlot() | TakeFromSlot() | PutDown() | LookAtCall():
            return gesture.call
        case _:
            return None


def suggested_name(gesture: type[SomebodyCalls | ExtensionDials], taken: frozenset[str]) -> str:
    """Return a name for the next call of this kind that no other call has."""
    role = "customer" if gesture is SomebodyCalls else "colleague"
    names = (role, *(f"{role}_{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


_OWN_NAMES = ("env", "secret", "target")


def wrong_name(name: str, taken: frozenset[str]) -> str:
    """Say why a call can't be called so; empty where it can."""
    if not NAME.fullmatch(name):
        return "a name has letters, digits and _, and begins with a letter"
    if name in _OWN_NAMES:
        return f"'{name}' is a name of the language itself"
    return f"there was a call '{name}' already" if name in taken else ""


def who(name: str) -> str:
    """Write a call's name as people speak of it: `the customer`, but `Anna`."""
    words = name.replace("_", " ")
    return words if name[:1].isupper() else f"the {words}"


def desk_of(call: str, picture: Picture) -> str:
    """Return the extension that a call is at, as the subject of a sentence."""
    found = picture.call(call)
    return found.extension if found is not None else "Somebody"


def capital(text: str) -> str:
    """Begin a sentence with a capital letter."""
    return text[:1].upper() + text[1:]
