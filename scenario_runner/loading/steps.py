"""Steps: the one action of each, what is expected of it, and what else stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from scenario_runner.durations import parse_duration
from scenario_runner.errors import Note, suggestion
from scenario_runner.language.actions import (
    ACTION_WORDS,
    MOST_ROUNDS,
    Repeat,
    Save,
    Step,
    Together,
    Use,
)
from scenario_runner.language.expectations import (
    EXPECTATION_WORDS,
    BranchesRefused,
    Subject,
    Succeeded,
)
from scenario_runner.language.facts import Part
from scenario_runner.language.kinds import Shape, keys_of
from scenario_runner.language.matchers import (
    MATCHER_WORDS,
    AllOf,
    AtLeast,
    AtMost,
    Between,
    Equals,
    Length,
    Near,
    Not,
    OneOf,
)
from scenario_runner.language.values import is_slot_list, parse_range
from scenario_runner.language.vocabulary import Capability, Reason
from scenario_runner.loading.lint import look_at
from scenario_runner.loading.messages import say
from scenario_runner.loading.names import Kind, read_path
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, as_map, items, text_of
from scenario_runner.loading.reader import (
    condition,
    duration_hint,
    expression,
    known_word,
    matcher,
    plan,
    refuse_slot_list,
    spot,
    under_word,
)
from scenario_runner.references import Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scenario_runner.language.actions import Action
    from scenario_runner.language.expectations import Clause
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.loading.messages import Message
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reader import Reading
    from scenario_runner.loading.schema_errors import Violations
    from scenario_runner.references import Expression, Path
    from scenario_runner.source import Span


def expectations(mapping: Mapping, action: Action, reading: Reading) -> tuple[Clause, ...]:
    """The clauses of an `expect` on an action."""
    made: list[Clause] = []
    for key, group in ((key, EXPECTATION_WORDS[key]) for key in mapping.fields):
        fitting = [one for one in group if set(one.parts) & set(action.facts.parts)]
        if fitting:
            made.extend(_clauses(fitting[0], mapping, key, reading))
        else:
            reading.report(_misplaced(key, action), mapping.keys[key])
    for clause in made:
        _check_subject(clause, reading)
    return tuple(made)


def _misplaced(key: str, action: Action) -> Message:
    """Say why something can't be expected of an action, and what can."""
    parts = {part for one in EXPECTATION_WORDS[key] for part in one.parts}
    own = ACTION_WORDS[action.word]
    for other in own:
        if parts.intersection(other.facts.parts):
            return say(
                "misplaced-expectation.about", key=key, about=other.about, example=other.example
            )
    having = [word for word, group in ACTION_WORDS.items() if _share(group, EXPECTATION_WORDS[key])]
    fitting = [word for word, group in EXPECTATION_WORDS.items() if _share(own, group)]
    where = _listed(having) if len(having) <= 3 else "actions that ask the PBX something"
    return say(
        "misplaced-expectation.action",
        key=key,
        action=action.word,
        where=where,
        fitting=_listed(fitting),
        hint=None if fitting else "remove it, or use 'check'",
    )


def _share(actions: tuple[type[Action], ...], expectations: tuple[type[Clause], ...]) -> bool:
    """Whether some of the actions brings back what some of the expectations is about."""
    parts = {part for action in actions for part in action.facts.parts}
    return any(parts.intersection(one.parts) for one in expectations)


