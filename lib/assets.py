"""`python -m lib.assets` builds what pages need from installed packages into var/assets: the font, cut to what is used,
and the licences of what we serve. A second run finds its stamp and ends at once.
"""

import hashlib
import io
import sys
from importlib import metadata, resources
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "var" / "assets"
FEATURES = ["kern", "mark", "mkmk", "calt", "ccmp", "locl", "tnum", "cv11", "zero", "case"]
RANGES = (range(0x20, 0x7F), range(0xA0, 0x180))  # Latin, with every accent of Canada's and Europe's names
SIGNS = "‐‑–—‘’“”•…€←↑→↓−≈≤≥⋯\u202f\ufffd"
WEIGHTS = (400, 700)
LICENCES = {
    "Inter, the typeface (fontpkg-inter)": ("fontpkg-inter", "LICENSE"),
    "Lucide, the icons (lucide)": ("lucide", "LICENSE"),
}


def build(target: Path = TARGET) -> bool:
    """Write fonts/inter.woff2 and licences.txt below target; False if they are already there from the same sources."""
    stamp, wanted = target / ".stamp", _fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted and (target / "fonts/inter.woff2").is_file():
        return False
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    _replace(target / "fonts/inter.woff2", _font())
    _replace(target / "licences.txt", _licences().encode())
    _replace(stamp, wanted.encode())
    return True


def _fingerprint() -> str:
    """Changes with this file and with the versions it draws on."""
    versions = [metadata.version(name) for name in ("fontpkg-inter", "lucide", "fonttools", "django-htmx")]
    return hashlib.sha256(Path(__file__).read_bytes() + " ".join(versions).encode()).hexdigest()


def _font() -> bytes:
    # Imported here: they cost a third of a second, and most runs only look at the stamp.
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    source = resources.files("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf"
    font = TTFont(io.BytesIO(source.read_bytes()))
    options = subset.Options()
    options.layout_features = FEATURES
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[code for block in RANGES for code in block] + [ord(sign) for sign in SIGNS])
    # Cut first, then narrow the axes: narrowing all 2,900 glyphs takes seconds.
    cutter.subset(font)
    font = instancer.instantiateVariableFont(font, {"opsz": 14, "wght": WEIGHTS})
    font.flavor = "woff2"
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
    """In one step, so that a server reading meanwhile never meets half a file."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    draft.replace(path)


if __name__ == "__main__":
    built = build()
    sys.stdout.write("assets built\n" if built else "assets are up to date\n")
