"""Vendor, database and broker die at work. Every start that was asked for ends as it really went, once, and nothing
stays behind: no message undigested, no program given up."""

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.hardship.house import Answer, House, send, until

pytestmark = pytest.mark.slow
ENERGY_KWH = "1.250"
STAY_S = 60  # business time
SLOW_S = 2.5
PROGRAMS = {"postgres", "valkey", "sandbox", "web", "worker-now", "worker-bulk", "beat"}


class Drivers:
    """One driver after the other at each connector of some stations, until told to stop."""

    def __init__(self, house: House, stations: list[str]) -> None:
        self.house = house
        self.asked: dict[str, str] = {}  # our id by reference
        self.failures: list[str] = []
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._drive, args=(station, n)) for station in stations for n in (1, 2)
        ]

    @contextmanager
    def at_work(self, each: int) -> Iterator[None]:
        """From when each connector has had a driver until each has had this many more."""
        for thread in self._threads:
            thread.start()
        try:
            until(lambda: len(self.asked) >= len(self._threads), "every connector has its first driver")
            yield
            wanted = len(self.asked) + each * len(self._threads)
            until(lambda: len(self.asked) >= wanted or self.failures, "the next drivers came", 90)
        finally:
            self._enough.set()
            for thread in self._threads:
                thread.join(100)

    def _drive(self, station: str, connector: int) -> None:
        number = 0
        while not self._enough.is_set():
            number += 1
            reference = f"{station}-{connector}-{number}"
            try:
                self.house.plug(station, connector, ENERGY_KWH, STAY_S)
                self.asked[reference] = self.house.ask(station, connector, reference)["id"]
                until(lambda name=reference: self._has_left(name), f"{reference} leaves", 60)  # type: ignore[misc]
                if not self.house.ledger().get(reference):
                    self.house.order("unplug", stationId=station, connectorId=connector)
            except AssertionError as error:
                self.failures.append(str(error))
                return

    def _has_left(self, reference: str) -> bool:
        """Charged, or nobody knows whether it began and it did not."""
        entries = self.house.ledger().get(reference, [])
        unknown = not entries and self.house.session(self.asked[reference])["state"] == "unknown"
        return unknown or any(entry["completedAt"] for entry in entries)


def truth(house: House, reference: str) -> list[tuple[str, Decimal]]:
    return [(entry["status"], entry["energy"]) for entry in house.ledger().get(reference, [])]


def agreed(house: House, asked: dict[str, str]) -> None:
    """Of each start product and ledger say the same: completed once with its energy; or unknown, and it never was."""

    def differing() -> dict[str, Any]:
        ledger = house.ledger()
        return {
            reference: (session, ledger.get(reference))
            for reference, public_id in asked.items()
            if not agree(session := house.session(public_id), ledger.get(reference, []))
        }

    try:
        until(lambda: not differing(), "product and ledger agree", 60)
    except AssertionError as error:
        raise AssertionError(differing()) from error
    completed = [public_id for public_id in asked.values() if house.session(public_id)["state"] == "completed"]
    assert len(completed) > len(asked) / 2


def agree(session: dict[str, Any], entries: list[dict[str, Any]]) -> bool:
    if session["state"] == "unknown":
        return entries == []
    said = [(entry["status"], entry["energy"]) for entry in entries]
    is_final = session["final_at"] is not None and session["state"] == "completed"
    return is_final and said == [("completed", Decimal(session["energy_kwh"]))] == [("completed", Decimal(ENERGY_KWH))]


def nothing_left(house: House) -> None:
    until(lambda: not house.undigested(), "every message is digested")
    house.wait_ready()
    assert house.all_alive() == PROGRAMS


def in_flight(house: House, count: int) -> None:
    rows = "SELECT 1 FROM charging_session WHERE claimed_until IS NOT NULL"
    until(lambda: len(house.rows(rows)) == count, f"{count} starts are on their way", step_s=0.02)


def kinds(house: House, public_id: str) -> set[str]:
    query = (
        "SELECT kind FROM charging_sessionevent e JOIN charging_session s ON s.id = e.session_id"
        " WHERE s.public_id = %s::uuid"
    )
    return {kind for (kind,) in house.rows(query, public_id)}


