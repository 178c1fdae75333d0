"""Draws what stands around the bays: key figures, clock, faults, the latest ends. Reads the world, changes nothing."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from html import escape

from sandbox import bays, readings
from sandbox.clock import iso
from sandbox.forecourt.bays_view import form, number
from sandbox.model import COMPLETED, Session
from sandbox.world import World

SPEEDS = ((0, "Pause"), (1, "1×"), (10, "10×"), (60, "60×"), (600, "600×"))
ADVANCES = ((60, "+1 min"), (600, "+10 min"), (3600, "+1 h"))
SLIDERS = (
    (
        "Answers",
        "*",
        (("lostReply", "Reply lost, though it happened"), ("refuse", "Refused"), ("error", "Server error")),
    ),
    (
        "",
        "*",
        (("slow", "Slow"), ("drip", "Dripping, a byte a second"), ("invalidJson", "Not JSON"), ("cutOff", "Cut off")),
    ),
    (
        "Webhooks",
        "webhook",
        (("lost", "Lost"), ("doubled", "Doubled"), ("late", "Late"), ("reordered", "Out of order")),
    ),
    ("", "webhook", (("malformed", "Malformed"), ("forged", "Forged"))),
    ("Chargers", "session", (("failStart", "Start fails after acceptance"),)),
    ("", "job", (("fail", "Command fails"),)),
)
LATEST = 12


def summary(world: World, now: datetime) -> str:
    """What is happening, in five figures."""
    states = Counter(bays.state_of(world, s, c) for s in world.stations.values() for c in s.connectors)
    open_now = [s for station in world.stations.values() for s in bays.at_station(world, station)]
    power_kw = sum((readings.power_kw(session, now) for session in open_now), Decimal(0))
    accepted = sum(limiter.accepted for limiter in world.limiters.values())
    refused = sum(limiter.refused for limiter in world.limiters.values())
    broken = states["faulted"] + states["offline"]
    figures = (
        ("Power now", number(power_kw, 1, "kW"), f"{states['charging']} charging"),
        ("Open sessions", str(len(open_now)), f"{states['preparing']} cars wait for a start"),
        ("Free connectors", str(states["available"]), f"of {sum(states.values())}"),
        ("Out of order", str(broken), f"{states['faulted']} faulted · {states['offline']} offline"),
        ("API requests", f"{accepted:,}", f"{refused:,} refused with 429"),
    )
    tiles = "".join(
        f"<div><dt>{label}</dt><dd>{value}</dd><dd class=quiet>{note}</dd></div>" for label, value, note in figures
    )
    return f'<dl class="card kpis" data-live="kpis">{tiles}</dl>'


def clock(world: World, now: datetime) -> str:
    """Business time and its speed."""
    speeds = "".join(
        form("clock", label, {"speed": speed}, kind="on" if world.clock.speed == speed else "")
        for speed, label in SPEEDS
    )
    advances = "".join(form("clock", label, {"advance_s": amount}, kind="sm") for amount, label in ADVANCES)
    known = any(world.clock.speed == speed for speed, _ in SPEEDS)
    other = "" if known else f' <span class="tag">{world.clock.speed:g}×</span>'
    return f"""<section class="card clock" data-live="clock" aria-label="Clock">
<p class="time"><time datetime="{iso(now)}">{now:%a %d %b %Y, %H:%M:%S}</time> <span class="quiet">UTC</span>{other}</p>
<div class="seg" role="group" aria-label="Speed">{speeds}</div><div class="row">{advances}</div></section>"""


def faults(world: World) -> str:
    """Sliders for the chance of each fault."""
    groups = "".join(_group(world, *group) for group in SLIDERS)
    return f"""<section class="card faults" aria-labelledby="faults-h"><header><h2 id="faults-h">Faults</h2>
{form("faults", "All well", {"clear": 1}, kind="ghost sm")}</header>
<form method="post" action="/_sandbox/faults" class="sliders">{groups}
<button class="btn primary" id="b-faults">Apply</button></form></section>"""


def _group(world: World, title: str, place: str, names: tuple[tuple[str, str], ...]) -> str:
    chances = world.faults.probabilities.get(place, {})
    rows = "".join(
        f'<label><span>{label}</span><input type="range" name="{place}:{name}" min="0" max="100" step="5" '
        f'value="{100 * chances.get(name, 0):.0f}"><output>{100 * chances.get(name, 0):.0f}</output></label>'
        for name, label in names
    )
    return (f"<h3>{title}</h3>" if title else "") + rows


def happenings(world: World) -> str:
    """The latest ends of sessions, and what became of their webhooks."""
    ended = [session for session in world.sessions.values() if session.completed_at]
    latest = sorted(ended, key=lambda session: session.completed_at or session.requested_at)[-LATEST:]
    lines = "".join(_line(session) for session in reversed(latest))
    body = (
        f"<ol>{lines}</ol>"
        if lines
        else '<p class="quiet">When a session ends it is listed here, with its webhook.</p>'
    )
    return (
        '<section class="card latest" data-live="latest" aria-labelledby="latest-h">'
        f'<header><h2 id="latest-h">Latest ends</h2></header>{body}</section>'
    )


def _line(session: Session) -> str:
    at = session.completed_at or session.requested_at
    energy = (
        number(readings.energy_kwh(session, at), 2, "kWh") if session.status == COMPLETED else escape(session.status)
    )
    told = (
        session.webhooks[-1]["outcome"] if session.webhooks else ("not asked for" if not session.webhook_url else "…")
    )
    source = "card" if session.source == "rfid" else escape(session.external_reference or "API")
    return (
        f"<li><span>{at:%H:%M:%S}</span><b>{escape(session.station_id)} · {session.connector_id}</b>"
        f"<span>{energy}</span><small>{source} · webhook {told}</small></li>"
    )
