"""A site: a place where charging stations stand (OCPI Location)."""

from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.scope import at_sites
from people.actor import Actor
from people.models import Organisation

NO_PLACES = frozenset({"localtime", "Factory"})  # names without a meaning of their own, or unknown to PostgreSQL


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """Every IANA zone this machine knows, sorted."""
    return tuple(sorted(available_timezones() - NO_PLACES))


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, actor: Actor) -> "SiteQuerySet":
        return self.filter(at_sites(actor, "id"))


class Site(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="sites")
    name = models.CharField(_("name"), max_length=120)
    timezone = models.CharField(_("time zone"), max_length=64, help_text=_("IANA name, for example America/Toronto"))
    currency = models.CharField(_("currency"), max_length=3, default="CAD", help_text=_("ISO 4217"))
    address = models.CharField(_("address"), max_length=200, blank=True)
    latitude = models.DecimalField(_("latitude"), max_digits=8, decimal_places=5, null=True, blank=True)
    longitude = models.DecimalField(_("longitude"), max_digits=8, decimal_places=5, null=True, blank=True)
    grid_limit_kw = models.DecimalField(_("grid limit, kW"), max_digits=9, decimal_places=1, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[SiteQuerySet] = SiteQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=["organisation", "name"], name="site_name_once"),
            models.CheckConstraint(name="site_currency_iso", condition=models.Q(currency__regex="^[A-Z]{3}$")),
            models.CheckConstraint(
                name="site_latitude_on_earth",
                condition=models.Q(latitude=None) | models.Q(latitude__gte=-90, latitude__lte=90),
            ),
            models.CheckConstraint(
                name="site_longitude_on_earth",
                condition=models.Q(longitude=None) | models.Q(longitude__gte=-180, longitude__lte=180),
            ),
            models.CheckConstraint(
                name="site_grid_limit_positive", condition=models.Q(grid_limit_kw=None) | models.Q(grid_limit_kw__gt=0)
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Days, pages and reports of the site hang on its zone: one that is none is refused by every form."""
        if self.timezone and self.timezone not in zones():
            words = _("There is no time zone “%(zone)s”. Write it like America/Toronto.") % {"zone": self.timezone}
            raise ValidationError({"timezone": words})

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
