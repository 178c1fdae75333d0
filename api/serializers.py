"""What the API says and hears. Field names are promises; Decimals are strings, money stands beside its currency."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from charging import rule_forms
from charging.models.session import Origin, State, StopState
from charging.models.stop_rule import RuleKind
from charging.rule_states import Standing
from fleet import connector_state
from fleet.models.command import ItemState
from fleet.models.command import Origin as CommandOrigin
from fleet.models.station import CommandKind, Lifecycle

Data = dict[str, Any]
SESSION_STATES = [str(state) for state in State]  # the schema names these by SPECTACULAR_SETTINGS
RULE_KINDS = [str(kind) for kind in RuleKind]
RULE_STATES = [str(state) for state in Standing]
SESSION_ORIGINS = Origin.values
COMMAND_ORIGINS = CommandOrigin.values

AMOUNT = (
    "energy: kWh. money: in the site's currency. minutes: since energy began. low_power: the kW that power stays "
    "below. Other kinds have none."
)
FOR_MINUTES = "low_power and idle: for so many minutes. Other kinds have none."
AT_TIME = "clock: HH:MM by the site's clock, the next time that it shows it. Other kinds have none."
RULE_STATE = (
    "suspected: met by estimate, and a reading is asked for. fired: it asked for the stop. not_reached: the session "
    "ended before."
)
STOP_RULES = (
    "Without it, or with null, the defaults of the station and its site hold. With a list these rules hold and no "
    "other, at most one of a kind; with an empty list, none."
)


def one_of(words: Iterable[str], **options: Any) -> serializers.CharField:
    """A text that the schema lists the words of."""
    kind = type("Word", (serializers.CharField,), {})
    field: serializers.CharField = extend_schema_field({"type": "string", "enum": [str(word) for word in words]})(kind)(
        **options
    )
    return field


class Site(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    timezone = serializers.CharField()
    currency = serializers.CharField()
    address = serializers.CharField()
    latitude = serializers.DecimalField(8, 5, allow_null=True)
    longitude = serializers.DecimalField(8, 5, allow_null=True)
    grid_limit_kw = serializers.DecimalField(9, 1, allow_null=True)


class ConnectorState(serializers.Serializer[Any]):
    """`state` is derived: the vendor reports none, so silence is `no_news`."""

    number = serializers.IntegerField()
    state = one_of(connector_state.State)
    detail = serializers.CharField()
    source = one_of(connector_state.Source.values)  # type: ignore[assignment]  # a field's own attribute is named so, too
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)


class StationTariff(serializers.Serializer[Any]):
    fee_id = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    price_per_kwh = serializers.DecimalField(10, 4)
    price_per_minute = serializers.DecimalField(10, 4)
    price_per_start = serializers.DecimalField(10, 4)


class Station(serializers.Serializer[Any]):
    """`station` is the vendor's id; `connectors` come as the context's `states`, by station."""

    id = serializers.IntegerField()
    station = serializers.CharField(source="vendor_id")
    name = serializers.CharField()
    site = serializers.IntegerField(source="site_id")
    level = serializers.IntegerField()
    rated_kw = serializers.DecimalField(7, 2, allow_null=True)
    lifecycle = one_of(Lifecycle.values)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    tariff = StationTariff(allow_null=True)
    connectors = ConnectorState(many=True, source="connector_states")


class Session(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    state = one_of(SESSION_STATES)
    status_reason = serializers.CharField()
    site = serializers.IntegerField(source="site_id")
    station = serializers.CharField(source="station.vendor_id")
    station_id = serializers.IntegerField()
    connector = serializers.IntegerField(source="connector.number", allow_null=True, default=None)
    reference = serializers.CharField()
    origin = one_of(SESSION_ORIGINS)
    error = serializers.CharField()
    energy_kwh = serializers.DecimalField(12, 3, allow_null=True)
    power_kw = serializers.DecimalField(9, 3, allow_null=True)
    duration_s = serializers.IntegerField(allow_null=True)
    cost = serializers.DecimalField(14, 4, allow_null=True)
    currency = serializers.CharField()
    end_reason = serializers.CharField()
    requested_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    charging_ended_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    final_at = serializers.DateTimeField(allow_null=True)
    stop_state = one_of(StopState.values)
    stop_error = serializers.CharField()


class StopRule(serializers.Serializer[Any]):
    kind = one_of(RULE_KINDS, source="row.kind")
    amount = serializers.DecimalField(12, 4, source="row.amount", allow_null=True, help_text=AMOUNT)
    for_minutes = serializers.IntegerField(source="row.for_minutes", allow_null=True, help_text=FOR_MINUTES)
    at_time = serializers.TimeField("%H:%M", source="row.at_time", allow_null=True, help_text=AT_TIME)
    words = serializers.CharField(help_text="The rule, for people.")
    state = one_of(RULE_STATES, source="standing", help_text=RULE_STATE)
    why = serializers.CharField(help_text="What is known of it by now, or why it fired; for people.")
    expected_at = serializers.DateTimeField(allow_null=True)
    suspected_at = serializers.DateTimeField(source="row.suspected_at", allow_null=True)
    fired_at = serializers.DateTimeField(source="row.fired_at", allow_null=True)
    given_by = serializers.CharField(source="row.created_by_label")


class SessionWithRules(Session):
    stop_rules = StopRule(many=True, source="rules")


class CommandItem(serializers.Serializer[Any]):
    station = serializers.CharField(source="station.vendor_id")
    station_id = serializers.IntegerField()
    kind = one_of(CommandKind.values)
    value = serializers.CharField(source="wanted_value")
    state = one_of(ItemState.values)
    error = serializers.CharField()
    error_code = serializers.CharField()
    evidence = serializers.CharField()
    sent_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    timed_out_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    observed_at = serializers.DateTimeField(allow_null=True)


class CommandSummary(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    values = serializers.DictField(
        child=serializers.CharField(allow_blank=True, allow_null=True),
        help_text="What is asked of all stations; null where each has a value of its own, which its item says.",
    )
    origin = one_of(COMMAND_ORIGINS)
    requested_by = serializers.CharField(source="requested_by_label")
    requested_at = serializers.DateTimeField()


class Command(CommandSummary):
    items = CommandItem(many=True, source="seen_items")


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]})
class StationField(serializers.Field[Any, Any, Any, Any]):
    """The vendor's id as text, or our id as a number."""

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, bool) or not isinstance(data, str | int):
            raise serializers.ValidationError("Give the station's id as text, or ours as a number.")
        if data == "" or (isinstance(data, str) and (len(data) > 100 or "\0" in data)):
            raise serializers.ValidationError("No station has such an id.")
        if isinstance(data, int) and not 0 < data < 2**63:
            raise serializers.ValidationError("No station has such an id.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"oneOf": [{"type": "string", "format": "decimal"}, {"type": "number"}]})
class FigureField(serializers.CharField):
    """A figure as text or as a number; which ones make sense, the form of the page says."""


class StopRuleWish(serializers.Serializer[Any]):
    kind = one_of(RULE_KINDS)
    amount = FigureField(required=False, allow_null=True, max_length=40, help_text=AMOUNT)
    for_minutes = FigureField(required=False, allow_null=True, max_length=40, help_text=FOR_MINUTES)
    at_time = serializers.CharField(required=False, allow_null=True, max_length=40, help_text=AT_TIME)

    def validate(self, attrs: Data) -> Data:
        """Held to what the page's form says, in its words; the valid form comes along."""
        kind = attrs.pop("kind")
        given = {part: value for part, value in attrs.items() if value is not None}
        form, errors = rule_forms.check(kind, given)
        if errors:
            raise serializers.ValidationError(errors)
        return {"kind": kind, "form": form}

    def validate_kind(self, value: str) -> str:
        if value not in RuleKind.values:
            kinds = ", ".join(RuleKind.values)
            raise serializers.ValidationError(_("There is no such kind. Give one of %(kinds)s.") % {"kinds": kinds})
        return value


class SessionStart(serializers.Serializer[Any]):
    station = StationField()
    connector = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=32767, default=None)
    reference = serializers.CharField(required=False, allow_blank=True, max_length=120, default="")
    stop_rules = StopRuleWish(  # type: ignore[call-arg]  # an argument of the list that it becomes
        many=True, required=False, allow_null=True, default=None, max_length=len(RuleKind), help_text=STOP_RULES
    )

    def validate_stop_rules(self, value: list[Data] | None) -> list[Data] | None:
        kinds = [wish["kind"] for wish in value or ()]
        if len(set(kinds)) < len(kinds):
            raise serializers.ValidationError(_("Give at most one rule of a kind."))
        return value


class CommandRequest(serializers.Serializer[Any]):
    """`stations` and at least one of the contract's three commands; an empty setMessage clears the message."""

    stations = serializers.ListField(child=StationField(), min_length=1, max_length=5000)
    tariffId = serializers.CharField(required=False, max_length=100)
    priorityStatus = serializers.CharField(required=False, max_length=60)
    setMessage = serializers.CharField(required=False, allow_blank=True, max_length=500)

    def validate(self, attrs: Data) -> Data:
        if not set(attrs) & set(CommandKind.values):
            raise serializers.ValidationError("Give at least one of tariffId, priorityStatus, setMessage.")
        return attrs


class Error(serializers.Serializer[Any]):
    """`code` is a promise, `message` is for people; `fields` stands only with `invalid`."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(required=False)  # type: ignore[assignment]  # a serializer's own attribute, too


class ErrorBody(serializers.Serializer[Any]):
    error = Error()
