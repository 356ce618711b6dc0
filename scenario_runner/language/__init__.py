"""What the runner knows of scenarios and targets: frozen, typed, with positions."""

from __future__ import annotations
