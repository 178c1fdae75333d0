"""Settings, audit trail: the latest first, in words, both ways by cursor."""

from django.http import HttpResponse
from django.shortcuts import render

from lib import paging
from people import audit_words
from people.access import ActorRequest, require
from people.models import AuditEntry
from people.roles import Permission

PAGE = 50


@require(Permission.MANAGE_FLEET)
def settings_audit(request: ActorRequest) -> HttpResponse:
    page = paging.newest_first(
        AuditEntry.objects.visible_to(request.actor),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
        size=PAGE,
    )
    return render(
        request, "people/settings_audit.html", {"page": page, "lines": [audit_words.line(row) for row in page.rows]}
    )
