"""Reads the text of a PDF as its reader would see it: enough of the format for what we draw ourselves."""

import re
import zlib

OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
STREAM = re.compile(rb"stream\n(.*)\nendstream", re.DOTALL)
PAIR = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>")
SHOWN = re.compile(rb"/F(\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", re.DOTALL)
ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
SIGNS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def read(file: bytes) -> list[str]:
    """Each piece of text that is shown, in the order of drawing."""
    objects = {int(number): body for number, body in OBJECT.findall(file)}
    fonts = {int(name): _letters(objects, int(number)) for name, number in re.findall(rb"/F(\d+) (\d+) 0 R", file)}
    pages = [text for text in map(_stream, objects.values()) if b" Tj" in text]
    found: list[str] = []
    letters: dict[bytes, str] = {}
    for font, shown in SHOWN.findall(b"".join(pages)):
        if font:
            letters = fonts[int(font)]
            continue
        codes = ESCAPED.sub(lambda match: SIGNS.get(match[1], match[1]), shown)
        found.append("".join(letters[codes[place : place + 2]] for place in range(0, len(codes), 2)))
    return found


def _letters(objects: dict[int, bytes], font: int) -> dict[bytes, str]:
    """Which letters the two-byte codes of a font mean."""
    named = re.search(rb"/ToUnicode (\d+) 0 R", objects[font])
    assert named is not None
    pairs = PAIR.findall(_stream(objects[int(named[1])]))
    return {bytes.fromhex(code.decode()): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _stream(body: bytes) -> bytes:
    found = STREAM.search(body)
    if found is None:
        return b""
    return zlib.decompress(found[1]) if b"/FlateDecode" in body[: found.start()] else found[1]
