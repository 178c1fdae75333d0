"""Eevion accounts: made, given another key, tried out, and the state of their request budget.

Requests are made in fleet/gateway.py; what the pages show of it lives in fleet/views.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from fleet import budget, gateway, hooks
from fleet.models import Account, HookToken, RequestBudget
from fleet.models.message import HookKind
from people import audit
from people.actor import Actor
from people.models import Organisation

ROTATION_OVERLAP = timedelta(days=7)  # the old exception URL still works until the operator has pasted the new one
TEST_PATIENCE_S = 5.0
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain"})


class Fixed(Exception):
    """An account with stations keeps its base URL and environment: they say which stations those are."""


@dataclass(frozen=True)
class BudgetView:
    """A budget at one moment. Used means: in flight, or its window has not passed yet. All in wall time."""

    limit: int
    window_s: float
    free: int
    used: int
    frozen_until: datetime | None
    frozen_why: str
    shared_with: int  # other accounts with the same key


@dataclass(frozen=True)
class Tested:
    """What a test of the connection found out; the message is for people."""

    ok: bool
    message: str


def create(
    *,
    actor: Actor | None,
    organisation: Organisation,
    name: str,
    base_url: str,
    environment: str,
    api_key: str,
    request_limit: int = budget.DEFAULT_LIMIT,
    window_s: float = budget.DEFAULT_WINDOW_S,
    stations_per_call: int = 1,
    now: datetime,
) -> Account:
    """An account with its budget and its exception URL. `actor` is None for the demo and for management commands."""
    base_url = base_url.rstrip("/")
    with transaction.atomic():
        account = Account.objects.create(
            organisation=organisation,
            name=name,
            base_url=base_url,
            environment=environment,
            api_key=api_key,
            budget=budget.budget_for(
                base_url=base_url, api_key=api_key, request_limit=request_limit, window_s=window_s
            ),
            stations_per_call=stations_per_call,
        )
        hooks.mint(account=account, kind=HookKind.EXCEPTION, now=now, keep=True)
        if actor:
            audit.record(actor=actor, verb="account.added", subject=name, now=now, base_url=base_url)
    return account


def change(
    *,
    actor: Actor,
    account: Account,
    name: str,
    base_url: str,
    environment: str,
    stations_per_call: int,
    now: datetime,
) -> Account:
    """The account's facts. Base URL and environment stay as they are once it has stations: raises Fixed."""
    base_url = base_url.rstrip("/")
    moved = (base_url, environment) != (account.base_url, account.environment)
    with transaction.atomic():
        if moved and account.stations.exists():
            raise Fixed
        if base_url != account.base_url:
            account.budget = budget.same_key(account.budget, base_url=base_url)
        account.name, account.base_url, account.environment = name, base_url, environment
        account.stations_per_call = stations_per_call
        account.save(update_fields=["name", "base_url", "environment", "stations_per_call", "budget"])
        audit.record(actor=actor, verb="account.changed", subject=name, now=now)
    return account


def rotate_key(*, actor: Actor | None, account: Account, api_key: str, now: datetime) -> Account:
    """Another key from the next call on, with a budget of its own: the vendor counts by key."""
    old = account.budget
    with transaction.atomic():
        account.api_key = api_key
        account.budget = budget.budget_for(
            base_url=account.base_url, api_key=api_key, request_limit=old.request_limit, window_s=old.window_s
        )
        account.key_refused_at = None
        account.save(update_fields=["api_key", "budget", "key_refused_at"])
        if actor:
            audit.record(actor=actor, verb="account.key_changed", subject=account.name, now=now)
    return account


def change_limit(*, actor: Actor | None, account: Account, request_limit: int, now: datetime) -> RequestBudget:
    """What the vendor allows this key; it holds for every account with the key."""
    with transaction.atomic():
        changed = budget.same_key(account.budget, request_limit=request_limit)
        if actor:
            audit.record(
                actor=actor, verb="account.limit_changed", subject=account.name, now=now, request_limit=request_limit
            )
    return changed


def test_connection(account: Account, now: datetime) -> Tested:
    """Ask for the exceptions of the last minute: one request, and it changes nothing."""
    try:
        gateway.call(
            account=account,
            lane=gateway.Lane.PEOPLE,
            why="test the connection",
            endpoint="exceptions",
            request=lambda client: client.list_exceptions(since=now - timedelta(minutes=1)),
            patience_s=TEST_PATIENCE_S,
        )
    except gateway.Frozen as error:
        return Tested(False, _("The key has spent its requests: try again in %d s.") % (error.wait_s + 1))
    except gateway.NoSlot as error:
        return Tested(False, _("No request is free right now: try again in %d s.") % (error.wait_s + 1))
    except eevion.EevionError as error:
        return Tested(False, _words(error))
    return Tested(True, _("The vendor answered and took the key."))


