"""Small choices of one person: theme, single-key shortcuts, the organisation in view. Each is a form's POST."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from people.access import ActorRequest, require
from people.middleware import ORGANISATION
from people.models import Membership
from people.roles import Permission

CHOICES = {"theme": ("auto", "light", "dark"), "keys": ("on", "off")}
COOKIE_AGE_S = 365 * 24 * 3600


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Also for people who are signed out: the sign-in page has a theme too. Unknown values change nothing."""
    response = back(request)
    for name, allowed in CHOICES.items():
        value = request.POST.get(name, "")
        if value in allowed:
            response.set_cookie(
                name, value, max_age=COOKIE_AGE_S, samesite="Lax", secure=bool(settings.SESSION_COOKIE_SECURE)
            )
    return response


@require(Permission.VIEW)
@require_POST
def organisation_switch(request: ActorRequest) -> HttpResponse:
    wanted = request.POST.get("organisation", "")
    mine = Membership.objects.filter(user_id=request.actor.user_id)
    if not wanted.isdigit() or not mine.filter(organisation_id=int(wanted)).exists():
        raise Http404
    request.session[ORGANISATION] = int(wanted)
    return HttpResponseRedirect("/")  # the page in view may not exist over there


def back(request: HttpRequest) -> HttpResponseRedirect:
    """To the page the form came from, never to another host."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if safe else "/")
