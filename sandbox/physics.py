"""Energy, power and price as exact functions of time: no ticks, no accumulation, so jitter and speed change nothing.

A session's future is a profile: pieces of constant power. Nothing here knows stations or clocks.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from sandbox.model import Fee, Plan, Profile, Segment, Vehicle

WATT_HOUR = Decimal("0.001")
CENT = Decimal("0.01")
US_PER_HOUR = 3_600_000_000
US_PER_S = 1_000_000
CHARGING, SUSPENDED_EV, SUSPENDED_EVSE = "Charging", "SuspendedEV", "SuspendedEVSE"
# Share of its top power that a car still draws from this state of charge on: (level 2, level 3).
TAPER: dict[int, list[tuple[Decimal, Decimal]]] = {
    2: [(Decimal("0.94"), Decimal("0.7")), (Decimal("0.97"), Decimal("0.4"))],
    3: [
        (Decimal("0.50"), Decimal("0.9")),
        (Decimal("0.60"), Decimal("0.75")),
        (Decimal("0.70"), Decimal("0.6")),
        (Decimal("0.80"), Decimal("0.4")),
        (Decimal("0.86"), Decimal("0.3")),
        (Decimal("0.92"), Decimal("0.2")),
        (Decimal("0.96"), Decimal("0.1")),
    ],
}


def from_plan(plan: Plan) -> Profile:
    """Exactly the plan's energy, linear over its charging time; the rest of the stay the car takes nothing."""
    charging_us = round(plan.charging_s * US_PER_S)
    if charging_us <= 0:
        return ()
    energy_kwh = plan.energy_kwh.quantize(WATT_HOUR, ROUND_HALF_UP)
    power_kw = (energy_kwh * US_PER_HOUR / charging_us).quantize(WATT_HOUR, ROUND_HALF_UP)
    return (Segment(charging_us, energy_kwh, power_kw, CHARGING),)


def from_vehicle(vehicle: Vehicle, *, limit_kw: Decimal, level: int) -> Profile:
    """From the car's state of charge to full: the smaller of the charger's and the tapering car's power."""
    segments: list[Segment] = []
    edges = [soc for soc, _ in TAPER[level] if soc > vehicle.soc] + [Decimal(1)]
    soc = vehicle.soc
    for edge in edges:
        if edge > soc:
            power_kw = min(limit_kw, vehicle.max_kw * _share(soc, level)).quantize(CENT, ROUND_HALF_UP)
            energy_kwh = ((edge - soc) * vehicle.capacity_kwh).quantize(WATT_HOUR, ROUND_HALF_UP)
            segments.append(Segment(max(1, round(energy_kwh * US_PER_HOUR / power_kw)), energy_kwh, power_kw, CHARGING))
            soc = edge
    return tuple(segments)


def _share(soc: Decimal, level: int) -> Decimal:
    share = Decimal(1)
    for edge, below in TAPER[level]:
        if soc >= edge:
            share = below
    return share


def pause(profile: Profile, *, at_us: int, for_us: int, activity: str) -> Profile:
    """The same energy with a stretch of none inserted `at_us` after the start."""
    before, after = split(profile, at_us)
    return (*before, Segment(for_us, Decimal(0), Decimal(0), activity), *after)


def resume(profile: Profile, at_us: int) -> Profile:
    """End the withheld stretch that runs at `at_us`; the energy behind it follows at once."""
    before, after = split(profile, at_us)
    if after and after[0].activity == SUSPENDED_EVSE:
        after = after[1:]
    return (*before, *after)


def split(profile: Profile, at_us: int) -> tuple[Profile, Profile]:
    """What lies before and after a moment. The two energies add up to the whole, exactly."""
    before: list[Segment] = []
    after: list[Segment] = []
    for begin_us, segment in _placed(profile):
        inside_us = at_us - begin_us
        if inside_us >= segment.duration_us:
            before.append(segment)
        elif inside_us <= 0:
            after.append(segment)
        else:
            first_kwh = segment.energy_kwh * inside_us / segment.duration_us
            rest_us, rest_kwh = segment.duration_us - inside_us, segment.energy_kwh - first_kwh
            before.append(Segment(inside_us, first_kwh, segment.power_kw, segment.activity))
            after.append(Segment(rest_us, rest_kwh, segment.power_kw, segment.activity))
    return tuple(before), tuple(after)


def energy_kwh(profile: Profile, at_us: int) -> Decimal:
    """Energy delivered until `at_us` after the start, to the watt-hour. Never falls as time goes on."""
    total = Decimal(0)
    for begin_us, segment in _placed(profile):
        if at_us >= begin_us + segment.duration_us:
            total += segment.energy_kwh
        elif at_us > begin_us:
            total += segment.energy_kwh * (at_us - begin_us) / segment.duration_us
    return total.quantize(WATT_HOUR, ROUND_HALF_UP)


def running(profile: Profile, at_us: int) -> Segment | None:
    """The stretch that runs at `at_us` (half-open), or None when the profile is over."""
    for begin_us, segment in _placed(profile):
        if begin_us <= at_us < begin_us + segment.duration_us:
            return segment
    return None


def next_edge_us(profile: Profile, at_us: int) -> int | None:
    """The next moment at which power changes, or None when the profile is over."""
    for begin_us, segment in _placed(profile):
        if begin_us + segment.duration_us > at_us:
            return begin_us + segment.duration_us
    return None


def charging_us(profile: Profile, at_us: int) -> int:
    """How much of the time until `at_us` energy was allowed to flow."""
    spans = ((begin_us, segment) for begin_us, segment in _placed(profile) if segment.activity == CHARGING)
    return sum(max(0, min(at_us - begin_us, segment.duration_us)) for begin_us, segment in spans)


def length_us(profile: Profile) -> int:
    """The profile's whole length."""
    return sum(segment.duration_us for segment in profile)


def cost(fee: Fee, *, energy_kwh: Decimal, duration_s: int) -> Decimal:
    """Price of a session in major units: energy, minutes of connection and a start; two decimals, half up."""
    price = fee.price_per_kwh * energy_kwh + fee.price_per_minute * duration_s / 60 + fee.price_per_start
    return price.quantize(CENT, ROUND_HALF_UP)


def _placed(profile: Profile) -> Iterator[tuple[int, Segment]]:
    begin_us = 0
    for segment in profile:
        yield begin_us, segment
        begin_us += segment.duration_us