def exception_urls(accounts: Iterable[Account]) -> dict[int, str]:
    """Per account the URL to paste into the vendor's portal; empty when PUBLIC_URL is not set. One query for all."""
    ids = [account.pk for account in accounts]
    rows = HookToken.objects.filter(account__in=ids, kind=HookKind.EXCEPTION, ends_at=None).order_by("pk")
    newest = {row.account_id: hooks.url(kind=HookKind.EXCEPTION, token=row.token) or "" for row in rows if row.token}
    return {pk: newest.get(pk, "") for pk in ids}


def exception_url(account: Account) -> str:
    """The same of one account."""
    return exception_urls([account])[account.pk]


def why_no_url() -> str:
    """Said where there is no exception URL to show."""
    if settings.PUBLIC_URL:
        return _(
            "The URL cannot be shown any more: ENCRYPTION_KEYS no longer holds the key that encrypted it. It still "
            "works where it is pasted; make a new one to see it."
        )
    return _("There is no URL while PUBLIC_URL is not set. Exceptions are read instead.")


def rotate_exception_token(*, actor: Actor | None, account: Account, now: datetime) -> str:
    """A new exception URL; the old ones work for ROTATION_OVERLAP more."""
    with transaction.atomic():
        old = HookToken.objects.filter(account=account, kind=HookKind.EXCEPTION, ends_at=None)
        old.update(ends_at=now + ROTATION_OVERLAP)
        hooks.mint(account=account, kind=HookKind.EXCEPTION, now=now, keep=True)
        if actor:
            audit.record(actor=actor, verb="account.exception_url_changed", subject=account.name, now=now)
    return exception_url(account)


def public_url_warning(account: Account) -> str:
    """Why the vendor cannot send us webhooks; empty when it can, or when the vendor runs on this machine too."""
    public = urlsplit(settings.PUBLIC_URL)
    if not settings.PUBLIC_URL:
        return _("PUBLIC_URL is not set: the vendor cannot send webhooks. Everything works by reading, only later.")
    if _is_loopback(urlsplit(account.base_url).hostname):
        return ""
    if _is_loopback(public.hostname):
        return _("PUBLIC_URL is an address of this machine: the vendor cannot reach it. Set the address seen outside.")
    if public.scheme != "https":
        return _("PUBLIC_URL is not https: webhooks would cross the network readable. Put TLS before this server.")
    return ""


def key_trouble(account: Account) -> str:
    """Why no call can be made with the account's key, and what to do; empty when there is nothing wrong with it."""
    if account.key_unreadable:
        return gateway.KeyUnreadable().message
    if account.key_refused_at:
        return _(
            "The vendor refused this API key. Write a new one in the account's settings, then test the connection."
        )
    return ""


def budget_view(account: Account) -> BudgetView:
    """The budget as it stands now."""
    found = RequestBudget.objects.annotate(
        free=Count("slots", filter=Q(slots__free_at__lte=Now())),
        is_frozen=Q(frozen_until__gt=Now()),
    ).get(pk=account.budget_id)
    return BudgetView(
        limit=found.request_limit,
        window_s=found.window_s,
        free=found.free,
        used=found.request_limit - found.free,
        frozen_until=found.frozen_until if found.is_frozen else None,
        frozen_why=found.frozen_why if found.is_frozen else "",
        shared_with=Account.objects.filter(budget_id=account.budget_id).exclude(pk=account.pk).count(),
    )


def _words(error: eevion.EevionError) -> str:
    if isinstance(error, gateway.KeyUnreadable):
        return error.message
    if isinstance(error, eevion.Rejected) and error.is_auth:
        return _("The vendor refused the key: check the API key and the environment.")
    if isinstance(error, eevion.NotSent):
        return _("The vendor cannot be reached: check the base URL. (%s)") % error.message
    if isinstance(error, eevion.RateLimited):
        return _("The vendor says that this key has spent its requests: somebody else uses it. Try again in a minute.")
    return _("The vendor answered with something else than expected: check the base URL. (%s)") % error.message


def _is_loopback(host: str | None) -> bool:
    if host is None or host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
