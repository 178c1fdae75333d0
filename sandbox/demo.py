"""The worlds one can start with: `demo`, five Canadian sites, and `empty`, keys and fee structures only."""

from decimal import Decimal

from sandbox.model import PRODUCTION, STAGING, Connector, Fee, Key, Site, Station
from sandbox.world import World

WORLDS = ("demo", "empty")
PRODUCTION_KEY, STAGING_KEY = "sandbox-production-key", "sandbox-staging-key"
FEES = (
    ("fee_l2_public", "Level 2, public", "0.32", "0", "0"),
    ("fee_l2_fleet", "Level 2, fleet", "0.22", "0", "0"),
    ("fee_l2_parking", "Level 2, with parking", "0.24", "0.02", "0.50"),
    ("fee_l3_public", "Level 3, public", "0.58", "0.05", "1.00"),
)
SITES = (
    ("site_halifax", "Halifax Harbourfront", "America/Halifax", "44.6476", "-63.5728", 150),
    ("site_montreal", "Montréal Vieux-Port", "America/Toronto", "45.5048", "-73.5540", 400),
    ("site_winnipeg", "Winnipeg Forks", "America/Winnipeg", "49.8870", "-97.1310", 120),
    ("site_calgary", "Calgary East Village", "America/Edmonton", "51.0460", "-114.0480", 360),
    ("site_vancouver", "Vancouver False Creek", "America/Vancouver", "49.2720", "-123.1040", 500),
)
# Site, first number, then per station: bay, level, connectors, rated kW of each, fee structure.
STATIONS = (
    (
        "site_halifax",
        1010,
        (
            ("Quay 1", 2, 2, "7.2", "fee_l2_public"),
            ("Quay 2", 2, 2, "7.2", "fee_l2_public"),
            ("Quay 3", 2, 2, "11.5", "fee_l2_public"),
            ("Ferry", 3, 1, "50", "fee_l3_public"),
        ),
    ),
    (
        "site_montreal",
        1020,
        (
            ("Quai A", 2, 2, "7.2", "fee_l2_parking"),
            ("Quai B", 2, 2, "7.2", "fee_l2_parking"),
            ("Quai C", 2, 2, "11.5", "fee_l2_parking"),
            ("Quai D", 2, 2, "19.2", "fee_l2_parking"),
            ("Rapide 1", 3, 2, "100", "fee_l3_public"),
            ("Rapide 2", 3, 1, "150", "fee_l3_public"),
        ),
    ),
    (
        "site_winnipeg",
        1030,
        (
            ("Market 1", 2, 2, "7.2", "fee_l2_public"),
            ("Market 2", 2, 2, "7.2", "fee_l2_public"),
            ("Depot 1", 2, 2, "19.2", "fee_l2_fleet"),
            ("Depot 2", 2, 2, "19.2", "fee_l2_fleet"),
        ),
    ),
    (
        "site_calgary",
        1040,
        (
            ("Deck 1", 2, 2, "9.6", "fee_l2_public"),
            ("Deck 2", 2, 2, "9.6", "fee_l2_public"),
            ("Deck 3", 2, 2, "11.5", "fee_l2_public"),
            ("Street 1", 3, 1, "62.5", "fee_l3_public"),
            ("Street 2", 3, 2, "120", "fee_l3_public"),
        ),
    ),
    (
        "site_vancouver",
        1050,
        (
            ("Seawall 1", 2, 2, "7.2", "fee_l2_parking"),
            ("Seawall 2", 2, 2, "7.2", "fee_l2_parking"),
            ("Seawall 3", 2, 2, "16.6", "fee_l2_parking"),
            ("Plaza 1", 3, 2, "180", "fee_l3_public"),
            ("Plaza 2", 3, 1, "50", "fee_l3_public"),
        ),
    ),
)
FOUNDING_FEES = {
    f"HC-{number}": fee_id
    for _, first, stations in STATIONS
    for number, (*_, fee_id) in enumerate(stations, start=first)
}


def build(world: World, *, seed: int, name: str) -> None:
    """Throw the present world away and make this one. KeyError for a name that is not in WORLDS."""
    if name not in WORLDS:
        raise KeyError(name)
    world.forget(seed=seed, name=name)
    world.put(Key(PRODUCTION_KEY, PRODUCTION))
    world.put(Key(STAGING_KEY, STAGING))
    for fee_id, fee_name, *prices in FEES:
        per_kwh, per_minute, per_start = map(Decimal, prices)
        world.put(Fee(fee_id, fee_name, "CAD", per_kwh, per_minute, per_start))
    if name == "demo":
        _furnish(world)
    world.write_birth()


def _furnish(world: World) -> None:
    for site_id, name, zone, latitude, longitude, limit_kw in SITES:
        place = (Decimal(latitude), Decimal(longitude), Decimal(limit_kw))
        world.put(Site(PRODUCTION, site_id, name, zone, "CAD", *place))
    for site_id, first, stations in STATIONS:
        for number, (bay, level, connectors, rated_kw, fee_id) in enumerate(stations, start=first):
            world.put(
                Station(
                    environment=PRODUCTION,
                    station_id=f"HC-{number}",
                    site_id=site_id,
                    name=bay,
                    level=level,
                    rated_kw=Decimal(rated_kw),
                    fee_id=fee_id,
                    connectors=[Connector(position) for position in range(1, connectors + 1)],
                    start_limit_s=world.random.choice([60, 120, 180, 240, 300]),
                    handshake_s=world.random.randint(2, 6),
                )
            )
    bench = (Decimal("45.4215"), Decimal("-75.6972"), Decimal(40))
    world.put(Site(STAGING, "site_bench", "Test bench", "America/Toronto", "CAD", *bench))
    for station_id in ("HC-9001", "HC-9002"):
        world.put(
            Station(
                environment=STAGING,
                station_id=station_id,
                site_id="site_bench",
                name=f"Bench {station_id[-1]}",
                level=2,
                rated_kw=Decimal("7.2"),
                fee_id="fee_l2_public",
                connectors=[Connector(1), Connector(2)],
            )
        )
