"""The forms of the fleet pages. Foreign keys offer only what the actor sees; what is written, the domain decides."""

from fleet.forms.account import AccountForm
from fleet.forms.command import CommandForm
from fleet.forms.command_schedule import CommandScheduleForm
from fleet.forms.site import SiteForm
from fleet.forms.station import StationForm, StationImportForm
from fleet.forms.tariff import TariffForm

__all__ = [
    "AccountForm",
    "CommandForm",
    "CommandScheduleForm",
    "SiteForm",
    "StationForm",
    "StationImportForm",
    "TariffForm",
]
