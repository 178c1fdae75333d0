"""The one rule of who sees what in the fleet: the actor's organisation, and within it the actor's sites."""

from django.db.models import Q

from people.actor import Actor


def owned(actor: Actor) -> Q:
    """For rows with an organisation only."""
    return Q(organisation_id=actor.organisation_id)


def at_sites(actor: Actor, site: str = "site_id") -> Q:
    """For rows with an organisation that stand at a site; `site` is the lookup of the site's id."""
    mine = owned(actor)
    return mine if actor.site_ids is None else mine & Q(**{f"{site}__in": sorted(actor.site_ids)})
