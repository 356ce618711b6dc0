"""What a scenario runs against: what a targets file says of every PBX, whichever its driver is."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Struct

from scenario_runner.durations import MINUTE
from scenario_runner.language.kinds import TEXT, Kind, keys_of, many, mapping
from scenario_runner.language.matchers import MATCHER, Matcher
from scenario_runner.language.schema import properties
from scenario_runner.language.settings import FLAG, LINE, NUMBER, TIME, Settings
from scenario_runner.language.vocabulary import Reason

SLOTS = Kind(
    name="slots",
    noun="a number of slots, or a range of them",
    sentence="The parking slots: 20 for slots 1 to 20, or a range such as 5-15. It is also the "
    "number of simultaneous calls.",
    schema={
        "type": ["integer", "string"], "minimum": 1, "maximum": 100_000, "examples": [20, "1-20"],
    },
    shared="slots",
)  # fmt: skip
PARK_TIMEOUT = TIME(
    "How long a call stays parked before it goes back to who parked it; 3m by default."
)
EXTENSIONS = Kind(
    name="extensions",
    noun="a range, a list of numbers, or a map of numbers to ids",
    sentence="The extensions that scenarios may use: 341-360, [341, 342], or a map of each number "
    'to the PBX\'s own id: {"341": 34414}, or of a range to what is added to each number: '
    "{341-360: +34073}.",
    schema={
        "type": ["string", "integer", "array", "object"],
        "minItems": 1,
        "minProperties": 1,
        "items": TEXT(
            "The number of an extension, as people dial it.",
            noun="an extension",
            type=["integer", "string"],
        ),
        "additionalProperties": TEXT(
            "What the PBX calls this extension; +34073 is added to the number.",
            noun="an id",
            type=["integer", "string"],
            minLength=1,
        ),
        "examples": ["341-360"],
    },
    shared="extensions",
)
_SAID = MATCHER(
    "What the PBX says for this reason: its exact words, or a matcher such as {contains: no "
    "parked member}.",
    noun="a text or a matcher",
)
REASONS = Kind(
    name="reasons",
    noun="a map of reasons",
    sentence="Teaches what the PBX's own words mean: {slot-empty: {contains: no parked member}}. "
    "Asked before the words that are known already.",
    schema={
        "type": "object",
        "properties": {reason.value: _SAID for reason in Reason if reason is not Reason.OTHER},
        "additionalProperties": False,
    },
    shared="reasons",
)


class Allow(Struct, frozen=True, kw_only=True):
    """What a run may do to the target; `None` sets no bound, `max_duration` is in microseconds.

    - numbers: The telephone numbers that may be called, or call: ["+78120000443", {starts_with:
      "+7812"}]. By default any.
    - max_calls: How many calls of the run may be up at once.
    - max_duration: How long a call may last; then it is hung up.
    - random_bridge: Whether a 'bridge' without a slot is allowed, which may take anybody's call; on
      a protected target it is not unless this is true.
    - load: Whether 'scenario-runner load' may put this target under load; it needs max_calls, too.
    """

    numbers: Annotated[
        tuple[Matcher, ...] | None,
        many(MATCHER, noun="a list of numbers or matchers")(name="matchers"),
    ] = None
    max_calls: Annotated[int | None, NUMBER(minimum=1)] = None
    max_duration: Annotated[int | None, TIME] = None
    random_bridge: Annotated[bool | None, FLAG] = None
    load: Annotated[bool, FLAG] = False


DESCRIPTION = Kind(
    name="text",
    noun="text",
    sentence="What this target is, in your own words; 'scenario-runner targets' shows it.",
    schema={"type": "string"},
    shared="description",
)
ALLOW = Kind(
    name="section",
    noun="a map of limits",
    sentence="What a run may do to this target; looked at before anything is dialled.",
    schema={"type": "object"},
    of=lambda: (Allow,),
    shared="allow",
)
PROTECTED = Kind(
    name="flag",
    noun="true or false",
    sentence="true refuses to run without --allow-protected HOST. By default true, "
    "unless the host is this machine.",
    schema={"type": "boolean"},
    shared="protected",
)


class Target(Struct, frozen=True, kw_only=True):
    """A PBX to run against.

    `host` is for people, `base_url` the root for requests repeated by hand; `slots` is the
    inclusive range of slot numbers, `extensions` maps the numbers to the PBX's ids, `park_timeout`
    is in microseconds. `reasons` teach what the PBX's own words mean; a `protected` target is
    used only by permission that names its host. `literal_secrets` says which credentials are
    written out in the targets file, and where.
    """

    name: str
    driver: str
    host: str
    base_url: str
    settings: Settings
    description: Annotated[str, DESCRIPTION] = ""
    slots: Annotated[tuple[int, int], SLOTS] = (1, 20)
    park_timeout: Annotated[int, PARK_TIMEOUT] = 3 * MINUTE
    extensions: Annotated[tuple[tuple[str, str], ...], EXTENSIONS] = ()
    reasons: Annotated[tuple[tuple[Reason, Matcher], ...], REASONS] = ()
    allow: Annotated[Allow, ALLOW] = Allow()
    protected: Annotated[bool, PROTECTED] = False
    literal_secrets: tuple[str, ...] = ()


def _settings_kind(driver: Kind, name: str, settings: type[Settings]) -> Kind:
    """Return the kind of a target of this driver: its settings, and what every target has."""
    both = properties(Kind(name="target", of=lambda: (settings, Target)))
    keys = {word: kind for word, kind in both.items() if word not in settings.leaves_out}
    schema: dict[str, Any] = {
        "type": "object", "properties": {"driver": driver, **keys}, "additionalProperties": False,
    }  # fmt: skip
    needed = [key.word for key in keys_of(settings) if key.required]
    if needed:
        schema["required"] = needed
    sentence = " ".join((settings.__doc__ or "").partition("\n\n")[0].split())
    noun = f"a target of the driver {name}"
    return Kind(name="target", noun=noun, sentence=sentence, schema=schema, shared=name)


def targets_kind(drivers: Mapping[str, type[Settings]]) -> Kind:
    """Return the kind of a targets file that names no other drivers than these."""
    spoken = ", ".join(f"'{name}' ({settings.about})" for name, settings in drivers.items())
    driver = Kind(
        name="text",
        noun="the name of a driver",
        sentence=f"What speaks to the PBX: {spoken}, or a driver that another package adds.",
        schema={"type": "string", "minLength": 1, "examples": list(drivers)},
        shared="driver",
    )
    chosen = [
        {
            "if": {"properties": {"driver": {"const": name}}, "required": ["driver"]},
            "then": _settings_kind(driver, name, settings),
        }
        for name, settings in drivers.items()
    ]
    target = Kind(
        name="target",
        noun="a target",
        sentence="A PBX: which driver speaks to it, where it is, and what it is like.",
        schema={
            "type": "object",
            "properties": {"driver": driver},
            "required": ["driver"],
            "allOf": chosen,
        },
        shared="target",
    )
    default = LINE(
        "The target that is used where --target names none; 'mock' by default.",
        noun="the name of a target",
    )
    targets = mapping(
        noun="a map of names to targets", minProperties=1, additionalProperties=target
    )("The targets by their names: 'scenario-runner run --target NAME'.")
    return Kind(
        name="targets",
        noun="a targets file",
        sentence="The PBXs that scenarios can run against. The file is called "
        "scenario-targets.yaml and stands beside the scenarios or in a folder above.",
        schema={
            "type": "object",
            "properties": {"default": default, "targets": targets},
            "required": ["targets"],
            "additionalProperties": False,
        },
    )
