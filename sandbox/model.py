"""The nouns of the world as plain records. No behaviour; energy, power and money are Decimal, times aware UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

PRODUCTION, STAGING = "production", "staging"
AVAILABLE, UNAVAILABLE, OUT_OF_SERVICE = "available", "unavailable", "outOfService"
PRIORITY_STATUSES = (AVAILABLE, UNAVAILABLE, OUT_OF_SERVICE)
PENDING, CHARGING, SUSPENDED, STOPPING, STOPPED = "pending", "charging", "suspended", "stopping", "stopped"
COMPLETED, EXPIRED, FAILED = "completed", "expired", "failed"
ENDED = frozenset({COMPLETED, EXPIRED, FAILED})


@dataclass(slots=True)
class Site:
    environment: str
    site_id: str
    name: str
    timezone: str
    currency: str
    latitude: Decimal
    longitude: Decimal
    grid_limit_kw: Decimal


@dataclass(frozen=True, slots=True)
class Fee:
    fee_id: str
    name: str
    currency: str
    price_per_kwh: Decimal
    price_per_minute: Decimal
    price_per_start: Decimal


@dataclass(frozen=True, slots=True)
class Vehicle:
    """`soc` is the state of charge when plugged in, 0 to 1."""

    capacity_kwh: Decimal
    soc: Decimal
    max_kw: Decimal
    name: str = "Car"


@dataclass(frozen=True, slots=True)
class Plan:
    """Takes exactly `energy_kwh` over the first `charging_s`, and leaves `duration_s` after the session's start."""

    energy_kwh: Decimal
    duration_s: Decimal
    charging_s: Decimal


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of constant power: exactly `energy_kwh`, spread evenly over `duration_us`."""

    duration_us: int
    energy_kwh: Decimal
    power_kw: Decimal
    activity: str


Profile = tuple[Segment, ...]


@dataclass(slots=True)
class Car:
    vehicle: Vehicle
    plan: Plan | None
    plugged_at: datetime
    leaves_at: datetime | None = None
    declines_after_s: int = 0
    declines_for_s: int = 0
    driver: str | None = None
    asked: int = 0


@dataclass(slots=True)
class Connector:
    number: int
    car: Car | None = None
    fault_code: str | None = None
    session_id: str | None = None


@dataclass(slots=True)
class Station:
    """`rated_kw` is what each connector can give. `repairs_at` is set where the world itself broke it."""

    environment: str
    station_id: str
    site_id: str
    name: str
    level: int
    rated_kw: Decimal
    fee_id: str
    connectors: list[Connector]
    priority_status: str = AVAILABLE
    message: str = ""
    offline_at: datetime | None = None
    start_limit_s: int = 180
    handshake_s: int = 0
    repairs_at: datetime | None = None


@dataclass(slots=True)
class Session:
    """`view` is what the vendor last heard, kept while the station is offline; the other fields are the truth."""

    session_id: str
    environment: str
    station_id: str
    connector_id: int
    source: str
    fee: Fee
    requested_at: datetime
    expires_at: datetime
    external_reference: str | None = None
    webhook_url: str | None = None
    status: str = PENDING
    status_reason: str | None = None
    begins_at: datetime | None = None
    started_at: datetime | None = None
    stops_at: datetime | None = None
    charging_ended_at: datetime | None = None
    completed_at: datetime | None = None
    end_reason: str | None = None
    profile: Profile = ()
    reply_lost: bool = False
    view: dict[str, Any] | None = None
    webhooks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Job:
    job_id: str
    sequence: int
    environment: str
    source: str
    station_ids: list[str]
    commands: dict[str, str]
    created_at: datetime
    finishes_at: datetime
    finished_at: datetime | None = None
    status: str = "queued"
    results: list[dict[str, Any]] = field(default_factory=list)
    webhook_url: str | None = None
    reply_lost: bool = False
    webhooks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Alarm:
    """An exception in the vendor's sense; named so as not to be mistaken for Python's."""

    alarm_id: str
    sequence: int
    environment: str
    type: str
    severity: str
    station_id: str
    connector_id: int | None
    session_id: str | None
    error_code: str | None
    message: str
    started_at: datetime
    cleared_at: datetime | None = None
    webhooks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Key:
    key: str
    environment: str
    limit: int = 60
    window_s: float = 60.0
    exception_url: str | None = None
    revoked: bool = False


@dataclass(slots=True)
class Settings:
    """How the vendor behaves when nothing goes wrong. Business seconds, except where a name says wall."""

    start_limit_s: int = 180
    stop_delay_s: float = 1.0
    job_min_s: float = 2.0
    job_max_s: float = 8.0
    stations_per_manage: int = 100
    page_rows: int = 200
    webhook_timeout_wall_s: float = 10.0
    webhook_retries: int = 3
    webhook_backoff_wall_s: float = 1.0
