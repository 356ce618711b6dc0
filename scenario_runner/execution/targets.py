"""Chooses the target of a run: built in, or from a targets file, and only where it is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scenario_runner.errors import TargetError, did_you_mean
from scenario_runner.model.target import MockSettings, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.loading.targets import TargetsFile
    from scenario_runner.masking import Mask

MOCK = Target(
    name="mock",
    driver="mock",
    host="in this process",
    base_url="http://127.0.0.1:8080",
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
    file = targets_file(choice)
    name = choice.name or (file.default if file is not None else MOCK.name)
    if file is not None and not (name == MOCK.name and name not in file.entries):
        target = file.target(name, choice.environment, mask)
    elif name == MOCK.name:
        target = MOCK
    else:
        raise TargetError(
            f"there is no target '{name}', since there is no targets file",
            hint="write scenario-targets.yaml beside the scenarios, or name a file with --targets",
        )
    _refuse_unknown_profile(target)
    return target


def all_names(choice: TargetChoice) -> tuple[str, ...]:
    """Return the names of all targets, the built-in one included."""
    file = targets_file(choice)
    return (MOCK.name,) if file is None else tuple(dict.fromkeys((*file.entries, MOCK.name)))


def targets_file(choice: TargetChoice) -> TargetsFile | None:
    """Return the targets file that is named or found, if there is one."""
    from scenario_runner.loading.targets import find_targets, read_targets

    path = choice.file or find_targets(choice.paths)
    if path is None:
        return None
    # Imported here, since looking for added drivers costs a run without targets file its start.
    from scenario_runner.execution.drivers import added_drivers

    return read_targets(path, added_drivers)


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
        hint = did_you_mean(profile, PROFILES) or f"known are: {', '.join(PROFILES)}"
        raise TargetError(f"the mock has no profile '{profile}'", hint=hint)
