"""The mock PBX in this process as a target; a run makes one for each scenario."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Annotated, ClassVar, Literal

from scenario_runner.errors import TargetError
from scenario_runner.language.settings import (
    LINE,
    NUMBER,
    SECRET,
    WORD,
    Section,
    SettingProblem,
    Settings,
    choice,
    sections,
)
from scenario_runner.language.target import Target
from scenario_runner.pbx.drivers import Context, Driver
from scenario_runner.pbx.protocol import Connection


class MockClient(Section, frozen=True, kw_only=True):
    """An application that may ask the mock for tokens, beside the runner itself.

    - id: The application's id.
    - secret: The application's secret, which a scenario asks for a token with.
    - access: What it reaches: all (the default), call-api (calls and not subscriptions), or none.
    - hourly_limit: How many requests it may send in an hour; as many as the runner by default.
    """

    id: Annotated[str, WORD]
    secret: Annotated[str, SECRET]
    access: Annotated[Literal["all", "call-api", "none"], choice("all", "call-api", "none")] = "all"
    hourly_limit: Annotated[int | None, NUMBER(minimum=1)] = None


class MockSettings(Settings, frozen=True, kw_only=True):
    """A mock PBX inside this process, in virtual time.

    `profile` names what it does where the vendor is silent. Without `clients` any credentials are
    good for a token.

    - profile: What the mock does where the vendor's documentation is silent.
    - clients: Applications that may ask for tokens, for scenarios about access and the hourly
      limit. By default any credentials are good.
    """

    about: ClassVar[str] = "a PBX inside this process"
    leaves_out: ClassVar[frozenset[str]] = frozenset({"reasons", "allow", "protected"})
    in_this_process: ClassVar[bool] = True

    profile: Annotated[str, LINE(noun="the name of a profile")] = "vendor"
    clients: Annotated[tuple[MockClient, ...], sections(MockClient, "a list of applications")] = ()

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
