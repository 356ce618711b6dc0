"""The package in numbers: sizes of modules and functions, imports, what is said twice.

Run: python -m benchmarks.house [FOLDER]
Code lines are those that are not blank, no comment and no docstring. A function's length is all its
lines. Nothing is imported or run: the source is read.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent.parent / "scenario_runner"
COMMANDS = ("scenario_runner.cli", "scenario_runner.pytest_plugin")
"""Here imports inside functions are meant: a command is to start fast."""
SMALL = 60


@dataclass(frozen=True)
class Module:
    """One source file, by its dotted name."""

    name: str
    path: Path

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse("\n".join(self.lines))

    @cached_property
    def code(self) -> dict[int, str]:
        """The code lines by their numbers."""
        docstrings = {line for node in ast.walk(self.tree) for line in docstring_lines(node)}
        return {
            number: line.strip()
            for number, line in enumerate(self.lines, 1)
            if line.strip() and not line.strip().startswith("#") and number not in docstrings
        }

    @cached_property
    def import_lines(self) -> set[int]:
        imports = (n for n in ast.walk(self.tree) if isinstance(n, (ast.Import, ast.ImportFrom)))
        return {line for node in imports for line in extent(node)} & self.code.keys()

    @property
    def comments(self) -> int:
        return sum(line.strip().startswith("#") for line in self.lines)

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [node for node in ast.walk(self.tree) if isinstance(node, kinds)]

    def imports(self, of: ast.AST, *, types: bool) -> Iterator[str]:
        """Yield what is imported there, also by functions; `types`: also for types alone."""
        for node in ast.iter_child_nodes(of):
            match node:
                case ast.If(test=ast.Name(id="TYPE_CHECKING")) if not types:
                    continue
                case ast.ImportFrom(module=str(module), names=names):
                    yield from (f"{module}.{one.name}" for one in names)
                case ast.Import(names=names):
                    yield from (one.name for one in names)
                case _:
                    yield from self.imports(node, types=types)


def docstring_lines(node: ast.AST) -> range:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    match node.body[:1] if isinstance(node, kinds) else []:
        case [ast.Expr(value=ast.Constant(value=str())) as docstring]:
            return extent(docstring)
        case _:
            return range(0)


def extent(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def read(folder: Path) -> list[Module]:
    return [
        Module(".".join(file.relative_to(folder.parent).with_suffix("").parts), file)
        for file in sorted(folder.rglob("*.py"))
    ]


def circles(modules: list[Module], *, types: bool) -> list[set[str]]:
    """The groups of modules that import each other, in however many steps."""
    names = {module.name.removesuffix(".__init__") for module in modules}
    arrows = {
        module.name.removesuffix(".__init__"): own_imports(module, names, types=types)
        for module in modules
    }
    reached = {name: reachable(name, arrows) for name in arrows}
    groups = {
        frozenset(other for other in reached[name] if name in reached[other]) for name in reached
    }
    return [set(group) for group in groups if group]


def own_imports(module: Module, names: set[str], *, types: bool) -> set[str]:
    found = set()
    for imported in module.imports(module.tree, types=types):
        found.add(imported if imported in names else imported.rpartition(".")[0])
    return (found & names) - {module.name.removesuffix(".__init__")}


def reachable(start: str, arrows: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    pending = [start]
    while pending:
        fresh = arrows[pending.pop()] - seen
        seen |= fresh
        pending += fresh
    return seen


def local_imports(module: Module) -> int:
    """How often a function imports something of our own."""
    own = module.name.partition(".")[0]
    if module.name.startswith(COMMANDS):
        return 0
    return sum(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith(own)
        for function in module.functions
        for node in ast.walk(function)
    )


def class_names(modules: list[Module]) -> dict[str, int]:
    """Public names of classes that are defined more than once."""
    count = Counter(
        node.name
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    return {name: times for name, times in sorted(count.items()) if times > 1}


def at(share: float, sizes: list[int]) -> int:
    return sorted(sizes)[int(len(sizes) * share)]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE
    modules = read(folder.resolve())
    sizes = {module.name: len(module.lines) for module in modules}
    largest = max(sizes, key=lambda name: sizes[name])
    code = sum(len(module.code) for module in modules)
    imports = sum(len(module.import_lines) for module in modules)
    small = sum(size < SMALL for size in sizes.values())
    lengths = [len(extent(function)) for module in modules for function in module.functions]
    print(f"modules                      {len(modules):6,}   (at most 135)")
    print(f"  lines: median              {at(0.5, list(sizes.values())):6,}")
    print(f"  lines: largest             {sizes[largest]:6,}   {largest}")
    print(f"  under {SMALL} lines             {small:6,}")
    print(f"code lines                   {code:6,}   (at most 20,500)")
    print(f"  of them imports            {imports / code:6.1%}   (at most 9 %)")
    print(f"comment lines                {sum(module.comments for module in modules):6,}")
    print(f"functions                    {len(lengths):6,}")
    print(f"  lines: median, p90, most   {at(0.5, lengths)}, {at(0.9, lengths)}, {max(lengths)}")
    for what, types in (("import circles    ", False), ("  types included  ", True)):
        rings = circles(modules, types=types)
        shown = "; ".join(", ".join(sorted(ring)) for ring in rings)
        print(f"{what}           {len(rings):6,}   {shown if rings else '(none)'}")
    print(
        f"own imports inside functions {sum(map(local_imports, modules)):6,}   (none; not commands)"
    )
    twice = class_names(modules)
    print(f"class names defined twice    {len(twice):6,}   {', '.join(twice)}")


if __name__ == "__main__":
    main()
