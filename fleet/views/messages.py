"""Settings, webhook messages that failed: what came, why it could not be digested, and trying again."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import hooks
from fleet.models import RawMessage
from lib import paging
from people.access import ActorRequest, require
from people.roles import Permission

PAGE = 50
SHOWN_BYTES = 2000


@require(Permission.MANAGE_ACCOUNTS)
def settings_messages(request: ActorRequest) -> HttpResponse:
    """POST `message` tries one again."""
    mine = RawMessage.objects.visible_to(request.actor).filter(digested_at=None)
    if request.method == "POST":
        pk = request.POST.get("message", "")
        hooks.retry(get_object_or_404(mine, pk=int(pk) if pk.isdecimal() and len(pk) < 18 else 0))
        messages.success(request, _("It is tried again within seconds."))
        return redirect("settings_messages")
    failed = mine.filter(attempts__gt=0).select_related("token__account")
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    page = paging.newest_first(failed, before=before, after=after, size=PAGE)
    context = {"rows": [_row(row) for row in page.rows], "page": page}
    return render(request, "fleet/settings_messages.html", context)


def _row(message: RawMessage) -> dict[str, Any]:
    """The beginning of the body as text; bytes that are none are shown as such."""
    body = bytes(message.body)
    text = body[:SHOWN_BYTES].decode("utf-8", errors="backslashreplace").replace("\0", "\\x00")
    return {"message": message, "text": text, "bytes": len(body), "cut": len(body) > SHOWN_BYTES or message.truncated}
