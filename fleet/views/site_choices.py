"""A fragment for the settings of people: the organisation's sites to tick, so that people need not know of sites."""

from django.http import HttpResponse
from django.shortcuts import render

from fleet.models import Site
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.MANAGE_PEOPLE)
def site_choices(request: ActorRequest) -> HttpResponse:
    """`chosen`: ids separated by commas."""
    chosen = set(request.GET.get("chosen", "").split(","))
    rows = Site.objects.visible_to(request.actor)
    choices = [(row, str(row.pk) in chosen) for row in rows]
    return render(request, "fleet/_site_choices.html", {"choices": choices})
