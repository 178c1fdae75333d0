"""The page behind an invitation's link: a new person makes an account, somebody with an account joins."""

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from lib import clock
from people import forms, invitations
from people.middleware import ORGANISATION
from people.models import Invitation, Membership, User

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """An unknown, used, revoked or expired link: the same page with 404."""
    row = invitations.find(token, clock.now())
    if row is None:
        return render(request, "people/invitation_gone.html", status=404)
    try:
        return _answer(request, row, token)
    except invitations.NotOpen:  # a second click, or a withdrawal, was faster
        return render(request, "people/invitation_gone.html", status=404)


def _answer(request: HttpRequest, row: Invitation, token: str) -> HttpResponse:
    if request.user.is_authenticated:
        return _join_signed_in(request, row, token)
    if User.objects.filter(email=row.email).exists():
        return render(request, "people/invitation.html", {"invitation": row, "mode": "sign_in"})
    return _join_new(request, row, token)


def _join_signed_in(request: HttpRequest, row: Invitation, token: str) -> HttpResponse:
    assert isinstance(request.user, User)  # noqa: S101 - for the type checker; the caller asked
    if request.user.email != row.email:
        return render(request, "people/invitation.html", {"invitation": row, "mode": "other"})
    if request.method != "POST":
        return render(request, "people/invitation.html", {"invitation": row, "mode": "join"})
    return _welcome(request, invitations.accept(token=token, user=request.user, now=clock.now()))


def _join_new(request: HttpRequest, row: Invitation, token: str) -> HttpResponse:
    form = forms.Join(request.POST or None, email=row.email)
    if request.method == "POST" and form.is_valid():
        membership = invitations.accept_as_new(
            token=token, name=form.cleaned_data["name"], password=form.cleaned_data["password"], now=clock.now()
        )
        login(request, membership.user, backend=BACKEND)
        return _welcome(request, membership)
    return render(request, "people/invitation.html", {"invitation": row, "mode": "new", "form": form})


def _welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    request.session[ORGANISATION] = membership.organisation_id
    return redirect("/")
