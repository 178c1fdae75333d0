"""Serves the forecourt: the page, its live part, its two files, each under a strict content policy."""

from functools import cache
from html import escape
from pathlib import Path

from sandbox.forecourt import bays_view, panels_view
from sandbox.wire import Answer, Request, error
from sandbox.world import World

HERE = Path(__file__).parent
FILES = {"forecourt.css": "text/css; charset=utf-8", "forecourt.js": "text/javascript; charset=utf-8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1d2433"/>'
    '<path d="M18 4 8 18h7l-1 10 10-14h-7z" fill="#7ee0a8"/></svg>'
)


def answer(world: World, request: Request) -> Answer:
    """`/`, `/_sandbox/forecourt/live` (the parts that change) and the static files."""
    if request.method != "GET":
        return error(405, "invalid", "The forecourt page is read with GET.")
    name = request.path.removeprefix("/_sandbox/forecourt").strip("/")
    if name in FILES:
        found = Answer(200, _file(name), FILES[name], {"Cache-Control": "no-cache"})
    elif name == "icon.svg":
        found = Answer(200, ICON.encode(), "image/svg+xml")
    elif name in ("", "live"):
        found = _html(_live(world) if name else _page(world))
    else:
        return error(404, "notFound", f"There is no {request.path}.")
    found.headers |= {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return found


@cache
def _file(name: str) -> bytes:
    return (HERE / name).read_bytes()


def _html(text: str) -> Answer:
    return Answer(200, text.encode(), "text/html; charset=utf-8", {"Cache-Control": "no-store"})


def _live(world: World) -> str:
    with world.turn() as now:
        return (
            panels_view.summary(world, now)
            + panels_view.clock(world, now)
            + bays_view.sites(world, now)
            + panels_view.happenings(world)
        )


def _page(world: World) -> str:
    with world.turn() as now:
        parts = {
            "summary": panels_view.summary(world, now),
            "clock": panels_view.clock(world, now),
            "sites": bays_view.sites(world, now),
            "happenings": panels_view.happenings(world),
            "faults": panels_view.faults(world),
        }
    base = "/_sandbox/forecourt"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Forecourt · Eevion sandbox</title>
<link rel="icon" href="{base}/icon.svg"><link rel="stylesheet" href="{base}/forecourt.css">
<script src="{base}/forecourt.js" defer></script>
</head>
<body>
<a class="skip" href="#bays">Skip to the bays</a>
<header class="top"><div class="bar">
<img src="{base}/icon.svg" width="26" height="26" alt=""><div class="brand"><b>Forecourt</b>
<span>Eevion sandbox · world “{escape(world.name)}” · seed {world.seed}</span></div>
<nav aria-label="Data"><a href="/_sandbox/ledger">Ledger</a><a href="/_sandbox/state">State</a></nav>
</div></header>
<main>
<h1 class="vh">Forecourt</h1>
<p class="toast" id="toast" role="status" hidden></p>
{parts["summary"]}
{parts["clock"]}
<div class="columns"><div id="bays">{parts["sites"]}</div>
<aside>{parts["faults"]}{parts["happenings"]}</aside></div>
</main>
</body>
</html>"""