def test_the_vendor_dies_in_the_middle_of_a_start(house: House) -> None:
    happened, lost, later = "HC-H01", "HC-H02", "HC-H03"
    script: list[dict[str, Any]] = [
        {"endpoint": "session.start", "fault": "slow", "stationId": happened, "slow_s": 8},
        {"endpoint": "session.start", "fault": "lostRequest", "stationId": lost},
    ]
    house.order("faults", script=script)
    house.plug(happened, 1, ENERGY_KWH, STAY_S)
    asked = {"happened": house.ask(happened, 1, "happened")["id"], "lost": house.ask(lost, 1, "lost")["id"]}
    house.reaches(asked["lost"], "unknown")
    until(lambda: truth(house, "happened"), "the other one happened")
    in_flight(house, 1)
    old = house.kill("sandbox")
    asked["later"] = house.ask(later, 1, "later")["id"]  # while nobody is there
    until(lambda: house.session(asked["happened"])["error"].startswith("No answer to the start"), "it is told")
    house.wait_back("sandbox", old)
    house.wait_vendor()
    house.plug(later, 1, ENERGY_KWH, STAY_S)
    agreed(house, {reference: asked[reference] for reference in ("happened", "later")})
    assert kinds(house, asked["later"]) >= {"delayed", "accepted", "final"}
    # It never began, and only a person can say so; its connector is free again all the same.
    until(lambda: "released" in kinds(house, asked["lost"]), "the start limit has passed")
    assert (house.session(asked["lost"])["state"], truth(house, "lost")) == ("unknown", [])
    house.plug(lost, 1, ENERGY_KWH, STAY_S)
    agreed(house, {"next": house.ask(lost, 1, "next")["id"]})
    nothing_left(house)


def test_the_database_is_restarted_under_load(house: House) -> None:
    drivers = Drivers(house, ["HC-H04", "HC-H05"])
    with drivers.at_work(each=2):
        for number in (signal.SIGINT, signal.SIGKILL):  # in order, and by accident
            old = house.kill("postgres", number)
            house.wait_back("postgres", old)
            house.wait_ready()
    assert drivers.failures == []
    agreed(house, drivers.asked)
    nothing_left(house)


def test_an_answer_and_a_webhook_that_come_while_the_database_is_away_are_kept(house: House) -> None:
    station = "HC-H06"
    slow = {"endpoint": "session.start", "fault": "slow", "stationId": station, "slow_s": SLOW_S}
    house.order("faults", script=[slow])
    house.plug(station, 1, ENERGY_KWH, STAY_S)
    hook = house.exception_url
    asked_at = time.monotonic()
    session = house.ask(station, 1, "meanwhile")
    in_flight(house, 1)
    supervisor = house.stack.supervisor
    program = supervisor.children["postgres"].program
    supervisor.stop("postgres")
    answers: list[Answer] = []
    body = {"exceptionId": "away", "type": "commandFailed", "stationId": station}
    posting = threading.Thread(target=lambda: answers.append(send(hook, body)))
    posting.start()
    ready = send(f"{house.stack.url}/readyz")
    refused = house.api("sites")
    until(lambda: time.monotonic() > asked_at + SLOW_S + 1, "the vendor has answered")
    supervisor.start(program)
    house.wait_ready()
    posting.join(20)
    assert (ready.status, ready.json()) == (503, {"ready": False, "database": "away"})
    assert (refused.status, refused.json()["error"]["code"], refused.headers["Retry-After"]) == (
        503,
        "away",
        "5",
    )
    assert [answer.status for answer in answers] == [200]
    agreed(house, {"meanwhile": session["id"]})
    assert "unknown" not in kinds(house, session["id"])
    nothing_left(house)
    found = house.rows("SELECT type FROM charging_stationexception WHERE vendor_exception_id = 'away'")
    assert found == [("commandFailed",)]


def test_the_broker_is_killed_and_wiped_under_load(house: House) -> None:
    drivers = Drivers(house, ["HC-H07", "HC-H08"])
    with drivers.at_work(each=2):
        shutil.rmtree(house.folder / "valkey" / "appendonlydir")
        old = house.kill("valkey")
        house.wait_back("valkey", old)
        assert house.stack.is_ready()
    assert drivers.failures == []
    agreed(house, drivers.asked)
    nothing_left(house)


def test_workers_and_web_are_killed_under_load(house: House) -> None:
    drivers = Drivers(house, ["HC-H09"])
    with drivers.at_work(each=1):
        killed = {name: house.kill(name) for name in ("worker-now", "worker-bulk", "beat", "web")}
        for name, old in killed.items():
            house.wait_back(name, old)
        house.wait_ready()
    assert drivers.failures == []
    agreed(house, drivers.asked)
    nothing_left(house)
