"""HTTP/1.1 over asyncio, for both sides: messages, a server, and one client's connection."""

from __future__ import annotations
