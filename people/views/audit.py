"""Settings, audit trail: the latest first, older ones by cursor."""

from django.http import HttpResponse
from django.shortcuts import render

from people.access import ActorRequest, require
from people.models import AuditEntry
from people.roles import Permission

PAGE = 100


@require(Permission.MANAGE_FLEET)
def settings_audit(request: ActorRequest) -> HttpResponse:
    entries = AuditEntry.objects.visible_to(request.actor).order_by("-id")
    after = request.GET.get("after", "")
    if after.isascii() and after.isdigit() and len(after) < 18:
        entries = entries.filter(pk__lt=int(after))
    rows = list(entries[: PAGE + 1])
    cursor = str(rows[PAGE - 1].pk) if len(rows) > PAGE else ""
    return render(request, "people/settings_audit.html", {"entries": rows[:PAGE], "after": cursor})
