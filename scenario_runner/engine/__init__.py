"""Runs scenarios: takes steps, checks what came of them, cleans up, and emits events."""
