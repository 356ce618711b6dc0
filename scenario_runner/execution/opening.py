"""Opens the target of a run: whatever its driver, within what it allows, with a journal."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.execution.drivers import find_driver
from scenario_runner.execution.mock_target import taught
from scenario_runner.pbx.guarding import Guard, GuardedConnection
from scenario_runner.pbx.journal import FOLDER, Journal, left_behind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenario_runner.masking import Mask
    from scenario_runner.model.target import Target
    from scenario_runner.pbx.context import Context
    from scenario_runner.pbx.protocol import Connection


@asynccontextmanager
async def open_target(
    target: Target, context: Context, journal: Path = FOLDER
) -> AsyncIterator[Connection]:
    """Open a target for a run.

    What earlier runs left on it is told as a notice; what this one places is written down in the
    folder `journal` before. Errors are raised with every secret in them hidden.
    """
    _tell_left(target, context, journal)
    notes = Journal(journal, target.name, target.host, context.mask)
    noting = replace(context, journal=notes)
    try:
        async with find_driver(target.driver)(taught(target), noting) as connection:
            yield GuardedConnection(connection, Guard(target, noting))
    except ScenarioRunnerError as error:
        raise masked(error, context.mask) from None
    finally:
        if not notes.close():
            told = f"something of this run may be left on the target {target.name}"
            context.notice("left-behind", told, _remedy(target))


def _tell_left(target: Target, context: Context, journal: Path) -> None:
    left = [one for one in left_behind(journal) if one.target == target.name]
    calls = sum(len(one.calls) for one in left)
    watched = sum(len(one.watched) for one in left)
    if calls or watched:
        told = f"a run before left calls ({calls}) and subscriptions ({watched}) on {target.name}"
        context.notice("left-behind", told, _remedy(target))


def _remedy(target: Target) -> str:
    return f"scenario-runner cleanup --target {target.name} undoes it"


def masked(error: ScenarioRunnerError, mask: Mask) -> ScenarioRunnerError:
    """Hide every secret in an error's texts, and return it."""
    error.message = mask.text(error.message)
    error.hint = None if error.hint is None else mask.text(error.hint)
    error.args = (error.message,)
    return error
