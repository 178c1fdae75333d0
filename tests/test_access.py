"""Every named route, by every role, with own and foreign ids. A route without a row fails: add it to ROWS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from charging import walls
from charging.models import Correction
from fleet import commands, drafts
from fleet.models import UnknownStation
from lib import clock
from people import api_keys, invitations
from people.models import Membership, Organisation
from people.roles import Permission, Role, allows
from tests import factories

pytestmark = pytest.mark.django_db
P = Permission
NOBODY = "00000000-0000-4000-8000-000000000000"


class World:
    """One organisation with one of everything that a route can name."""

    def __init__(self) -> None:
        self.owner = factories.member()
        self.organisation: Organisation = self.owner.organisation
        self.viewer = factories.member(Role.VIEWER, organisation=self.organisation)
        actor, now = factories.actor(self.owner), clock.now()
        self.site = factories.site(self.organisation)
        self.station = factories.station(self.site)
        self.account = self.station.account
        self.tariff = factories.tariff(self.account)
        self.session = factories.session(self.station, connector=self.station.connectors.get(number=1))
        self.plan = factories.plan(self.station)
        self.correction = Correction.objects.create(session=self.session, recorded_at=now)
        self.command = commands.request(
            actor=actor, wishes=commands.for_all([self.station], {"setMessage": "x"}), now=now
        )
        group = {"values": {"setMessage": "y"}, "station_ids": [self.station.pk]}
        self.schedule = factories.command_schedule(self.station)
        self.draft = drafts.make(actor=actor, groups=[group], now=now)
        self.unknown = UnknownStation.objects.create(
            account=self.account, vendor_id="X-1", seen_in="reporting", first_seen_at=now, last_seen_at=now
        )
        self.wall, _token = walls.create(actor=actor, name="hall", days=7, now=now)
        self.key, _plain = api_keys.create(actor=actor, name="key", now=now)
        self.invitation, self.token = invitations.create(
            actor=actor, email=f"new{self.organisation.pk}@example.com", role=Role.VIEWER, site_ids=None, now=now
        )


Named = Callable[[World], Any]
SITE: Named = lambda world: world.site.pk  # noqa: E731
STATION: Named = lambda world: world.station.pk  # noqa: E731
TARIFF: Named = lambda world: world.tariff.pk  # noqa: E731
ACCOUNT: Named = lambda world: world.account.pk  # noqa: E731
SESSION: Named = lambda world: world.session.public_id  # noqa: E731
COMMAND: Named = lambda world: world.command.public_id  # noqa: E731
DRAFT: Named = lambda world: world.draft.public_id  # noqa: E731
SCHEDULE: Named = lambda world: world.schedule.public_id  # noqa: E731
PLAN: Named = lambda world: world.plan.public_id  # noqa: E731
CORRECTION: Named = lambda world: world.correction.pk  # noqa: E731
UNKNOWN: Named = lambda world: world.unknown.pk  # noqa: E731
MEMBER: Named = lambda world: world.viewer.pk  # noqa: E731
INVITATION: Named = lambda world: world.invitation.pk  # noqa: E731
WALL: Named = lambda world: world.wall.pk  # noqa: E731
KEY: Named = lambda world: world.key.pk  # noqa: E731
# Hidden from members who are limited to other sites.
AT_A_SITE = (SITE, STATION, SESSION, COMMAND, SCHEDULE, PLAN, CORRECTION)


@dataclass(frozen=True)
class Row:
    """permission None: open to everybody, with the same answer. `ok` is the answer to whoever may."""

    permission: Permission | None
    names: Named | None = None
    ok: int = 200
    method: str = "get"
    data: dict[str, Any] | None = None
    args: tuple[Any, ...] = ()


def open_to_all(ok: int = 200, method: str = "get", *args: Any) -> Row:
    return Row(None, ok=ok, method=method, args=args)


ROWS: dict[str, Row] = {
    # the house
    "healthz": open_to_all(),
    "readyz": open_to_all(),
    # people: signing in; allauth's own pages send a signed-in person on
    "account_inactive": open_to_all(),
    "account_reset_password": open_to_all(),
    "account_reset_password_done": open_to_all(),
    "account_reset_password_from_key": open_to_all(200, "get", "1", "wrong"),
    "account_reset_password_from_key_done": open_to_all(),
    "account_email": open_to_all(302),
    "preferences": open_to_all(302, "post"),
    "theme": open_to_all(302, "post"),
    "keys": open_to_all(302, "post"),
    "invitation": open_to_all(404, "get", "wrong"),
    # people: settings
    "settings": Row(P.VIEW),
    "organisation_switch": Row(P.VIEW, ok=404, method="post"),
    "settings_people": Row(P.MANAGE_PEOPLE),
    "settings_member": Row(P.MANAGE_PEOPLE, MEMBER),
    "settings_member_remove": Row(P.MANAGE_PEOPLE, MEMBER),
    "invitation_revoke": Row(P.MANAGE_PEOPLE, INVITATION, ok=302, method="post"),
    "settings_keys": Row(P.MANAGE_KEYS),
    "settings_key_revoke": Row(P.MANAGE_KEYS, KEY),
    "settings_audit": Row(P.MANAGE_FLEET),
    # fleet
    "sites": Row(P.VIEW),
    "site": Row(P.VIEW, SITE),
    "site_new": Row(P.MANAGE_FLEET),
    "site_edit": Row(P.MANAGE_FLEET, SITE),
    "site_choices": Row(P.MANAGE_PEOPLE),
    "stations": Row(P.VIEW),
    "station": Row(P.VIEW, STATION),
    "station_new": Row(P.MANAGE_FLEET),
    "station_edit": Row(P.MANAGE_FLEET, STATION),
    "station_import": Row(P.MANAGE_FLEET),
    "tariffs": Row(P.VIEW),
    "tariff_new": Row(P.MANAGE_FLEET),
    "tariff_edit": Row(P.MANAGE_FLEET, TARIFF),
    "commands": Row(P.VIEW),
    "commands_csv": Row(P.EXPORT),
    "command": Row(P.VIEW, COMMAND),
    "command_csv": Row(P.EXPORT, COMMAND),
    "command_calls": Row(P.VIEW, COMMAND),
    "command_cancel": Row(P.COMMAND_STATIONS, COMMAND, ok=302, method="post"),
    "command_resume": Row(P.COMMAND_STATIONS, COMMAND, ok=302, method="post"),
    "command_abandon": Row(P.COMMAND_STATIONS, COMMAND, ok=302, method="post"),
    "station_commands": Row(P.VIEW, STATION),
    "station_commands_csv": Row(P.EXPORT, STATION),
    "command_undo": Row(P.COMMAND_STATIONS, COMMAND, ok=302, method="post"),
    "command_retry": Row(P.COMMAND_STATIONS, COMMAND, ok=302, method="post"),
    "command_schedules": Row(P.VIEW),
    "command_schedules_csv": Row(P.EXPORT),
    "command_schedule": Row(P.VIEW, SCHEDULE),
    "command_schedule_cancel": Row(P.COMMAND_STATIONS, SCHEDULE),
    "command_schedule_end": Row(P.COMMAND_STATIONS, SCHEDULE, ok=302, method="post"),
    "command_schedule_leave": Row(P.COMMAND_STATIONS, SCHEDULE, ok=302, method="post"),
    "command_new": Row(P.COMMAND_STATIONS),
    "command_drift": Row(P.VIEW),
    "command_drift_csv": Row(P.EXPORT),
    "command_drift_repair": Row(P.COMMAND_STATIONS, ok=302, method="post"),
    "command_drift_accept": Row(P.COMMAND_STATIONS, ok=302, method="post"),
    "command_draft": Row(P.COMMAND_STATIONS, DRAFT, ok=404),  # it is its author's alone
    "settings_accounts": Row(P.MANAGE_ACCOUNTS),
    "settings_account_new": Row(P.MANAGE_ACCOUNTS),
    "settings_account": Row(P.MANAGE_ACCOUNTS, ACCOUNT),
    "settings_account_test": Row(P.MANAGE_ACCOUNTS, ACCOUNT, ok=302, method="post"),
    "settings_messages": Row(P.MANAGE_ACCOUNTS),
    # charging
    "hook_session": open_to_all(404, "post", "wrong"),
    "hook_job": open_to_all(404, "post", "wrong"),
    "hook_exception": open_to_all(404, "post", "wrong"),
    "live": Row(P.VIEW),
    "live_rows": Row(P.VIEW),
    "walls": Row(P.MANAGE_FLEET),
    "wall_revoke": Row(P.MANAGE_FLEET, WALL),
    "wall": open_to_all(404, "get", "wrong"),
    "wall_now": open_to_all(401, "get", "wrong"),
    "site_bays": Row(P.VIEW, SITE),
    "site_bays_now": Row(P.VIEW, SITE),
    "sessions": Row(P.VIEW),
    "sessions_csv": Row(P.EXPORT),
    "start_plans": Row(P.VIEW),
    "start_plan_new": Row(P.CONTROL_SESSIONS),
    "start_plan_cancel": Row(P.CONTROL_SESSIONS, PLAN),
    "session_start": Row(P.CONTROL_SESSIONS),
    "session": Row(P.VIEW, SESSION),
    "session_now": Row(P.VIEW, SESSION),
    "session_stop": Row(P.CONTROL_SESSIONS, SESSION),
    "session_rules_part": Row(P.VIEW, SESSION),
    "session_rules_edit": Row(P.CONTROL_SESSIONS, SESSION),
    "session_rule_remove": Row(P.CONTROL_SESSIONS, SESSION, ok=302, method="post"),
    "station_rules": Row(P.VIEW, STATION),
    "station_rules_edit": Row(P.MANAGE_FLEET, STATION),
    "site_rules": Row(P.VIEW, SITE),
    "site_rules_edit": Row(P.MANAGE_FLEET, SITE),
    "sessions_stop": Row(P.CONTROL_SESSIONS, ok=302),
    "sessions_stop_result": Row(P.CONTROL_SESSIONS, ok=302),
    "site_sessions_stop": Row(P.CONTROL_SESSIONS, SITE),
    "session_decide": Row(P.CONTROL_SESSIONS, SESSION, ok=302, method="post"),
    "session_audit": Row(P.MANAGE_FLEET, SESSION),
    "session_correction": Row(P.CONTROL_SESSIONS, CORRECTION),
    "session_receipt": Row(P.VIEW, SESSION),
    "session_receipt_pdf": Row(P.VIEW, SESSION),
    "session_receipt_part": Row(P.VIEW, SESSION),
    "session_receipt_link": Row(P.EXPORT, SESSION, ok=302, method="post"),
    "session_receipt_mail": Row(P.EXPORT, SESSION, ok=302, method="post", data={"address": "driver@example.com"}),
    "session_receipt_revoke": Row(P.EXPORT, SESSION),
    "receipt": open_to_all(404, "get", "wrong"),
    "receipt_pdf": open_to_all(404, "get", "wrong"),
    "station_strip": Row(P.VIEW, STATION),
    "station_sessions": Row(P.VIEW, STATION),
    "site_sessions": Row(P.VIEW, SITE),
    "exceptions": Row(P.VIEW),
    "exceptions_unknown_station": Row(P.MANAGE_FLEET, UNKNOWN, ok=302, method="post"),
    # reporting
    "reports": Row(P.VIEW),
    "reports_csv": Row(P.EXPORT),
    # api
    "api_schema": open_to_all(),
    "api_docs": open_to_all(),
    "api_sites": Row(P.VIEW),
    "api_site": Row(P.VIEW, SITE),
    "api_stations": Row(P.VIEW),
    "api_station": Row(P.VIEW, STATION),
    "api_sessions": Row(P.VIEW),
    "api_session": Row(P.VIEW, SESSION),
    "api_session_stop": Row(P.CONTROL_SESSIONS, SESSION, ok=409, method="post"),
    "api_commands": Row(P.VIEW),
    "api_command": Row(P.VIEW, COMMAND),
    "api_unknown": Row(P.VIEW, ok=404, args=("nothing",)),
}
# Answer differs by being signed in, and by nothing else: (signed out, signed in).
BY_SIGN_IN = {
    "account_login": (200, 302),
    "account_logout": (302, 200),
    "account_signup": (200, 302),
    "account_reauthenticate": (302, 200),
    "account_change_password": (302, 200),
    "account_set_password": (302, 302),
}


def named_routes(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from named_routes(pattern.url_patterns, inner)
        elif pattern.name:
            yield space + pattern.name


ROUTES = sorted(set(named_routes(get_resolver().url_patterns)))
OWN = [name for name in ROUTES if not name.startswith("admin:")]
GATED = [name for name in OWN if name in ROWS and ROWS[name].permission is not None]
OPEN = [name for name in OWN if name in ROWS and ROWS[name].permission is None]


def ask(client: Client, name: str, row: Row, *args: Any) -> int:
    answer = getattr(client, row.method)(reverse(name, args=[*row.args, *args]), row.data or {})
    if answer.streaming:
        b"".join(answer.streaming_content)
    return int(answer.status_code)


def caller(name: str, membership: Membership) -> Client:
    """Signed in; for the API by a key instead."""
    if not name.startswith("api_"):
        return factories.client_for(membership)
    _key, plain = api_keys.mint(membership=membership, name="test", now=clock.now())
    return Client(headers={"Authorization": f"Bearer {plain}"})


def expected(name: str, row: Row, role: Role) -> int:
    """Absent, foreign and forbidden look alike on pages; the API says that a right is lacking."""
    assert row.permission is not None
    if allows(role, row.permission):
        return row.ok
    return 403 if name.startswith("api_") else 404


def test_every_route_has_a_row() -> None:
    assert [name for name in OWN if name not in ROWS and name not in BY_SIGN_IN] == []


def test_every_row_has_a_route() -> None:
    assert [name for name in (*ROWS, *BY_SIGN_IN) if name not in ROUTES] == []


@pytest.mark.parametrize("name", GATED)
def test_by_role_with_own_ids(name: str) -> None:
    row = ROWS[name]
    got = {}
    for role in Role:
        world = World()
        member = factories.member(role, organisation=world.organisation)
        got[role] = ask(caller(name, member), name, row, *([row.names(world)] if row.names else []))
    assert got == {role: expected(name, row, role) for role in Role}


@pytest.mark.parametrize("name", [name for name in GATED if ROWS[name].names])
def test_foreign_ids_are_absent(name: str) -> None:
    row, foreign = ROWS[name], World()
    assert row.names is not None
    theirs = row.names(foreign)
    absent: Any = NOBODY if row.names in (SESSION, COMMAND, DRAFT, SCHEDULE, PLAN) else 999_999_999
    got = {
        role: [ask(caller(name, factories.member(role)), name, row, which) for which in (theirs, absent)]
        for role in Role
    }
    lacking = {role for role in Role if expected(name, row, role) == 403}
    assert got == {role: [403, 403] if role in lacking else [404, 404] for role in Role}


@pytest.mark.parametrize("name", [name for name in GATED if ROWS[name].names in AT_A_SITE])
def test_sites_out_of_reach_are_absent(name: str) -> None:
    row, world = ROWS[name], World()
    assert row.names is not None
    elsewhere = factories.site(world.organisation)
    limited = factories.member(Role.MANAGER, organisation=world.organisation, site_ids=[elsewhere.pk])
    assert ask(caller(name, limited), name, row, row.names(world)) == 404


@pytest.mark.parametrize("name", GATED)
def test_signed_out(name: str) -> None:
    row, world = ROWS[name], World()
    got = ask(Client(), name, row, *([row.names(world)] if row.names else []))
    assert got == (401 if name.startswith("api_") else 302)


@pytest.mark.parametrize("name", OPEN)
def test_open_to_everybody(name: str) -> None:
    row = ROWS[name]
    got = [ask(client, name, row) for client in (Client(), factories.client_for(factories.member(Role.VIEWER)))]
    assert got == [row.ok, row.ok]


@pytest.mark.parametrize("name", BY_SIGN_IN)
def test_pages_of_signing_in(name: str) -> None:
    got = tuple(
        client.get(reverse(name)).status_code for client in (Client(), factories.client_for(factories.member()))
    )
    assert got == BY_SIGN_IN[name]


def test_an_invitation_opens_for_its_holder_only() -> None:
    world = World()
    address = reverse("invitation", args=[world.token])
    assert Client().get(address).status_code == 200
    type(world.invitation).objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert Client().get(address).status_code == 404


def test_the_admin_panel_is_for_staff() -> None:
    """One of each kind of its pages; every other one stands behind the same door."""
    owner = factories.client_for(factories.member())
    for address in (
        "/admin/",
        "/admin/fleet/",
        "/admin/people/user/",
        "/admin/people/user/1/change/",
        "/admin/jsi18n/",
    ):
        assert (Client().get(address).status_code, owner.get(address).status_code) in {(302, 403), (302, 302)}
        assert owner.get(address, follow=True).status_code == 403
