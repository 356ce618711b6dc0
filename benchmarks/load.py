"""Loading compared with what its two libraries alone take on the same files.

The yardstick is composing the YAML and validating the plain data against the shipped schema; the
loader does both and also builds scenarios, checks names and keeps every place. Both are measured
side by side, in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from scenario_runner.language.schema import schema_text
from scenario_runner.loading.documents import LoadOptions, load

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = 2_000
BOUND = 1.6
_SCENARIO = """\
scenario: Park a caller, number {number}
description: Ten steps, as files have them.
tags: [load, parking]
vars:
  slot: {slot}
steps:
  - name: A customer reaches extension 341
    call: {{as: customer, extension: 341, from: "+78120000443"}}
  - name: 341 parks the customer
    park: {{call: customer, slot: $slot}}
  - name: A colleague is on another call
    call: {{as: colleague, extension: 342, to: "+74950000200"}}
  - name: The slot holds the customer
    slots: {{call: colleague, slot: $slot}}
    expect: {{holds: customer}}
    within: 5s
  - name: The call says so too
    calls: {{call: customer}}
    expect: {{state: parked}}
  - name: The colleague takes the call
    bridge: {{call: colleague, slot: $slot}}
    expect: {{with: customer, slot: $slot}}
    save: {{who: uuid}}
  - name: It was the customer
    check: {{that: $who, equals: $customer.uuid}}
  - name: The slot is free again
    slots: {{call: colleague, slot: $slot}}
    expect: {{empty: true}}
  - wait: 250ms
  - hangup: {{call: customer}}
"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    with tempfile.TemporaryDirectory() as folder:
        files = [_written(Path(folder), number) for number in range(count)]
        alone, loader = _in_turns(files)
        _print_memory(files)
    print(f"{count} files of ten steps")
    print(f"  compose and validate alone  {alone * 1000 / count:8.3f} ms a file")
    print(f"  load                        {loader * 1000 / count:8.3f} ms a file")
    print(f"  ratio                       {loader / alone:8.2f}    (bound: {BOUND})")


def _written(folder: Path, number: int) -> str:
    file = folder / f"{number:05}.scenario.yaml"
    file.write_text(_SCENARIO.format(number=number, slot=number % 20 + 1), encoding="utf-8")
    return str(file)


def _in_turns(files: list[str]) -> tuple[float, float]:
    validator = Draft202012Validator(json.loads(schema_text("scenario")))
    data = YAML(typ="safe").load(Path(files[0]))

    def alone(some: list[str]) -> None:
        for file in some:
            YAML(typ="safe").compose(Path(file))
            for error in validator.iter_errors(data):
                raise error

    def loader(some: list[str]) -> None:
        for loaded in load(some, LoadOptions()):
            if loaded.problems:
                raise AssertionError(loaded.problems)

    loader(files[:1])
    took_alone = took_loader = 0.0
    for start in range(0, len(files), 100):
        some = files[start : start + 100]
        took_alone += _timed(alone, some)
        took_loader += _timed(loader, some)
    return took_alone, took_loader


def _timed(work: Callable[[list[str]], None], files: list[str]) -> float:
    start = time.perf_counter()
    work(files)
    return time.perf_counter() - start


def _print_memory(files: list[str]) -> None:
    """Memory after many files may only be what their models take."""
    tracemalloc.start()
    for _ in load(files[:100], LoadOptions()):
        pass
    first, _ = tracemalloc.get_traced_memory()
    for _ in load(files[:500], LoadOptions()):
        pass
    last, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"memory kept after 100 files {first // 1024} KiB, after 500 more {last // 1024} KiB")


if __name__ == "__main__":
    main()
