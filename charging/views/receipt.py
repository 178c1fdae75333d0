"""A session's receipt for members, the link that a driver gets, and what the driver sees through it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from charging import receipt_links, receipt_mail, receipt_pdf, tasks
from charging.models import ReceiptLink, Session
from charging.receipts import Receipt
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission

# A link takes figures out of the house, as a CSV does, and accountants are who drivers ask for it: so not
# CONTROL_SESSIONS, which they lack.
SHARE = Permission.EXPORT
# The policy of pages forbids what the browser's own viewer is made of.
PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"
View = Callable[..., HttpResponse]


class MailForm(forms.Form):
    address = forms.EmailField(label=gettext_lazy("Driver's e-mail"), max_length=254)


@require_safe
@require(Permission.VIEW)
def session_receipt(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, _session(request, public_id))


@require_safe
@require(Permission.VIEW)
def session_receipt_pdf(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _pdf(receipt_links.receipt(_session(request, public_id)))


@require_safe
@require(Permission.VIEW)
def session_receipt_part(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What other pages load: the state of the link, and what may be done with it."""
    return render(request, "charging/_session_receipt.html", _context(request, _session(request, public_id)))


@require_POST
@require(SHARE)
def session_receipt_link(request: HttpRequest, public_id: UUID) -> HttpResponse:
    found = _session(request, public_id)
    receipt_links.create(actor=_actor(request), session=found, now=clock.now())
    return _done(request, found)


@require_POST
@require(SHARE)
def session_receipt_mail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send the working link, or make one for it."""
    found, form = _session(request, public_id), MailForm(request.POST)
    if not form.is_valid():
        return _done(request, found, form)
    link = receipt_links.create(actor=_actor(request), session=found, now=clock.now())
    try:
        receipt_mail.request(actor=_actor(request), link=link, address=form.cleaned_data["address"], now=clock.now())
    except receipt_mail.Unsendable as error:
        form.add_error("address", str(error))
        return _done(request, found, form)
    tasks.nudge(tasks.mail_receipt, link.pk)
    return _done(request, found)


@require_http_methods(["GET", "HEAD", "POST"])
@require(SHARE)
def session_receipt_revoke(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """GET asks, POST does."""
    found = _session(request, public_id)
    if request.method != "POST":
        context = {"session": found, "title": _("Revoke the driver's link?"), "cancel_url": _href(found)}
        return render(request, "charging/receipt_revoke.html", context)
    receipt_links.revoke(actor=_actor(request), session=found, now=clock.now())
    messages.success(request, _("The link does not work any more."))
    return redirect(_href(found))


# --- what the driver sees ---------------------------------------------------------------------------------------------
def _kept_private(view: View) -> View:
    """Not found by search engines, not kept by caches, not named to any page that is visited next."""

    @wraps(view)
    def private(request: HttpRequest, token: str) -> HttpResponse:
        answer = view(request, token)
        answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    return never_cache(private)


@require_safe
@_kept_private
def receipt(request: HttpRequest, token: str) -> HttpResponse:
    """No sign-in and no way further. An unknown, a revoked and a mistyped link are all the same page with 404."""
    link = _opened(request, token)
    if link is None:
        return _gone(request)
    context = {"receipt": receipt_links.receipt(link.session), "pdf_url": reverse("receipt_pdf", args=[token])}
    return render(request, "charging/receipt_driver.html", context)


@require_safe
@_kept_private
def receipt_pdf_file(request: HttpRequest, token: str) -> HttpResponse:
    link = _opened(request, token)
    return _gone(request) if link is None else _pdf(receipt_links.receipt(link.session))


def _opened(request: HttpRequest, token: str) -> ReceiptLink | None:
    """Members who look at their own link are not the driver, and neither is a program that only asks for the head."""
    link = receipt_links.find(token)
    actor: Actor | None = getattr(request, "actor", None)
    is_own = link is not None and actor is not None and actor.organisation_id == link.session.organisation_id
    if link is not None and request.method == "GET" and not is_own:
        receipt_links.note_opened(link, clock.now())
    return link


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "charging/receipt_gone.html", status=404)


# --- parts ------------------------------------------------------------------------------------------------------------
def _page(request: HttpRequest, found: Session, form: MailForm | None = None) -> HttpResponse:
    return render(request, "charging/receipt.html", _context(request, found, form))


def _done(request: HttpRequest, found: Session, form: MailForm | None = None) -> HttpResponse:
    """The part alone for a script; else the page, which also shows what is wrong with a form."""
    if request.headers.get("HX-Request"):
        return render(request, "charging/_session_receipt.html", _context(request, found, form))
    return _page(request, found, form) if form is not None else redirect(_href(found))


def _context(request: HttpRequest, found: Session, form: MailForm | None = None) -> dict[str, Any]:
    link, may_share = receipt_links.latest(found), _actor(request).can(SHARE)
    active = link is not None and link.revoked_at is None
    mail = receipt_mail.state(link, found) if link is not None and active else ""
    url = _url(request, link) if link is not None and active else ""
    return {
        "session": found,
        "receipt": receipt_links.receipt(found),
        "link": link,
        "active": active,
        "url": url,
        "mail": mail,
        "form": form or MailForm(initial={"address": link.emailed_to if link else ""}),
        "may_share": may_share,
        "public_url": settings.PUBLIC_URL,
        "may_mail": bool(may_share and settings.PUBLIC_URL and mail != "sending" and (url or not active)),
    }


def _url(request: HttpRequest, link: ReceiptLink) -> str:
    """Where a driver reaches us: PUBLIC_URL, or where this person does."""
    path = receipt_links.path(link)
    return path and (settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path))


def _pdf(said: Receipt) -> HttpResponse:
    answer = HttpResponse(receipt_pdf.draw(said), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="receipt-{said.number}.pdf"'
    answer["Content-Security-Policy"] = PDF_POLICY
    return answer


def _session(request: HttpRequest, public_id: UUID) -> Session:
    mine = Session.objects.visible_to(_actor(request)).select_related(*receipt_links.RELATED)
    return get_object_or_404(mine, public_id=public_id)


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined, no-any-return]


def _href(found: Session) -> str:
    return reverse("session_receipt", args=[found.public_id])
