"""Chooses the target of a run: built in, or from a targets file, and only where it is allowed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scenario_runner.errors import ScenarioRunnerError, TargetError, UsageError, suggestion
from scenario_runner.execution.virtual import taught
from scenario_runner.http.hosts import is_this_machine
from scenario_runner.language.target import Target
from scenario_runner.pbx import drivers
from scenario_runner.pbx.drivers import find_driver
from scenario_runner.pbx.guard import Guard, GuardedConnection
from scenario_runner.pbx.journal import FOLDER, Journal, left_behind
from scenario_runner.pbx.mock import MockSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from scenario_runner.loading.targets import TargetsFile
    from scenario_runner.masking import Mask
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.journal import Journaling, Left
    from scenario_runner.pbx.protocol import Connection


@asynccontextmanager
async def open_target(
    target: Target,
    context: Context,
    journal: Path = FOLDER,
    noting: Callable[[Journaling], Journaling] = lambda notes: notes,
) -> AsyncIterator[Connection]:
    """Open a target for a run.

    What earlier runs left on it is told as a notice; what this one places is written down in the
    folder `journal` before; `noting` may let others know, too. Errors are raised with every secret
    in them hidden.
    """
    _tell_left(target, context, journal)
    _tell_literal(target, context)
    notes = Journal(journal, target.name, target.host, context.mask)
    noted = replace(context, journal=noting(notes))
    try:
        async with find_driver(target.driver).opened(taught(target), noted) as connection:
            yield GuardedConnection(connection, Guard(target, noted))
    except ScenarioRunnerError as error:
        raise masked(error, context.mask) from None
    finally:
        if not notes.close():
            told = f"something of this run may be left on the target {target.name}"
            context.notice("left-behind", told, _remedy(target))


def _tell_left(target: Target, context: Context, journal: Path) -> None:
    left = left_on(target, journal)
    for one in left:
        if one.damaged:
            told = f"the journal {one.file} of a run before can't be read: {one.damaged}"
            context.notice("damaged-journal", told, _remedy(target))
    calls = sum(len(one.calls) for one in left)
    watched = sum(len(one.watched) for one in left)
    if calls or watched:
        told = f"a run before left calls ({calls}) and subscriptions ({watched}) on {target.name}"
        context.notice("left-behind", told, _remedy(target))


def _tell_literal(target: Target, context: Context) -> None:
    """Warn of credentials that stand in the targets file, except those for this machine."""
    if target.literal_secrets and not is_this_machine(target.host):
        told = f"credentials of {target.name} are written out: {', '.join(target.literal_secrets)}"
        hint = "whoever reads the file has them; write $secret.NAME and set that variable"
        context.notice("literal-secret", told, hint)


def left_on(target: Target, journal: Path) -> list[Left]:
    """Return what runs before have left on the host of a target, whatever they called it."""
    return [one for one in left_behind(journal) if one.may_be_on(target.host)]


def _remedy(target: Target) -> str:
    return f"scenario-runner cleanup --target {target.name} undoes it"


def masked(error: ScenarioRunnerError, mask: Mask) -> ScenarioRunnerError:
    """Hide every secret in an error's texts, and return it."""
    error.message = mask.text(error.message)
    error.hint = None if error.hint is None else mask.text(error.hint)
    error.args = (error.message,)
    return error


MOCK = Target(
    name="mock",
    driver="mock",
    host=MockSettings().place,
    base_url=MockSettings().base_url,
    settings=MockSettings(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChoice:
    """Which target is wanted: by name, from a file, found from the paths of the scenarios."""

    paths: tuple[str, ...] = ()
    file: str | None = None
    name: str | None = None
    allow_protected: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def choose(choice: TargetChoice, mask: Mask) -> Target:
    """Return the target; its secrets are hidden by `mask` from here on.

    Raises TargetError for what is missing or not allowed, and InvalidFiles.
    """
    target = named_target(choice, mask)
    refuse_protected(target, choice.allow_protected)
    return target


def named_target(choice: TargetChoice, mask: Mask) -> Target:
    """Return the target, whether it may be used or not; raises as `choose` does."""
    target = recipe_of(choice).target(choice.environment, mask)
    _refuse_unknown_profile(target)
    return target


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecipe:
    """How a target is made of an environment: `file` as it was read, without values of secrets."""

    name: str
    file: TargetsFile | None = None

    def target(self, environment: Mapping[str, str], mask: Mask) -> Target:
        """Make the target, here or on another machine; raises TargetError and InvalidFiles."""
        return MOCK if self.file is None else self.file.target(self.name, environment, mask)


def recipe_of(choice: TargetChoice) -> TargetRecipe:
    """Return which target is chosen; raises TargetError and InvalidFiles."""
    file = targets_file(choice)
    name = choice.name or (file.default if file is not None else MOCK.name)
    if file is not None and not (name == MOCK.name and name not in file.entries):
        return TargetRecipe(name=name, file=file)
    if name != MOCK.name:
        raise TargetError(
            f"there is no target '{name}', since there is no targets file",
            hint="write scenario-targets.yaml beside the scenarios, or name a file with --targets",
        )
    return TargetRecipe(name=name)


def _unsaid(line: str) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChoice:
    """Which Dask cluster is to run scenarios, and how its workers make the target.

    `status` is given a line about the cluster, again and again.
    """

    address: str
    recipe: TargetRecipe
    status: Callable[[str], None] = _unsaid


def cluster_choice(address: str, choice: TargetChoice) -> ClusterChoice:
    """Return what a cluster is given to make the target of: no secret is in it.

    Raises UsageError for a secret that is written out in the targets file, since it would travel.
    """
    recipe = recipe_of(choice)
    if recipe.file is None:
        return ClusterChoice(address=address, recipe=recipe)
    for span in recipe.file.literal_secrets(recipe.name):
        raise UsageError(
            f"{span}: a secret that is written out would be sent to the workers",
            hint="name a variable that is set for each worker: $secret.NAME",
        )
    file = recipe.file.only(recipe.name)
    return ClusterChoice(address=address, recipe=replace(recipe, file=file))


def all_names(choice: TargetChoice) -> tuple[str, ...]:
    """Return the names of all targets, the built-in one included."""
    file = targets_file(choice)
    return (MOCK.name,) if file is None else tuple(dict.fromkeys((*file.entries, MOCK.name)))


def targets_file(choice: TargetChoice) -> TargetsFile | None:
    """Return the targets file that is named or found, if there is one."""
    from scenario_runner.loading.targets import read_targets

    path = targets_path(choice)
    return read_targets(path, drivers) if path is not None else None


def targets_path(choice: TargetChoice) -> str | None:
    """Return where the targets file is that is named or found, if there is one."""
    from scenario_runner.loading.targets import find_targets

    return choice.file or find_targets(choice.paths)


def refuse_protected(target: Target, allowed: tuple[str, ...]) -> None:
    """Raise TargetError for a protected target unless its host is named as allowed."""
    host = urlsplit(f"//{target.host}").hostname or target.host
    if target.protected and not {host, target.host} & {name.lower() for name in allowed}:
        raise TargetError(
            f"the target '{target.name}' ({target.host}) is protected",
            hint=f"if it may be called on, add --allow-protected {host}",
        )


def _refuse_unknown_profile(target: Target) -> None:
    if not isinstance(target.settings, MockSettings):
        return
    from scenario_runner.mock_pbx.profile import PROFILES

    profile = target.settings.profile
    if profile not in PROFILES:
        hint = suggestion(profile, PROFILES)
        raise TargetError(f"the mock has no profile '{profile}'", hint=hint)
