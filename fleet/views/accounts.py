"""Settings, Eevion accounts: the list with request budgets, adding and changing one, trying the connection."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import accounts
from fleet.forms import AccountForm
from fleet.models import Account, DriftNotice, RawMessage
from lib import clock
from people.access import ActorRequest, organisation_of, require
from people.roles import Permission


@require(Permission.MANAGE_ACCOUNTS)
def settings_accounts(request: ActorRequest) -> HttpResponse:
    rows = Account.objects.visible_to(request.actor).select_related("budget")
    failed = RawMessage.objects.visible_to(request.actor).filter(digested_at=None, attempts__gt=0).count()
    return render(request, "fleet/settings_accounts.html", {"rows": rows, "failed": failed, "now": clock.now()})


@require(Permission.MANAGE_ACCOUNTS)
def settings_account_new(request: ActorRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        made = accounts.create(
            actor=request.actor, organisation=organisation_of(request.actor), now=clock.now(), **form.cleaned_data
        )
        messages.success(request, _("%s is added. Try the connection, then paste the exception URL.") % made.name)
        return redirect("settings_account", made.pk)
    return render(request, "fleet/settings_account_new.html", {"form": form})


@require(Permission.MANAGE_ACCOUNTS)
def settings_account(request: ActorRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Account.objects.visible_to(request.actor).select_related("budget"), pk=pk)
    if request.method == "POST" and "rotate_url" in request.POST:
        accounts.rotate_exception_token(actor=request.actor, account=found, now=clock.now())
        messages.success(request, _("Paste the new exception URL into the portal; the old one works for 7 more days."))
        return redirect("settings_account", found.pk)
    form = AccountForm(request.POST or None, actor=request.actor, account=found, initial=_initial(found))
    if request.method == "POST" and form.is_valid():
        _change(request, found, form.cleaned_data)
        messages.success(request, _("%s is saved.") % found.name)
        return redirect("settings_account", found.pk)
    context = {
        "account": Account.objects.select_related("budget").get(pk=found.pk),
        "form": form,
        "budget": accounts.budget_view(found),
        "exception_url": accounts.exception_url(found),
        "no_url": accounts.why_no_url(),
        "key_trouble": accounts.key_trouble(found),
        "warning": accounts.public_url_warning(found),
        "drift": DriftNotice.objects.visible_to(request.actor).filter(account=found).order_by("-last_seen_at")[:50],
        "now": clock.now(),
    }
    return render(request, "fleet/settings_account.html", context)


def _initial(found: Account) -> dict[str, Any]:
    names = ("name", "base_url", "environment", "stations_per_call")
    return {name: getattr(found, name) for name in names} | {"request_limit": found.budget.request_limit}


def _change(request: ActorRequest, found: Account, cleaned: dict[str, Any]) -> None:
    """All of it or nothing."""
    with transaction.atomic():
        accounts.change(
            actor=request.actor,
            account=found,
            name=cleaned["name"],
            base_url=cleaned["base_url"],
            environment=cleaned["environment"],
            stations_per_call=cleaned["stations_per_call"],
            now=clock.now(),
        )
        if cleaned["api_key"]:
            accounts.rotate_key(actor=request.actor, account=found, api_key=cleaned["api_key"], now=clock.now())
        if cleaned["request_limit"] != found.budget.request_limit:
            limit = cleaned["request_limit"]
            accounts.change_limit(actor=request.actor, account=found, request_limit=limit, now=clock.now())


@require(Permission.MANAGE_ACCOUNTS)
def settings_account_test(request: ActorRequest, pk: int) -> HttpResponse:
    """Costs one request of the budget, so it is a POST."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    found = get_object_or_404(Account.objects.visible_to(request.actor).select_related("budget"), pk=pk)
    tested = accounts.test_connection(found, clock.now())
    (messages.success if tested.ok else messages.error)(request, tested.message)
    return redirect("settings_account", found.pk)