def _listed(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _clauses(
    declaration: type[Clause], mapping: Mapping, key: str, reading: Reading
) -> Iterator[Clause]:
    """What stands under a key of `expect`: one clause, or one for each key in it."""
    node = mapping.fields[key]
    if declaration is Succeeded:
        yield from (Succeeded(*counted) for counted in _counted(mapping, key, reading))
    elif declaration is BranchesRefused:
        yield from (BranchesRefused(*counted) for counted in _counted(mapping, key, reading))
    elif declaration.shape is Shape.EACH:
        yield from _each(declaration, as_map(node), reading)
    else:
        place = spot(mapping, key)
        yield under_word(declaration, node, place, reading, span=place)


def _each(declaration: type[Clause], fields: Mapping, reading: Reading) -> Iterator[Clause]:
    """A clause for each key of a map whose keys the file chooses."""
    name, value = keys_of(declaration)
    for key, node in fields.fields.items():
        made: dict[str, Any] = {
            name.field: NAMED[name.kind.name](key, fields.keys[key], reading),
            value.field: matcher(node, reading),
        }
        yield declaration(**made, span=spot(fields, key))


def _body_path(text: str, span: Span, reading: Reading) -> Path:
    path = read_path(text)
    if path is None:
        reading.report(say("bad-path.body", text=text), span)
    return path or ()


def _label(text: str, span: Span, reading: Reading) -> str:
    reading.names.read_label(text, span)
    return text


NAMED: dict[str, Callable[[str, Span, Reading], object]] = {
    "earlier label": _label,
    "path": _body_path,
    "text": lambda text, *_: text,
}
"""How a key that the file chooses is read, by the name of its kind."""


def _counted(
    mapping: Mapping, key: str, reading: Reading
) -> Iterator[tuple[str | None, Matcher, Span]]:
    """Counts of branches: one for all, or one for each action or reason."""
    node = mapping.fields[key]
    if not isinstance(node, Mapping) or node.fields.keys() & MATCHER_WORDS.keys():
        yield None, matcher(node, reading), spot(mapping, key)
        return
    known, code = COUNTED[key]
    for word, inner in node.fields.items():
        if word not in known:
            hint = suggestion(word, known)
            reading.report(say(code, word=word, hint=hint), node.keys[word])
        yield word, matcher(inner, reading), spot(node, word)


COUNTED: dict[str, tuple[Sequence[str], str]] = {
    Succeeded.word: (
        [word for word, (action, *_) in ACTION_WORDS.items() if action.facts.exchange],
        "unknown-action",
    ),
    BranchesRefused.word: (list(Reason), "unknown-reason"),
}
"""What branches are counted by, and what is said of anything else."""


def _check_subject(clause: Clause, reading: Reading) -> None:
    """Report what a matcher says that could never hold of what it is about."""
    made = clause.compares()
    if made is None:
        return
    match clause.subject:
        case Subject.COUNT | Subject.BRANCHES | Subject.STATUS:
            _whole_numbers(made, clause.subject, reading)
        case Subject.STATE | Subject.EXTENSION_STATE:
            for value in _compared(made):
                known_word(value, clause.subject.words, "unknown-state", reading)
        case Subject.TIME:
            _durations(made, reading)
        case Subject.TEXT | Subject.OTHER:
            return
        case _:
            assert_never(clause.subject)


def _whole_numbers(made: Matcher, subject: Subject, reading: Reading) -> None:
    assert subject.limits is not None
    (least, most), what = subject.limits, subject.value
    for value in _compared(made.inner if isinstance(made, Length) else made):
        if not isinstance(made, (AtLeast, AtMost, Between)):  # those have looked themselves
            refuse_slot_list(value, reading)
        number = value.value if isinstance(value, Literal) else least
        if not isinstance(number, int) or isinstance(number, bool):
            reading.report(say("not-an-amount.whole", what=what), value.span)
        elif most is not None and not least <= number <= most:
            said = say("out-of-range.between", what=what, least=least, most=most, number=number)
            reading.report(said, value.span)
        elif number < least:
            reading.report(
                say("out-of-range.least", what=what, least=least, number=number), value.span
            )


def _durations(made: Matcher, reading: Reading) -> None:
    for value in _compared(made):
        if not isinstance(value, Literal):
            continue
        shown = str(value.value)
        if not isinstance(value.value, str) or parse_duration(shown) is None:
            said = say("bad-duration.bare", text=shown, hint=duration_hint(shown))
            reading.report(said, value.span)


def _compared(made: Matcher) -> Iterator[Expression]:
    """Every expression that a matcher compares the value itself with."""
    match made:
        case Equals(value) | AtLeast(value) | AtMost(value):
            yield value
        case Between(low, high):
            yield from (low, high)
        case Near(value, within):
            yield from (value, within)
        case OneOf(options):
            yield from options
        case Not(inner):
            yield from _compared(inner)
        case AllOf(several):
            for one in several:
                yield from _compared(one)
        case _:
            return


_PLAIN = {one.word: one for one in plan(Step)}
_STEPS_AT = {
    word: action.facts.steps_at
    for word, (action, *_) in ACTION_WORDS.items()
    if action.facts.steps_at is not None
}
_STEPS_AT |= {"expect": ()}  # what is wrong with one expectation leaves the others as they are


def steps(node: Node | None, wrong: Violations, reading: Reading) -> tuple[Step, ...]:
    """The steps of a list, without those that have a problem."""
    if node is not None and wrong.whole:
        reading.leave(node, wrong)
        return ()
    nodes = items(node)
    return _in_order(nodes, [wrong.into(index) for index, _ in enumerate(nodes)], reading)


def _in_order(nodes: list[Node], wrong: list[Violations], reading: Reading) -> tuple[Step, ...]:
    made: list[Step] = []
    for index, one in enumerate(nodes):
        step = _step(one, nodes[index + 1 : index + 2], wrong[index], reading)
        if step is None:
            reading.leave(one, wrong[index])
        else:
            made.append(step)
    return tuple(made)


def _step(node: Node, following: list[Node], wrong: Violations, reading: Reading) -> Step | None:
    if not isinstance(node, Mapping) or wrong.whole:
        return None
    part = reading.sound(node, wrong, _STEPS_AT)
    reported = len(part.fields) < len(node.fields) and not part.fields.keys() & ACTION_WORDS.keys()
    word = None if reported else _action_word(part, following, reading)
    if word is None:
        return None
    fields, bound_before = part.fields, len(reading.names.everything)
    when = condition(fields.get("when"), reading)
    with reading.names.under(when):
        action = _action(part, word, wrong.into(word), reading)
        expect = _expect(fields.get("expect"), action, wrong.into("expect"), reading)
        save = _save(fields.get("save"), action, reading)
    left = _not_asked_again(part, action, reading)
    plain: dict[str, Any] = {}
    for key, inner in fields.items():
        field = _PLAIN.get(key)
        if field is not None and field.value is not None and key not in left:
            plain[field.name] = field.value(inner, reading)
    step = Step(
        action=action,
        span=part.keys[word],
        expect=expect,
        expect_span=part.keys.get("expect"),
        save=save,
        when=when,
        **plain,
    )
    if step.soft:
        reading.names.soften(bound_before, part.keys["soft"])
    look_at(step, reading)
    return step


def _action_word(node: Mapping, following: list[Node], reading: Reading) -> str | None:
    """The action's word, if there is exactly one."""
    found = [key for key in node.fields if key in ACTION_WORDS]
    if len(found) == 1:
        return found[0]
    if not found:
        torn = following and isinstance(following[0], Mapping) and "name" not in following[0].fields
        said = (
            say("no-action.torn")
            if torn
            else say("no-action.none", actions=", ".join(ACTION_WORDS))
        )
        reading.report(said, node.span)
        return None
    note = Note(message="the first action is here", span=node.keys[found[0]])
    said = say("two-actions", first=found[0], second=found[1])
    reading.report(said, node.keys[found[1]], note)
    return None


def _action(part: Mapping, word: str, wrong: Violations, reading: Reading) -> Action:
    node, place = part.fields[word], part.keys[word]
    found = reading.found
    slots, extensions = len(found.slots), len(found.extensions)
    declaration, *others = ACTION_WORDS[word]
    for other in others:
        if any(key in as_map(node).fields for key in other.chosen_by):
            declaration = other
    build = _BUILDERS.get(declaration)
    left = _alternatives(declaration, as_map(node), place, reading)
    made: Action
    if build is not None:
        made = build(node, wrong, reading)
    else:
        rest = node.without(left) if left and isinstance(node, Mapping) else node
        made = under_word(declaration, rest, place, reading)
    requirement = made.requires()
    found.events |= requirement is not None and requirement.capability is Capability.EVENTS
    found.alone |= made.takes_any_call()
    if not (made.facts.composite or made.only_reads()):
        found.written_slots += found.slots[slots:]
        found.written_extensions += found.extensions[extensions:]
    return made


def _alternatives(
    declaration: type[Action], fields: Mapping, place: Span, reading: Reading
) -> set[str]:
    """Report keys of which one must be given and is not; return those that are one too many."""
    left: set[str] = set()
    for keys, rule in declaration.alternatives:
        first, *others = [key for key in keys if key in fields.fields] or [""]
        named = " or ".join(f"'{key}'" for key in keys)
        if not first and not rule:
            reading.report(say("missing-key.one-of", keys=named), place)
        for key in others:
            said = (
                say("two-of-one.rule", rule=rule, first=first, second=key)
                if rule
                else say("two-of-one.keys", keys=named)
            )
            reading.report(said, fields.keys[key])
        left.update(others)
    return left


def _expect(
    node: Node | None, action: Action, wrong: Violations, reading: Reading
) -> tuple[Clause, ...]:
    if not isinstance(node, Mapping):
        return ()
    return expectations(reading.sound(node, wrong, {}), action, reading)


def _save(node: Node | None, action: Action, reading: Reading) -> tuple[Save, ...]:
    if not isinstance(node, Mapping):
        return ()
    saved: list[Save] = []
    for name, value in node.fields.items():
        path = _saved_path(value, node.keys[name], action, reading)
        bound = reading.names.bind(name, Kind.CAPTURE, node.keys[name])
        if isinstance(action, Together):
            bound.is_call = True
            _check_winner(action, value.span, reading)
        saved.append(Save(name, path, value.span))
    return tuple(saved)


def _check_winner(action: Together, place: Span, reading: Reading) -> None:
    """Report a branch that is not about exactly one call, so that none could have won."""
    branches = zip(action.branches, action.calls(), strict=True)
    for number, (branch, calls) in enumerate(branches, 1):
        inside = [f"what is inside '{step.word}'" for step in branch if step.action.facts.composite]
        if (inside or len(calls) != 1) and not reading.problems.errors:
            named = " and ".join([*(f"'{name}'" for name in calls), *inside]) or "no call"
            reading.report(say("no-winner", number=number, calls=named), place)


def _saved_path(value: Node, name: Span, action: Action, reading: Reading) -> Path:
    text, parts = text_of(value), action.facts.parts
    path = read_path(text)
    known = [field for part in parts for field in part.saved]
    if not known and Part.EVENTS not in parts:
        reading.report(say("misplaced-key.save", action=action.word), name)
    elif path is None:
        reading.report(say("bad-path.answer", text=text), value.span)
    elif known and (path[0] not in known or (Part.BRANCHES in parts and len(path) > 1)):
        said = say(
            "unknown-field.answer",
            action=action.word,
            part=path[0],
            known=", ".join(known),
            path=text,
            hint="write save: {won: winner}" if Part.BRANCHES in parts else None,
        )
        reading.report(said, value.span)
    return path or ()


def _not_asked_again(node: Mapping, action: Action, reading: Reading) -> tuple[str, ...]:
    """Report the first key about asking again that can't stand here; return those to leave out."""
    asking = ("within", "stays", "every")
    for key in asking:
        said = _not_again(key, action, node) if key in node.fields else None
        if said is not None:
            reading.report(said, node.keys[key])
            return asking
    return ()


def _not_again(key: str, action: Action, node: Mapping) -> Message | None:
    """Why a step can't have this key."""
    facts = action.facts
    if not facts.polls and not (facts.waits and key == "within"):
        return say("misplaced-key.action", action=action.word, key=key)
    if facts.polls and not action.only_reads():
        return say("misplaced-key.method", key=key)
    if key == "every" and "within" not in node.fields and "stays" not in node.fields:
        return say("misplaced-key.every")
    if key == "stays" and "within" in node.fields:
        return say("misplaced-key.both")
    return None


def _together(node: Node, wrong: Violations, reading: Reading) -> Together:
    branches = []
    concurrent = reading.names.branches()
    for index, one in enumerate(items(node)):
        with concurrent.one():
            inner = wrong.into(index)
            alone = not isinstance(one, Listing)
            branches.append(
                _in_order([one], [inner], reading) if alone else steps(one, inner, reading)
            )
    concurrent.join()
    return Together(tuple(branches))


def _repeat(node: Node, wrong: Violations, reading: Reading) -> Repeat:
    fields = as_map(node).fields
    times, each = fields.get("times"), fields.get("each")
    return Repeat(
        times=None if times is None else _times(times, reading),
        each=None if each is None else _each_of(each, reading),
        as_=_item(as_map(node), reading),
        steps=steps(fields.get("steps"), wrong.into("steps"), reading),
    )


def _times(node: Node, reading: Reading) -> Expression:
    made = expression(node, reading)
    refuse_slot_list(made, reading)
    return made


def _each_of(node: Node, reading: Reading) -> Expression:
    """What the steps of a repeat are run for: a list, a range, or all slots of the target."""
    made = expression(node, reading)
    reading.found.alone |= is_slot_list(made)
    match made:
        case Literal(str(text)) if parse_range(text) is None:
            first, _, last = text.partition("-")
            turned = parse_range(f"{last}-{first}") is not None
            code = "bad-range.downwards" if turned else "bad-range.text"
            reading.report(say(code, text=text, meant=f"{last}-{first}"), made.span)
        case _:
            pass
    return made


def _item(fields: Mapping, reading: Reading) -> str | None:
    """Bind the name of the current item of `each`, or of the round's number."""
    node, each = fields.fields.get("as"), fields.fields.get("each")
    if node is None and each is not None:
        reading.report(say("missing-key.as"), fields.keys["each"])
    if node is None:
        return None
    bound = reading.names.bind(text_of(node), Kind.ITEM, node.span)
    if isinstance(each, Listing):
        bound.options = tuple(expression(item, reading) for item in each.items)
    else:
        numbers = _numbers(fields)
        bound.options = tuple(Literal(number, node.span) for number in numbers[:MOST_ROUNDS])
    return text_of(node)


def _numbers(fields: Mapping) -> range:
    """The numbers that a repeat counts through, as far as the file says."""
    match fields.fields.get("each", fields.fields.get("times")):
        case Leaf(value=int(times)) if not isinstance(times, bool):
            return range(1, times + 1)
        case Leaf(value=str(text)):
            return parse_range(text) or range(0)
        case _:
            return range(0)


def _use(node: Node, _: Violations, reading: Reading) -> Use:
    assert reading.fragments is not None
    return reading.fragments.use(as_map(node), reading)


_BUILDERS: dict[type[Action], Callable[[Node, Violations, Reading], Action]] = {
    Together: _together,
    Repeat: _repeat,
    Use: _use,
}
"""Actions that contain steps, which are read with what is wrong inside them."""
