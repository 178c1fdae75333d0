"""Settings, people: members and invitations of the organisation."""

from django.conf import settings
from django.contrib import messages
from django.core.mail import send_mail
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lib import clock
from people import forms, invitations, members
from people.access import ActorRequest, organisation_of, require
from people.models import Invitation, Membership
from people.roles import Permission, Role


@require(Permission.MANAGE_PEOPLE)
def settings_people(request: ActorRequest) -> HttpResponse:
    form = forms.Invite(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        link = _invite(request, form)
        if link:
            form = forms.Invite()
    return render(request, "people/settings_people.html", _context(request, form) | {"link": link})


def _context(request: ActorRequest, form: forms.Invite) -> dict[str, object]:
    everybody = Membership.objects.visible_to(request.actor).select_related("user")
    open_ones = Invitation.objects.visible_to(request.actor).filter(accepted_at=None, revoked_at=None)
    return {
        "form": form,
        "members": list(everybody.order_by("user__name", "user__email")),
        "invitations": list(open_ones.select_related("invited_by").order_by("-created_at")),
        "now": clock.now(),
        "site_choices": site_choices(),
    }


def _invite(request: ActorRequest, form: forms.Invite) -> str:
    """The link, shown once and sent; empty when refused."""
    try:
        row, token = invitations.create(
            actor=request.actor,
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
            site_ids=form.site_ids,
            now=clock.now(),
        )
    except invitations.AlreadyMember:
        form.add_error("email", _("This person is a member already: change the role in the list."))
        return ""
    link = request.build_absolute_uri(reverse("invitation", args=[token]))
    if _sent(request, row, link):
        messages.success(request, _("The invitation was sent to %(email)s.") % {"email": row.email})
    else:
        messages.warning(request, _("The mail could not be sent: pass the link below on yourself."))
    return link


def _sent(request: ActorRequest, row: Invitation, link: str) -> bool:
    organisation = organisation_of(request.actor)
    text = render_to_string(
        "people/invitation.txt", {"link": link, "invitation": row, "who": request.actor.label, "to": organisation}
    )
    subject = _("You are invited to %(organisation)s") % {"organisation": " ".join(organisation.name.split())}
    try:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [row.email])
    except OSError:  # smtplib's errors are OSErrors too
        return False
    return True


@require(Permission.MANAGE_PEOPLE)
def settings_member(request: ActorRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Membership.objects.visible_to(request.actor).select_related("user"), pk=pk)
    numbers = ", ".join(map(str, row.site_ids or []))
    form = forms.Member(
        request.POST or None, initial={"role": row.role, "limited": row.site_ids is not None, "sites": numbers}
    )
    if request.method == "POST" and form.is_valid() and _changed(request, row, form):
        messages.success(request, _("%(name)s was changed.") % {"name": row.user})
        return redirect("settings_people")
    context = {"member": row, "form": form, "site_choices": site_choices()}
    return render(request, "people/settings_member.html", context)


def _changed(request: ActorRequest, row: Membership, form: forms.Member) -> bool:
    role = Role(form.cleaned_data["role"])
    try:
        members.change(actor=request.actor, membership=row, role=role, site_ids=form.site_ids, now=clock.now())
    except members.LastOwner as refused:
        form.add_error("role", forms.last_owner(refused))
        return False
    return True


@require(Permission.MANAGE_PEOPLE)
def settings_member_remove(request: ActorRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Membership.objects.visible_to(request.actor).select_related("user"), pk=pk)
    if request.method != "POST":
        title = _("Remove %(name)s?") % {"name": row.user}
        context = {"title": title, "cancel_url": reverse("settings_people"), "member": row}
        return render(request, "people/settings_member_remove.html", context)
    try:
        name = members.remove(actor=request.actor, membership=row, now=clock.now())
    except members.LastOwner as refused:
        messages.error(request, forms.last_owner(refused))
    else:
        messages.success(request, _("%(name)s was removed.") % {"name": name})
    return redirect("settings_people")


@require(Permission.MANAGE_PEOPLE)
@require_POST
def invitation_revoke(request: ActorRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Invitation.objects.visible_to(request.actor), pk=pk)
    invitations.revoke(actor=request.actor, invitation=row, now=clock.now())
    messages.success(request, _("The invitation of %(email)s no longer works.") % {"email": row.email})
    return redirect("settings_people")


def site_choices() -> str:
    """The address of fleet's list of sites to tick; this app knows no site."""
    try:
        return reverse("site_choices")
    except NoReverseMatch:
        return ""
