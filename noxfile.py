"""Sessions for whoever changes scenario-runner: nox -s fast, lint, docs, real or full.

All but `full` run in the environment that nox itself is installed in, so that they begin at once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
CORE = ("floors", "engine", "loading", "reporters", "mock_pbx")


def _runs(version: str) -> bool:
    """Tell whether this Python is there; a shim of pyenv may be there and not run."""
    python = shutil.which(f"python{version}")
    if python is None:
        return False
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


PYTHONS = [version for version in nox.project.python_versions(PROJECT) if _runs(version)]
nox.options.sessions = ["lint", "fast"]
nox.options.reuse_venv = "yes"


def pytest(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest here; what stands after `--` on nox's command line comes last."""
    command = (sys.executable, "-m", "pytest", *arguments, *session.posargs)
    session.run(*command, external=True, env=environment)


@nox.session(venv_backend="none")
def fast(session: nox.Session) -> None:
    """Test the pure core, in seconds: after each change."""
    pytest(session, *(f"tests/{part}" for part in CORE))


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style, types and floors."""
    for tool in ("ruff check .", "ruff format --check .", "mypy"):
        session.run(sys.executable, "-m", *tool.split(), external=True)
    session.run("lint-imports", external=True)


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Run everything that README and docs show."""
    pytest(session, "tests/docs", "tests/examples")


@nox.session(venv_backend="none")
def real(session: nox.Session) -> None:
    """Test against a real Asterisk, and against the FreeSWITCH that SCENARIO_FREESWITCH names."""
    pytest(session, "-m", "real", "-n", "auto", SCENARIO_ASTERISK_REQUIRED="1")


@nox.session(python=PYTHONS)
def full(session: nox.Session) -> None:
    """Test everything, with each Python that is there."""
    session.install("--quiet", "-e", ".[dev-full]")
    session.run("python", "-m", "pytest", "-n", "auto", "--slow", *session.posargs)
