"""Drawn pieces of the board, kept in this process so that fifty browsers cost little more than one.

A row is drawn once for each version of its session and shared by everybody who may see it; what stands around the rows
is figured out anew only as often as it is cheap. Who sees which row is decided in charging/board.py, before.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.template.loader import get_template
from django.utils import translation

from charging import (
    attention,
    board,
    board_rows,
    estimate_quality,
    freshness,
    live_figures,
    places,
    read_queue,
)
from charging.board import Filter, Place
from charging.changes import Mark
from charging.estimate_quality import Quality
from charging.read_queue import Line
from people.actor import Actor
from people.roles import Permission

ROW_KEPT_S = 5.0  # wall: names of sites and stations may change without a word
MOST_ROWS = 5_000
MOST_AROUNDS = 500
LINES_KEPT_S = 2.0  # wall
WATCHED_EVERY_S = 10.0  # wall: a look counts for freshness.WATCH_S and is renewed in its second half
AROUND_KEPT_S = 2.0  # wall, at least
AROUND_SHARE = 50  # and so many times as long as it took: a fiftieth of one processor at most
PARTS = ("figures", "attention", "sites")
FRAME = ("tabs", "foot")  # parts that depend on the filter
TICKING = re.compile(r"(<time\b[^>]*>)[^<]*")
Key = tuple[int, int, bool, bool, str]

_lined: tuple[float, list[Line]] | None = None
_watched: dict[tuple[Any, ...], float] = {}
_rows: dict[Key, tuple[float, str]] = {}
_arounds: dict[tuple[Any, ...], "Around"] = {}
_busy: dict[tuple[Any, ...], threading.Lock] = {}


@dataclass(frozen=True)
class Part:
    """A piece that replaces the element of its id."""

    html: str
    digest: str

    @classmethod
    def draw(cls, name: str, context: dict[str, Any]) -> "Part":
        html = get_template(f"charging/_live_{name}.html").render(context | {"partial": True})
        # Ages are left out of the digest, for the browser counts them.
        return cls(html, blake2b(TICKING.sub(r"\1", html).encode(), digest_size=4).hexdigest())


@dataclass(frozen=True)
class Around:
    """What stands around the rows for everybody with the same rights: true at `at_ms` (wall, the database's clock)."""

    at_ms: int
    tabs: dict[str, int]
    quality: Quality | None
    parts: list[Part] = field(repr=False)
    until_s: float  # monotonic
    frames: dict[Any, list[Part]] = field(repr=False, default_factory=dict)  # by filter, where it asks nothing more


# --- rows -------------------------------------------------------------------------------------------------------------
def rows(actor: Actor, places_shown: Sequence[Place], now: datetime) -> list[str]:
    """The rows as HTML, in their order; two queries if any of them is not at hand, one more if the lines of reading are
    not."""
    may_control, language = actor.can(Permission.CONTROL_SESSIONS), translation.get_language()
    keys = {one.pk: (one.pk, one.version, one.aged, may_control, language) for one in places_shown}
    moment = time.monotonic()
    cells = {pk: kept[1] for pk, key in keys.items() if (kept := _rows.get(key)) and kept[0] > moment}
    unknown = [pk for pk in keys if pk not in cells]
    missing = board_rows.drawn(actor, unknown, now, _lines() if unknown else None)
    template = get_template("charging/_live_cells.html")
    for pk, row in missing.items():
        cells[pk] = template.render({"row": row, "now": now, "may_control": may_control})
    if len(_rows) > MOST_ROWS:
        _rows.clear()
    # A row that was written meanwhile is drawn as it is now; its own version is told with the next look.
    _rows.update(
        {
            keys[pk]: (moment + ROW_KEPT_S, cells[pk])
            for pk, row in missing.items()
            if row.session.changed_xid == keys[pk][1]
        }
    )
    return [_row(one, cells[one.pk]) for one in places_shown if one.pk in cells]


def _row(one: Place, cells: str) -> str:
    above = f"s-{one.after}" if one.after else ""
    return f'<tr id="s-{one.pk}" data-after="{above}">{cells}</tr>'


def _lines() -> dict[int, Line]:
    """The line of reading of each account, as it would stand by now if nothing had changed for LINES_KEPT_S."""
    global _lined
    moment = time.monotonic()
    if _lined is None or _lined[0] + LINES_KEPT_S <= moment:
        _lined = moment, read_queue.lines()
    made_s, lines = _lined
    passed = timedelta(seconds=moment - made_s)
    return {account: replace(line, at=line.at + passed) for line in lines for account in line.account_ids}


# --- who looks --------------------------------------------------------------------------------------------------------
def watch(actor: Actor, wanted: Filter) -> None:
    """Somebody has this page open. One write for all who have, every WATCHED_EVERY_S; else nothing is asked."""
    page = (actor.organisation_id, actor.site_ids, wanted)
    moment = time.monotonic()
    if _watched.get(page, 0.0) > moment:
        return
    if len(_watched) > MOST_AROUNDS:
        _watched.clear()
    _watched[page] = moment + WATCHED_EVERY_S
    freshness.watch(board.shown(actor, wanted))


# --- around -----------------------------------------------------------------------------------------------------------
def around(actor: Actor, mark: Mark, now: datetime) -> Around:
    """Of `mark` or a moment before. While one thread works it out, the others take the older one."""
    scope = (actor.organisation_id, actor.site_ids, actor.role, translation.get_language())
    kept = _arounds.get(scope)
    if kept is not None and kept.until_s > time.monotonic():
        return kept
    lock = _busy.setdefault(scope, threading.Lock())
    if not lock.acquire(blocking=False):
        if kept is not None:
            return kept
        lock.acquire()
    try:
        newer = _arounds.get(scope)
        return newer if newer is not None and newer is not kept else _make(scope, actor, mark, now)
    finally:
        lock.release()


def _make(scope: tuple[Any, ...], actor: Actor, mark: Mark, now: datetime) -> Around:
    made = _around(actor, mark, now)
    if len(_arounds) > MOST_AROUNDS:
        _arounds.clear()
    _arounds[scope] = made
    return made


def _around(actor: Actor, mark: Mark, now: datetime) -> Around:
    began_s = time.monotonic()
    cards = places.cards(actor, now)
    context = {
        "now": now,
        "cards": cards,
        "figures": live_figures.read(actor, cards, now),
        "attention": attention.items(actor),
    }
    parts = [Part.draw(name, context) for name in PARTS]
    tabs, quality = board.tabs(actor), estimate_quality.this_week(actor, now)
    ended_s = time.monotonic()
    kept_s = max(AROUND_KEPT_S, AROUND_SHARE * (ended_s - began_s))
    return Around(mark.at_ms, tabs, quality, parts, ended_s + kept_s)


def frame(around: Around, key: Any, make: Callable[[], dict[str, Any]]) -> list[Part]:
    """Tabs and foot; drawn once for each `key` (None: never kept)."""
    found = around.frames.get(key)
    if found is None:
        context = make()
        found = [Part.draw(name, context) for name in FRAME]
        if key is not None:
            around.frames[key] = found
    return found


def unlike(parts: Iterable[Part], digests: str) -> tuple[list[str], str]:
    """The parts whose digest is not the one at its place in `digests`, and the digests of all."""
    held, parts = digests.split("-"), list(parts)
    news = [part.html for place, part in enumerate(parts) if held[place : place + 1] != [part.digest]]
    return news, "-".join(part.digest for part in parts)


def forget() -> None:
    """For tests, which make another world within a second."""
    global _lined
    _lined = None
    _rows.clear()
    _arounds.clear()
    _watched.clear()
