"""Stop rules: those of a session with what they say now, and the defaults of stations and sites."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from charging import rule_forms, rule_states, session_rules, stop_rules
from charging.models import Session
from charging.models.session import OPEN
from charging.models.stop_rule import RuleKind
from charging.rule_forms import RuleForm, StationRuleForm
from charging.rule_states import RuleState
from fleet.models import Site, Station
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission


@require(Permission.VIEW)
def session_rules_part(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Asked for by the session's page; without a script a page of its own."""
    session = _session(request, public_id)
    context = {
        "session": session,
        "lines": [_line(state) for state in rule_states.of(session, clock.now())],
        "open": session.state in OPEN,
        "may_control": _actor(request).can(Permission.CONTROL_SESSIONS),
    }
    return _part_or_page(request, "charging/_session_rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def session_rules_edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    session = _session(request, public_id)
    return _edit(request, session, reverse("session", args=[public_id]), session.currency)


@require_POST
@require(Permission.CONTROL_SESSIONS)
def session_rule_remove(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`kind` names the rule."""
    session, kind = _session(request, public_id), request.POST.get("kind", "")
    try:
        gone = session_rules.remove(actor=_actor(request), session=session, kind=kind, now=clock.now())
    except session_rules.SessionOver as error:
        messages.error(request, str(error))
    else:
        said = _("The stop rule is removed.") if gone else _("The session has no such stop rule any more.")
        messages.success(request, said)
    return redirect("session", public_id)


@require(Permission.VIEW)
def station_rules(request: HttpRequest, pk: int) -> HttpResponse:
    station = _station(request, pk)
    own, site, refused = _said(station), _said(station.site), session_rules.refused(station)
    context = {
        "owner": "station",
        "lines": list(own.values()),
        "inherited": [words for kind, words in site.items() if kind not in own and kind not in refused],
        "refused": [site.get(kind) or stop_rules.said_none(kind) for kind in refused],
        "edit_href": reverse("station_rules_edit", args=[pk]),
        "may_manage": _actor(request).can(Permission.MANAGE_FLEET),
    }
    return _part_or_page(request, "charging/_default_rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.MANAGE_FLEET)
def station_rules_edit(request: HttpRequest, pk: int) -> HttpResponse:
    station = _station(request, pk)
    return _edit(request, station, reverse("station", args=[pk]), station.site.currency)


@require(Permission.VIEW)
def site_rules(request: HttpRequest, pk: int) -> HttpResponse:
    site = _site(request, pk)
    context = {
        "owner": "site",
        "lines": list(_said(site).values()),
        "inherited": [],
        "edit_href": reverse("site_rules_edit", args=[pk]),
        "may_manage": _actor(request).can(Permission.MANAGE_FLEET),
    }
    return _part_or_page(request, "charging/_default_rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.MANAGE_FLEET)
def site_rules_edit(request: HttpRequest, pk: int) -> HttpResponse:
    site = _site(request, pk)
    return _edit(request, site, reverse("site", args=[pk]), site.currency)


def _edit(request: HttpRequest, owner: session_rules.Owner, back_href: str, currency: str) -> HttpResponse:
    """All rules of an owner in one form; what is saved is what the form says."""
    form = _form(request, owner)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            none = form.none if isinstance(form, StationRuleForm) else ()
            session_rules.replace(actor=_actor(request), owner=owner, rules=form.rules(now), now=now, none=none)
        except session_rules.SessionOver as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The stop rules are saved."))
        return redirect(back_href)
    site = owner if isinstance(owner, Site) else owner.site
    context = {
        "form": form,
        "owner": owner._meta.model_name,
        "name": owner.place if isinstance(owner, Session) else str(owner),
        "currency": currency,
        "zone": site.timezone,
        "cancel_url": back_href,
    }
    return render(request, "charging/stop_rules.html", context, status=422 if form.errors else 200)


def _form(request: HttpRequest, owner: session_rules.Owner) -> RuleForm:
    given, shown = request.POST or None, rule_forms.initial(session_rules.of(owner))
    if not isinstance(owner, Station):
        return RuleForm(given, initial=shown)
    site, refused = _said(owner.site), session_rules.refused(owner)
    return StationRuleForm(given, initial=shown, inherited=site, refused=refused)


def _said(owner: Station | Site) -> dict[str, str]:
    """Its defaults in words, by kind."""
    currency = owner.site.currency if isinstance(owner, Station) else owner.currency
    return {row.kind: stop_rules.said(session_rules.rule_of(row), currency) for row in session_rules.of(owner)}


def _line(state: RuleState) -> dict[str, Any]:
    """For the list: the rule in words, how it stands, and when it is expected to be met."""
    return {
        "row": state.row,
        "words": state.words[:1].upper() + state.words[1:],
        "why": state.why,
        "expected_at": None if state.row.kind == RuleKind.CLOCK else state.expected_at,
        "is_default": state.row.created_by_label.startswith(_("default of %(name)s") % {"name": ""}),
    }


def _part_or_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return render(request, template, context)
    return render(request, "charging/stop_rules_page.html", context | {"part": template})


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined, no-any-return]


def _session(request: HttpRequest, public_id: UUID) -> Session:
    mine = Session.objects.visible_to(_actor(request)).select_related("site", "station", "connector")
    return get_object_or_404(mine, public_id=public_id)


def _station(request: HttpRequest, pk: int) -> Station:
    return get_object_or_404(Station.objects.visible_to(_actor(request)).select_related("site"), pk=pk)


def _site(request: HttpRequest, pk: int) -> Site:
    return get_object_or_404(Site.objects.visible_to(_actor(request)), pk=pk)
