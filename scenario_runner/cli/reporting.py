"""Starts the reporters that a command line asks for, and ends them whatever happens."""

from __future__ import annotations
