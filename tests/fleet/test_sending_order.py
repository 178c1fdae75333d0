"""Whatever is asked, held, cancelled, paused and lost in whatever order: what the vendor hears of a station, by its own
ledger, is never an older wish after a newer one, never after the deadline, and never the same wish twice."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fleet import cancelling, claims, commands, deadlines, deliveries, rollouts
from fleet.budget import Lane
from fleet.claims import Parcel
from fleet.command_options import Options
from fleet.models import Account, Command, CommandItem, ManageCall, RequestBudget, Station
from fleet.models.command import ItemState
from tests import factories
from tests.contract.vendor import Vendor
from tests.fleet.house import House

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
FAULTS = ("lostRequest", "lostReply", "error", "refuse")

ASK, SEND = st.tuples(st.just("ask"), st.sampled_from([0.0, 0.0, 1000.0]), st.sampled_from([30, 3600])), ("send", None)
SENT = st.tuples(st.just("send"), st.sampled_from([None, None, *FAULTS]))
OTHERS = [
    st.tuples(st.sampled_from(["cancel", "pause", "resume"]), st.integers(0, 5)),
    st.sampled_from([("claim",), ("no slot",), ("die",), ("die sending",), ("stall",), ("history",)]),
    st.tuples(st.just("time passes"), st.sampled_from([10, 40])),
]
steps = st.lists(st.one_of(ASK, ASK, SENT, SENT, st.just(("holds end",)), *OTHERS), min_size=4, max_size=20)
LONG = ("ask", 0.0, 3600)


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    yield made
    made.close()


@dataclass
class Played:
    """One order of things, played against the sandbox. Wishes are numbered; their number is the message."""

    house: House
    row: Station
    spent: RequestBudget  # of a key that has no slot
    asked: list[Command] = field(default_factory=list)
    deadlines: dict[str, datetime] = field(default_factory=dict)
    in_hand: list[Parcel] = field(default_factory=list)

    def play(self, step: tuple[object, ...]) -> None:
        word, *rest = step
        getattr(self, str(word).replace(" ", "_"))(*rest)

    def ask(self, hold_s: float, patience_s: int) -> None:
        number, now = f"{len(self.asked):03d}", self.house.vendor.now()
        options = Options(hold_s=hold_s, patience=timedelta(seconds=patience_s), send_equal=True)
        wishes = commands.for_all([self.row], {"setMessage": number})
        self.asked.append(commands.request(actor=self.house.actor, wishes=wishes, now=now, options=options))
        self.deadlines[number] = now + timedelta(seconds=patience_s)

    def cancel(self, which: int) -> None:
        if which < len(self.asked):
            cancelling.cancel(actor=self.house.actor, command=self.asked[which], now=self.house.vendor.now())

    def pause(self, which: int) -> None:
        if which < len(self.asked):
            with transaction.atomic():
                Command.objects.filter(pk=self.asked[which].pk).update(paused_at=self.house.vendor.now())
                CommandItem.objects.filter(command=self.asked[which], state=ItemState.QUEUED).update(due_at=None)

    def resume(self, which: int) -> None:
        if which < len(self.asked):
            command = rollouts.resume(self.house.actor, self.asked[which], self.house.vendor.now())
            assert command.expires_at is not None
            self.deadlines[f"{which:03d}"] = command.expires_at

    def holds_end(self) -> None:
        CommandItem.objects.filter(due_at__isnull=False).update(due_at=Now())

    def claim(self) -> None:
        parcel = claims.claim(now=self.house.vendor.now(), lane=Lane.PEOPLE)
        self.in_hand += [parcel] if parcel else []

    def send(self, fault: str | None) -> None:
        if not self.in_hand:
            self.claim()
        if self.in_hand:
            if fault:
                self.house.vendor.fault("manage", fault)
            parcel = self.in_hand.pop(0)
            deliveries.send(parcel, clock=self.house.vendor.now, lane=Lane.PEOPLE, patience_s=0)
            self.house.vendor.order("faults", clear=True)

    def no_slot(self) -> None:
        if self.in_hand:
            Account.objects.update(budget=self.spent)
            parcel = self.in_hand.pop(0)
            parcel.account.refresh_from_db()
            deliveries.send(parcel, clock=self.house.vendor.now, lane=Lane.PEOPLE, patience_s=0)
            Account.objects.update(budget=self.house.account.budget)

    def die(self) -> Parcel | None:
        """Before the request leaves."""
        if not self.in_hand:
            return None
        parcel = self.in_hand.pop(0)
        self._taken_for_dead(parcel)
        return parcel

    def die_sending(self) -> None:
        """The request has left, and nobody is there for the answer."""
        if self.in_hand:
            parcel = self.in_hand.pop(0)
            client = deliveries.eevion.Client(self.house.vendor.url, self.house.account.api_key)
            with suppress(deliveries.eevion.EevionError):
                deliveries._manage(client, parcel=parcel, clock=self.house.vendor.now, attempt=deliveries._Attempt())
            self._taken_for_dead(parcel)

    def stall(self) -> None:
        """Taken for dead, it comes back to life and would send."""
        parcel = self.die()
        if parcel is not None:
            deliveries.send(parcel, clock=self.house.vendor.now, lane=Lane.PEOPLE, patience_s=0)

    def _taken_for_dead(self, parcel: Parcel) -> None:
        CommandItem.objects.filter(call=parcel.call).update(claimed_until=Now())
        deliveries.lapse(now=self.house.vendor.now())

    def history(self) -> None:
        self.house.history()

    def time_passes(self, seconds: int) -> None:
        self.house.vendor.advance(seconds)
        deadlines.expire(self.house.vendor.now())


@given(steps)
@example([LONG, LONG, SEND, SEND])
@example([LONG, ("ask", 1000.0, 3600), SEND, ("holds end",), SEND, SEND])
@example([("ask", 0.0, 30), ("claim",), ("time passes", 40), SEND])
@example([LONG, ("send", "lostRequest"), LONG, SEND, ("history",), ("holds end",), SEND])
@example([LONG, ("send", "lostReply"), ("history",), ("holds end",), SEND])
@example([LONG, ("claim",), ("stall",), SEND])
@example([LONG, ("claim",), ("die sending",), ("history",), SEND])
@example([LONG, ("claim",), LONG, ("stall",), SEND, ("die",)])
@example([LONG, ("claim",), ("pause", 0), ("no slot",), LONG, SEND, ("resume", 0), SEND])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_an_older_wish_after_a_newer_one_and_never_late(vendor: Vendor, played: list[tuple[object, ...]]) -> None:
    for model in (CommandItem, Command, ManageCall):
        model.objects.all().delete()
    house = House(vendor)
    spent = factories.account(slots=1).budget
    spent.slots.update(free_at=Now() + timedelta(hours=1))
    run = Played(house, house.station(), spent)
    for step in played:
        run.play(step)
    jobs = vendor.jobs(run.row.vendor_id)
    said = [job["setMessage"] for job in jobs]
    assert said == sorted(set(said))
    assert all(datetime.fromisoformat(job["createdAt"]) < run.deadlines[job["setMessage"]] for job in jobs)
