"""A tariff: the vendor's fee structure by its id, with the prices we estimate by. The vendor's own figure is final."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.account import Account
from fleet.models.scope import owned
from people.actor import Actor
from people.models import Organisation

PRICE: dict[str, Any] = {"max_digits": 10, "decimal_places": 4, "default": Decimal(0)}


class TariffQuerySet(models.QuerySet["Tariff"]):
    def visible_to(self, actor: Actor) -> "TariffQuerySet":
        return self.filter(owned(actor))


class Tariff(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="tariffs")
    account = models.ForeignKey(Account, models.PROTECT, related_name="tariffs")
    fee_id = models.CharField(_("fee id"), max_length=100, help_text=_("As the vendor's Fees page spells it"))
    name = models.CharField(_("name"), max_length=120)
    currency = models.CharField(_("currency"), max_length=3, default="CAD")
    price_per_kwh = models.DecimalField(_("price per kWh"), **PRICE)
    price_per_minute = models.DecimalField(_("price per minute"), **PRICE)
    price_per_start = models.DecimalField(_("price per start"), **PRICE)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[TariffQuerySet] = TariffQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=["account", "fee_id"], name="tariff_fee_id_once"),
            models.CheckConstraint(name="tariff_currency_iso", condition=models.Q(currency__regex="^[A-Z]{3}$")),
            models.CheckConstraint(
                name="tariff_prices_not_negative",
                condition=models.Q(price_per_kwh__gte=0, price_per_minute__gte=0, price_per_start__gte=0),
            ),
        )

    def __str__(self) -> str:
        return self.name
