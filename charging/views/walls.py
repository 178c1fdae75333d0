"""The wall of a control room: its page without signing in, and the page where links to it are made and revoked.

Making one takes MANAGE_FLEET: a link widens who sees the fleet, which is for those who answer for it, not for a shift.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from charging import attention, board, board_rows, changes, live_figures, places, walls
from charging.changes import Mark
from charging.forms import WallForm
from charging.models import WallLink
from lib import clock
from people.access import ActorRequest, require
from people.actor import Actor
from people.roles import Permission

View = Callable[[HttpRequest, str], HttpResponse]
ROWS = 14  # as many as a screen holds in large type; the figures count all
ITEMS = 3


def _private(view: View) -> View:
    """Not kept by caches or search engines, and its address is not told to any other page."""

    @wraps(view)
    def private(request: HttpRequest, token: str) -> HttpResponse:
        answer = view(request, token)
        answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    return require_safe(never_cache(private))


@_private
def wall(request: HttpRequest, token: str) -> HttpResponse:
    """An unknown, a revoked and an ended link are the same page with 404."""
    now = clock.now()
    link = walls.find(token, now)
    if link is None:
        return render(request, "charging/wall_gone.html", status=404)
    walls.note_seen(link, now)
    actor = walls.viewer(link)
    context = {"link": link, "version": changes.look(actor, Mark()).mark, "now_href": reverse("wall_now", args=[token])}
    return render(request, "charging/wall.html", context | _context(actor))


@_private
def wall_now(request: HttpRequest, token: str) -> HttpResponse:
    """204 if nothing changed since X-Since. Once the link has ended, the browser is sent to the page that says so."""
    now = clock.now()
    link = walls.find(token, now)
    if link is None:
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("wall", args=[token])})
    walls.note_seen(link, now)
    actor, since = walls.viewer(link), Mark.read(request.headers.get("X-Since", ""))
    news = changes.look(actor, since)
    if since.xid and not news:
        return HttpResponse(status=204, headers={"X-Version": str(news.mark)})
    answer = render(request, "charging/_wall_now.html", _context(actor) | {"partial": True})
    answer["X-Version"] = str(news.mark)
    return answer


@require(Permission.MANAGE_FLEET)
def walls_page(request: ActorRequest) -> HttpResponse:
    """The links of the organisation; a new one is shown once."""
    form, url = WallForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        _link, token = walls.create(actor=request.actor, name=values["name"], days=values["days"], now=clock.now())
        path = reverse("wall", args=[token])
        url = settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)
        form = WallForm()
    rows = WallLink.objects.visible_to(request.actor).select_related("membership__user")
    links = list(rows.order_by(F("revoked_at").desc(nulls_first=True), "-expires_at", "-id")[:200])
    context = {"form": form, "links": links, "url": url, "now": clock.now()}
    answer = render(request, "charging/walls.html", context)
    if url:
        answer["Cache-Control"] = "no-store"  # the page shows a secret
    return answer


@require(Permission.MANAGE_FLEET)
def wall_revoke(request: ActorRequest, pk: int) -> HttpResponse:
    link = get_object_or_404(WallLink.objects.visible_to(request.actor), pk=pk)
    if request.method != "POST":
        context = {"title": _("Revoke “%(name)s”?") % {"name": link.name}, "cancel_url": reverse("walls")}
        return render(request, "charging/wall_revoke.html", context | {"link": link})
    walls.revoke(actor=request.actor, link=link, now=clock.now())
    messages.success(request, _("“%(name)s” no longer opens.") % {"name": link.name})
    return redirect("walls")


def _context(actor: Actor) -> dict[str, Any]:
    now = clock.now()
    cards = places.cards(actor, now)
    items = attention.items(actor)
    page = board.page(actor, board.Filter())
    rows = board_rows.drawn(actor, [place.pk for place in page[:ROWS]], now)
    return {
        "now": now,
        "cards": sorted(cards, key=lambda card: (not card.strained, -card.power_kw)),  # a screen may be too small
        "figures": live_figures.read(actor, cards, now),
        "attention": items[:ITEMS],
        "waiting": len(items),
        "rows": [rows[place.pk] for place in page[:ROWS] if place.pk in rows],
        "more": max(0, len(page) - ROWS),
    }
