"""The command `init`: writes a first scenario and a targets file, with comments."""

from __future__ import annotations

import re
from pathlib import Path

import click

SCENARIO = """\
# yaml-language-server: $schema=schemas/scenario.schema.json
# The line above lets editors complete keys, explain them and mark slips.
# Run this file:  scenario-runner run {file}
# Check it only:  scenario-runner validate {file}
scenario: {name}
tags: [smoke]

# Values with a name. Another one for one run: scenario-runner run --var slot=8 {file}
vars:
  slot: 6

steps:
  # A step has one action: call, park, slots, bridge, hangup, wait and others.
  - name: A customer calls extension 341
    call: {{as: customer, extension: 341, from: "+78120000443"}}

  - name: 341 parks the customer
    park: {{call: customer, slot: $slot}}

  - name: A colleague is on another call
    call: {{as: colleague, extension: 342, to: "+74950000200"}}

  # What is expected stands under expect; without it, an action must simply succeed.
  - name: The slot holds the customer
    slots: {{call: colleague, slot: $slot}}
    expect: {{holds: customer}}

  - name: The colleague takes the call
    bridge: {{call: colleague, slot: $slot}}
    expect: {{with: customer}}

# Calls that a scenario places are hung up at its end in any case.
"""

TARGETS = """\
# yaml-language-server: $schema=schemas/targets.schema.json
# What scenarios run against; scenario-runner run --target NAME chooses one.
default: mock
targets:
  # A mock PBX inside the runner: nothing to install, and waiting costs no time.
  mock:
    driver: mock
    slots: 20
    park_timeout: 3m
    extensions: 341-360

  # A real PBX; its secrets come from the environment. Remove the # to use it.
  # staging:
  #   driver: ringme
  #   url: https://pbx.example.com
  #   client_id: $env.PBX_CLIENT_ID
  #   client_secret: $secret.PBX_CLIENT_SECRET
  #   extensions: {"341": 34414, "342": 34415}
  #   slots: 1-20
"""

SCHEMAS = ("scenario", "targets")


@click.command("init")
@click.argument("name", default="Park a caller and pick the call up")
def command(name: str) -> int:
    """Write a small commented scenario called NAME, a targets file, and the editor's schemas.

    A file that is there already is left as it is.
    """
    from scenario_runner.language.schema import schema_text

    title = " ".join(name.split())
    file = f"{_slug(title)}.scenario.yaml"
    _write(Path(file), SCENARIO.format(name=_quoted(title), file=file))
    _write(Path("scenario-targets.yaml"), TARGETS)
    for schema in SCHEMAS:
        _write(Path("schemas") / f"{schema}.schema.json", schema_text(schema))
    click.echo(f"\nnow try:  scenario-runner run {file}")
    return 0


def _slug(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")[:60] or "first"


def _quoted(title: str) -> str:
    """Write the name so that YAML reads it as it is."""
    plain = re.fullmatch(r"[^\W\d_][\w ,.+()-]*", title) and title.lower() not in (
        "true",
        "false",
        "null",
    )
    return title if plain else "'" + title.replace("'", "''") + "'"


def _write(path: Path, text: str) -> None:
    """Write a new file; never overwrites."""
    from scenario_runner.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        click.echo(f"left as it is  {path}")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror or error}") from error
    else:
        click.echo(f"written        {path}")
