"""`python -m lib.assets` builds what pages and PDFs need from installed packages into var/assets: the font, cut to what
is used, and the licences of what we serve. A second run finds its stamp and ends at once.
"""

import hashlib
import io
import sys
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path
from typing import Any
from uuid import uuid4

TARGET = Path(__file__).resolve().parent.parent / "var" / "assets"
FEATURES = ["kern", "mark", "mkmk", "calt", "ccmp", "locl", "tnum", "cv11", "zero", "case"]
RANGES = (range(0x20, 0x7F), range(0xA0, 0x180))  # Latin, with every accent of Canada's and Europe's names
SIGNS = "‐‑–—‘’“”•…€←↑→↓−≈≤≥⋯\u202f\ufffd"
WEIGHTS = (400, 700)
# For PDFs: fixed weights as TrueType, with Greek and Cyrillic, for no other font stands behind them there.
PRINT_WEIGHTS = {"regular": 400, "bold": 600}
PRINT_RANGES = (*RANGES, range(0x180, 0x250), range(0x370, 0x530), range(0x1E00, 0x1F00), range(0x20A0, 0x20C0))
PRINT_SIGNS = SIGNS + "×□"
LICENCES = {
    "Inter, the typeface (fontpkg-inter)": ("fontpkg-inter", "LICENSE"),
    "Lucide, the icons (lucide)": ("lucide", "LICENSE"),
}


def build(target: Path = TARGET) -> bool:
    """Write the fonts and licences.txt below target; False if they are already there from the same sources."""
    stamp, wanted = target / ".stamp", _fingerprint()
    fonts = [target / "fonts/inter.woff2", *print_fonts(target).values()]
    if stamp.is_file() and stamp.read_text() == wanted and all(path.is_file() for path in fonts):
        return False
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    _replace(target / "fonts/inter.woff2", _font())
    for name, path in print_fonts(target).items():
        _replace(path, _print_font(PRINT_WEIGHTS[name]))
    _replace(target / "licences.txt", _licences().encode())
    _replace(stamp, wanted.encode())
    return True


def _fingerprint() -> str:
    """Changes with this file and with the versions it draws on."""
    versions = [metadata.version(name) for name in ("fontpkg-inter", "lucide", "fonttools", "django-htmx")]
    return hashlib.sha256(Path(__file__).read_bytes() + " ".join(versions).encode()).hexdigest()


def print_fonts(target: Path = TARGET) -> dict[str, Path]:
    """Where build() puts the fonts for PDFs, by the names of PRINT_WEIGHTS."""
    return {name: target / f"fonts/inter-print-{name}.ttf" for name in PRINT_WEIGHTS}


def _font() -> bytes:
    return _saved(_cut(RANGES, SIGNS, FEATURES, WEIGHTS), "woff2")


def _print_font(weight: int) -> bytes:
    """Whoever draws with it knows no OpenType features, so tabular digits become the digits."""
    font = _cut(PRINT_RANGES, PRINT_SIGNS, ["tnum"], weight)
    tabular = _substitutes(font, "tnum")
    for table in font["cmap"].tables:
        table.cmap |= {code: tabular[table.cmap[code]] for code in map(ord, "0123456789")}
    for name in ("GSUB", "GPOS", "GDEF"):
        if name in font:
            del font[name]
    return _saved(font, None)


def _cut(ranges: Iterable[range], signs: str, features: list[str], weight: int | tuple[int, int]) -> Any:
    # Imported here: they cost a third of a second, and most runs only look at the stamp.
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    source = resources.files("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf"
    font = TTFont(io.BytesIO(source.read_bytes()), recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = features
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[code for block in ranges for code in block] + [ord(sign) for sign in signs])
    # Cut first, then narrow the axes: narrowing all 2,900 glyphs takes seconds.
    cutter.subset(font)
    return instancer.instantiateVariableFont(font, {"opsz": 14, "wght": weight})


def _substitutes(font: Any, feature: str) -> dict[str, str]:
    """Which glyph a feature puts for which, one for one."""
    table = font["GSUB"].table
    records = (record for record in table.FeatureList.FeatureRecord if record.FeatureTag == feature)
    found: dict[str, str] = {}
    for number in {number for record in records for number in record.Feature.LookupListIndex}:
        for part in table.LookupList.Lookup[number].SubTable:
            found |= part.mapping
    return found


def _saved(font: Any, flavor: str | None) -> bytes:
    font.flavor = flavor
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def _licences() -> str:
    parts = []
    for title, (package, name) in LICENCES.items():
        entries = [path for path in metadata.files(package) or [] if path.name == name]
        parts.append(f"{title}\n{'=' * len(title)}\n\n{entries[0].read_text().strip()}\n")
    parts.append("htmx (django-htmx)\n==================\n\nZero-Clause BSD, https://github.com/bigskysoftware/htmx\n")
    return "\n\n".join(parts)


def _replace(path: Path, content: bytes) -> None:
    """In one step, so that a server reading meanwhile never meets half a file, and two builders never each other's."""
    draft = path.with_name(f"{path.name}.{uuid4().hex}.new")
    draft.write_bytes(content)
    draft.replace(path)


if __name__ == "__main__":
    built = build()
    sys.stdout.write("assets built\n" if built else "assets are up to date\n")
