"""Ladder diagrams of one scenario: who said what to whom, and which slot was occupied when."""

from __future__ import annotations

from scenario_runner.reporters.ladder.building import LadderBuilder, build_ladder
from scenario_runner.reporters.ladder.drawing import Drawing, draw, to_svg
from scenario_runner.reporters.ladder.model import (
    Arrow,
    ArrowKind,
    Bar,
    Heading,
    Ladder,
    Lifeline,
    LifelineKind,
    Pause,
    Remark,
    Row,
)
from scenario_runner.reporters.ladder.text import to_mermaid, to_text

__all__ = [
    "Arrow",
    "ArrowKind",
    "Bar",
    "Drawing",
    "Heading",
    "Ladder",
    "LadderBuilder",
    "Lifeline",
    "LifelineKind",
    "Pause",
    "Remark",
    "Row",
    "build_ladder",
    "draw",
    "to_mermaid",
    "to_svg",
    "to_text",
]
