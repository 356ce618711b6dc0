"""Text from outside made fit to be shown and written: no control characters, no lone surrogates."""

from __future__ import annotations

JOINER = "\u200d"


def printable(text: str) -> str:
    """Make control characters visible, so that nothing a PBX says can move the cursor."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in ("\n", JOINER) else _visible(letter)
        for letter in text.replace("\r\n", "\n").replace("\t", "    ")
    )


def _visible(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode()


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters."""
    return printable(text).replace("\n", " ")


def encodable(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and UTF-8 can't."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()
