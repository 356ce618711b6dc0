"""What follows from a seed: the names of calls and legs, tokens, and every random choice."""

from __future__ import annotations

from hashlib import blake2b


def hex_name(seed: int, kind: str, count: int) -> str:
    """Return 32 hex digits."""
    return blake2b(f"{seed}/{kind}/{count}".encode(), digest_size=16).hexdigest()


def uuid_name(seed: int, count: int) -> str:
    """Return a uuid in the shape of version 4."""
    digits = hex_name(seed, "call", count)
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def choice(seed: int, count: int, among: int) -> int:
    """Return a number from 0 below `among`, each as likely as any other."""
    return int(hex_name(seed, "draw", count), 16) % among
