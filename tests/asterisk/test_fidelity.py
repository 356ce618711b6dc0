"""The mock's profile `asterisk` claims to do what an Asterisk does: here it has to prove that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenario_runner.comparing.differences import Grade
from scenario_runner.comparing.output import table
from scenario_runner.comparing.run import compare, sides
from scenario_runner.execution.run import RunRequest
from scenario_runner.execution.targets import TargetChoice
from scenario_runner.masking import Mask
from tests.comparing import fidelity

from .targets import file_text

if TYPE_CHECKING:
    from .instance import Instance

pytestmark = pytest.mark.real

TESTS = Path(__file__).parents[1]
# On a busy machine an Asterisk takes over a second to park; what is claimed here is what it does,
# and how long only so far that a time-out of some seconds is told from none.
TOLERANCE = 3_000_000


def test_the_mocks_profile_does_what_asterisk_does(asterisk: Instance, tmp_path: Path) -> None:
    targets = tmp_path / "scenario-targets.yaml"
    targets.write_text(file_text(asterisk))
    both = sides("mock:asterisk", "asterisk", TargetChoice(file=str(targets)), Mask())
    paths = (str(TESTS / "conformance"), str(fidelity.SCENARIOS))
    comparison = compare(RunRequest(paths=paths), both, TOLERANCE)
    assert comparison.exit_code == 0, table(comparison, 120)
    # Ring time twice, who can be dialled, and whom a bridge without a slot takes by chance.
    assert comparison.count(Grade.EXPLAINED) <= 4, table(comparison, 120)
    assert comparison.steps > 300
