"""Which files changed since a revision of git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from scenario_runner.errors import UsageError

_YAML = (".yaml", ".yml")


def changed_since(revision: str) -> frozenset[str] | None:
    """Return the absolute paths of the files that changed since, also those git does not know yet.

    None means that any mutant may be noticed otherwise than before: a file of YAML was deleted, in
    which the only scenario may have stood, or targets changed. Raises UsageError where git can't
    say.
    """
    root = Path(_git("rev-parse", "--show-toplevel"))
    lines = _git("diff", "--name-status", "--no-renames", revision, "--").splitlines()
    new = _git("ls-files", "--others", "--exclude-standard", "--full-name", ":/").splitlines()
    changed = [tuple(line.split("\t", 1)) for line in lines]
    for status, name in changed:
        if name.endswith(_YAML) and (status == "D" or "targets" in Path(name).name):
            return None
    names = [name for _, name in changed] + new
    return frozenset(str((root / name).resolve()) for name in names)


def _git(*words: str) -> str:
    command = ["git", "-c", "core.quotePath=false", *words]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError(f"git can't be run: {error.strerror or error}") from error
    if ran.returncode:
        said = ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"]
        raise UsageError(
            f"git can't say what changed: {said[0]}",
            hint="--since wants a revision of the repository that this folder is in: main, HEAD~1",
        )
    return ran.stdout.rstrip("\n")
