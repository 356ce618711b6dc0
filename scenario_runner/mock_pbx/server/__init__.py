"""The mock PBX as a server: HTTP over asyncio, worlds kept apart, webhooks, a description."""

from __future__ import annotations
