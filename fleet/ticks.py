"""Stations ticked by hand over several pages: those of other pages travel in one short text. Pure."""

from collections.abc import Iterable

MOST = 10_000


def pack(ids: Iterable[int]) -> str:
    """In order, ranges as such, so that whole pages stay short: `7.9-12`."""
    parts: list[list[int]] = []
    for pk in sorted(set(ids)):
        if parts and pk == parts[-1][1] + 1:
            parts[-1][1] = pk
        else:
            parts.append([pk, pk])
    return ".".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def unpack(text: str) -> list[int]:
    """What makes no sense is left out, and so is all beyond MOST."""
    found: list[int] = []
    for part in text.split("."):
        first, _dash, last = part.partition("-")
        if _is_id(first) and _is_id(last or first):
            end = min(int(last or first), int(first) + MOST - len(found) - 1)
            found.extend(range(int(first), end + 1))
    return found


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 18
