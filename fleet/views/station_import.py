"""Importing stations in two steps: a preview, then the very text that was previewed, signed, comes back to be done."""

from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fleet import import_rows, imports
from fleet.forms import StationImportForm
from fleet.import_rows import Defaults
from fleet.models import Account, Site
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission

SALT = "fleet.station_import"
PREVIEW_HOLDS_S = 3600
SHOWN = 200
COLUMNS = (
    ("station", gettext_lazy("its id in the vendor's portal; the only one that is needed")),
    ("name", gettext_lazy("what your people call it")),
    ("site", gettext_lazy("the site's name; one that is not there yet is made")),
    ("timezone", gettext_lazy("of a new site, such as America/Toronto")),
    ("currency", gettext_lazy("of a new site, such as CAD")),
    ("latitude", gettext_lazy("of a new site, from -90 to 90")),
    ("longitude", gettext_lazy("of a new site, from -180 to 180")),
    ("grid_limit_kw", gettext_lazy("of a new site")),
    ("level", gettext_lazy("2 or 3")),
    ("connectors", gettext_lazy("how many")),
    ("rated_kw", gettext_lazy("its power in kW")),
)
NONE_LEFT = gettext_lazy("Nothing is left to import: every row is there already or has a fault.")
CHANGED = gettext_lazy("Somebody added some of these meanwhile; nothing was imported. Here is a new preview.")


@require(Permission.MANAGE_FLEET)
def station_import(request: ActorRequest) -> HttpResponse:
    if request.method == "POST" and "back" in request.POST:
        return _again(request)
    if request.method == "POST" and "payload" in request.POST:
        return _confirm(request)
    form = StationImportForm(request.POST or None, request.FILES or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            return _preview(request, form.cleaned_data)
        except import_rows.Unreadable as error:
            form.add_error("file" if form.cleaned_data.get("file") else "text", str(error))
    return _page(request, form)


def _page(request: ActorRequest, form: StationImportForm) -> HttpResponse:
    context = {
        "form": form,
        "columns": COLUMNS,
        "has_account": Account.objects.visible_to(request.actor).exists(),
        "may_add_account": request.actor.can(Permission.MANAGE_ACCOUNTS),
    }
    return render(request, "fleet/station_import.html", context)


def _again(request: ActorRequest) -> HttpResponse:
    """Back from the preview: the form with all that was given, a file's text as the list."""
    try:
        payload = _payload(request)
    except signing.BadSignature:
        return redirect("station_import")
    site = Site.objects.visible_to(request.actor).filter(name=payload["site"]).first()
    return _page(request, StationImportForm(actor=request.actor, initial=payload | {"site": site}))


def _payload(request: ActorRequest) -> dict[str, Any]:
    """Raises signing.BadSignature; that of another organisation is not there."""
    payload: dict[str, Any] = signing.loads(request.POST.get("payload", ""), salt=SALT, max_age=PREVIEW_HOLDS_S)
    if payload["organisation"] != request.actor.organisation_id:
        raise Http404
    return payload


def _preview(request: ActorRequest, cleaned: dict[str, Any]) -> HttpResponse:
    text, warning = cleaned["text"], ""
    if cleaned.get("file"):
        text, warning = import_rows.decode(cleaned["file"].read())
    site = cleaned.get("site")
    payload = {
        "account": cleaned["account"].pk,
        "text": text,
        "site": site.name if site else "",
        "level": cleaned["level"],
        "connectors": cleaned["connectors"],
        "organisation": request.actor.organisation_id,
    }
    return _show(request, cleaned["account"], payload, warning)


def _show(request: ActorRequest, account: Account, payload: dict[str, Any], warning: str = "") -> HttpResponse:
    found = _found(request, account, payload)
    payload["good"] = len(found.rows)
    context = {
        "account": account,
        "found": found,
        "rows": found.rows[:SHOWN],
        "bad_rows": found.bad_rows[:SHOWN],
        "warning": warning,
        "payload": signing.dumps(payload, salt=SALT, compress=True),
    }
    return render(request, "fleet/station_import_preview.html", context)


def _defaults(payload: dict[str, Any]) -> Defaults:
    return Defaults(site=payload["site"], level=payload["level"], connectors=payload["connectors"])


def _confirm(request: ActorRequest) -> HttpResponse:
    try:
        payload = _payload(request)
    except signing.BadSignature:
        messages.error(request, _("This preview is more than an hour old or was changed. Paste the list again."))
        return redirect("station_import")
    accounts = Account.objects.visible_to(request.actor)
    account = get_object_or_404(accounts, pk=payload["account"])
    found = _found(request, account, payload)
    if found.rows and len(found.rows) == payload["good"]:
        try:
            made = imports.apply(actor=request.actor, account=account, rows=found.rows, now=clock.now())
        except imports.Conflict:
            found = _found(request, account, payload)
        else:
            said = ngettext("%d station is imported.", "%d stations are imported.", len(made)) % len(made)
            messages.success(request, said)
            return redirect("stations")
    if not found.rows:  # a second click on the button, above all
        messages.info(request, NONE_LEFT)
        return redirect("stations")
    messages.error(request, CHANGED)
    return _show(request, account, payload)


def _found(request: ActorRequest, account: Account, payload: dict[str, Any]) -> imports.Preview:
    return imports.preview(actor=request.actor, account=account, text=payload["text"], defaults=_defaults(payload))
