"""The form of a site."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import sites
from fleet.forms import wording
from fleet.models import Site

ZONE_LIST = "zones"  # the datalist of the site's page


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Site
        fields = ("name", "timezone", "currency", "address", "latitude", "longitude", "grid_limit_kw")
        labels: ClassVar = {"grid_limit_kw": gettext_lazy("Grid limit")}
        help_texts: ClassVar = {
            "timezone": gettext_lazy("Whose days its sessions count by, as America/Toronto"),
            "currency": gettext_lazy("Three letters, for example CAD"),
            "grid_limit_kw": gettext_lazy("What the site may draw at most; empty where there is no limit"),
        }
        widgets: ClassVar = {
            "timezone": forms.TextInput(
                attrs={"list": ZONE_LIST, "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
            ),
            "currency": forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wording.speak(self)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = Site.objects.filter(organisation_id=self.instance.organisation_id, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another site has this name. Choose a name that tells them apart."))
        return name

    def clean_timezone(self) -> str:
        zone = str(self.cleaned_data["timezone"]).strip()
        if zone not in sites.zones():
            raise forms.ValidationError(_("There is no time zone “%s”. Write it like America/Toronto.") % zone)
        return zone

    def clean_currency(self) -> str:
        return wording.currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, most in (("latitude", 90), ("longitude", 180)):
            if cleaned.get(name) is not None and abs(cleaned[name]) > most:
                self.add_error(name, _("Write a number from -%(most)d to %(most)d.") % {"most": most})
        if cleaned.get("grid_limit_kw") is not None and cleaned["grid_limit_kw"] <= 0:
            self.add_error("grid_limit_kw", _("A limit is more than 0; leave it empty where there is none."))
        return cleaned
