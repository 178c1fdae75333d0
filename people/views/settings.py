"""The overview of settings: where each is, and the person's own preferences."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from people.access import ActorRequest, require
from people.models import Membership
from people.roles import Permission

# (url name, permission, icon, title, what is there)
PLACES = (
    ("settings_people", Permission.MANAGE_PEOPLE, "users", _("People"), _("Members, their roles, invitations")),
    ("settings_keys", Permission.MANAGE_KEYS, "key-round", _("API keys"), _("Keys for programs that use the API")),
    (
        "settings_accounts",
        Permission.MANAGE_ACCOUNTS,
        "plug",
        _("Eevion accounts"),
        _("Connection, API key, request budget, webhooks"),
    ),
    (
        "settings_messages",
        Permission.MANAGE_ACCOUNTS,
        "mail-warning",
        _("Webhook messages"),
        _("What arrived and could not be understood"),
    ),
    ("settings_audit", Permission.MANAGE_FLEET, "scroll-text", _("Audit trail"), _("Who did what, and when")),
)


@require(Permission.VIEW)
def settings(request: ActorRequest) -> HttpResponse:
    places = [
        {"href": href, "icon": icon, "title": title, "text": text}
        for name, permission, icon, title, text in PLACES
        if request.actor.can(permission) and (href := _href(name))
    ]
    mine = Membership.objects.filter(user_id=request.actor.user_id).select_related("organisation", "user")
    memberships = list(mine.order_by("organisation__name"))
    return render(request, "people/settings.html", {"places": places, "memberships": memberships})


def _href(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:  # a place that this installation does not have is not offered
        return ""
