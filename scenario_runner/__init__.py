"""Run call-parking scenarios written in YAML against a real or a mock PBX.

    import scenario_runner

    for event in scenario_runner.run(scenario_runner.load("examples/")):
        print(event)

The public interface is what `scenario_runner.api` names. It is imported when it is used. Drivers
also find the kinds of their settings in `scenario_runner.language.settings`.
"""

from typing import TYPE_CHECKING

from scenario_runner.version import __version__ as __version__

if TYPE_CHECKING:
    from scenario_runner.api import *  # noqa: F403 -- named there, each once
else:

    def __getattr__(name: str) -> object:
        """Import the public names when one of them is used for the first time."""
        from importlib import import_module

        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        api = vars(import_module(f"{__name__}.api"))
        if name not in api:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, api[name])

    def __dir__() -> list[str]:
        """Return all public names, also those that nobody used yet."""
        from importlib import import_module

        public = vars(import_module(f"{__name__}.api"))
        return sorted({*globals(), *(name for name in public if name[0].isalpha())})
