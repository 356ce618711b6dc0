"""The mock PBX in this process as a target; a run makes one for each scenario."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from scenario_runner.errors import TargetError
from scenario_runner.language.settings import LINE, SettingProblem, Settings
from scenario_runner.language.target import Target
from scenario_runner.pbx.drivers import Context, Driver
from scenario_runner.pbx.protocol import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class MockClient:
    """An application that may ask the mock for tokens, beside the runner itself.

    Access `call-api` reaches calls and not subscriptions, `none` reaches nothing. Without an
    `hourly_limit` of its own it has the mock's.
    """

    id: str
    secret: str = field(repr=False)
    access: Literal["all", "call-api", "none"] = "all"
    hourly_limit: int | None = None


class MockSettings(Settings, frozen=True, kw_only=True):
    """A mock PBX inside this process, in virtual time.

    `profile` names what it does where the vendor is silent. Without `clients` any credentials are
    good for a token.

    - profile: What the mock does where the vendor's documentation is silent.
    """

    about: ClassVar[str] = "a PBX inside this process"
    leaves_out: ClassVar[frozenset[str]] = frozenset({"reasons", "allow", "protected"})
    in_this_process: ClassVar[bool] = True

    profile: Annotated[str, LINE(noun="the name of a profile")] = "vendor"
    clients: tuple[MockClient, ...] = ()

    @property
    def place(self) -> str:
        """Nowhere else."""
        return "in this process"

    @property
    def base_url(self) -> str:
        """Where the same mock is when it is served."""
        return "http://127.0.0.1:8080"

    def problems(self, target: Target) -> Iterator[SettingProblem]:
        """Look for ids of extensions, which are the mock's own matter."""
        if any(own for _, own in target.extensions):
            message = "the mock gives its extensions ids of its own"
            yield SettingProblem(("extensions",), message, "write 341-360")


def _open(
    target: Target, settings: MockSettings, context: Context
) -> AbstractAsyncContextManager[Connection]:
    del settings, context
    raise TargetError(f"the target {target.name} is a mock, which only a run opens")


DRIVER = Driver("mock", MockSettings, _open)
