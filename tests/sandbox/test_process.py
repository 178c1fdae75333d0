"""The sandbox as a process: its ready line, kill -9, and exactness when business time runs 2,000 times as fast."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.sandbox.vendor import Receiver, Vendor, wait_for

ROOT = Path(__file__).resolve().parents[2]
Launch = Callable[..., tuple[Vendor, subprocess.Popen[str]]]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start `python -m sandbox` on a free port."""
    running: list[tuple[Vendor, subprocess.Popen[str]]] = []

    def start(*options: str, **variables: str) -> tuple[Vendor, subprocess.Popen[str]]:
        command = [sys.executable, "-m", "sandbox", "--port", "0", *options]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CHARGEHAND_API")} | variables
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("sandbox: ready at http://127.0.0.1:"), line
        running.append((Vendor(line.split()[-1].rstrip("/")), process))
        return running[-1]

    yield start
    for vendor, process in running:
        vendor.http.close()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_kill_9_loses_nothing_that_was_acknowledged(launch: Launch, tmp_path: Path) -> None:
    state = str(tmp_path / "world.sqlite")
    vendor, process = launch("--world", "empty", "--state", state)
    vendor.control("stations", [{"station": f"S{n}"} for n in range(1, 6)])
    for number in range(1, 5):
        vendor.control("plug", {"stationId": f"S{number}", "plan": {"energy_kwh": "1.234", "duration_s": 4 * number}})
    started = [vendor.start(f"S{number}", externalReference=f"r{number}") for number in range(1, 5)]
    job = vendor.call("POST", "stations/manage", json={"stationIds": ["S5"], "priorityStatus": "outOfService"}).json()
    process.send_signal(signal.SIGKILL)
    process.wait()
    vendor, process = launch("--state", state)
    sessions = {s["sessionID"]: s for s in vendor.control("ledger")["sessions"]}
    assert [sessions[i]["externalReference"] for i in started] == ["r1", "r2", "r3", "r4"]
    vendor.control("clock", {"advance_s": 60})
    sessions = {s["sessionID"]: s for s in vendor.control("ledger")["sessions"]}
    assert [(sessions[i]["status"], sessions[i]["energy"], sessions[i]["duration"]) for i in started] == [
        ("completed", 1.234, 4 * number) for number in range(1, 5)
    ]
    (finished,) = vendor.control("ledger")["jobs"]
    assert (finished["jobId"], finished["status"]) == (job["jobId"], "succeeded")
    assert vendor.call("POST", "session", json={"stationId": "S5"}).status_code == 422


def test_a_restart_remembers_faults_clock_and_requests(launch: Launch, tmp_path: Path) -> None:
    state = str(tmp_path / "world.sqlite")
    vendor, process = launch("--world", "empty", "--speed", "1", "--state", state)
    vendor.control("keys", {"key": "sandbox-production-key", "limit": 3, "window_s": 60})
    vendor.control("stations", [{"station": "S1"}, {"station": "S2"}])
    script = [
        {"endpoint": "exceptions", "fault": "error", "times": 3, "error_status": 503},
        {"endpoint": "manage", "fault": "refuse", "stationId": "S2"},
    ]
    vendor.control("faults", {"script": script, "probabilities": {"webhook": {"lost": 0.5}}, "options": {"late_s": 9}})
    vendor.control("clock", {"speed": 0, "advance_s": 7200})
    before = vendor.control("clock")
    assert [vendor.call("GET", "exceptions").status_code for _ in range(2)] == [503, 503]
    process.send_signal(signal.SIGKILL)
    process.wait()

    vendor, process = launch("--speed", "1", "--state", state)
    assert vendor.control("clock") == before
    faults = vendor.control("faults")
    assert [(step["endpoint"], step["times"], step["stationId"]) for step in faults["script"]] == [
        ("exceptions", 1, None),
        ("manage", 1, "S2"),
    ]
    assert (faults["probabilities"], faults["options"]["late_s"]) == ({"webhook": {"lost": 0.5}}, 9)
    assert faults["drawn"] == {"exceptions:error": 2}
    assert [vendor.call("GET", "exceptions").status_code for _ in range(2)] == [503, 429]
    assert vendor.control("ledger")["requests"]["sandbox-production-key"] == {"accepted": 3, "refused_429": 1}
    process.send_signal(signal.SIGKILL)
    process.wait()

    vendor, _ = launch("--speed", "2", "--state", state)  # ordered otherwise: the order holds
    assert vendor.control("clock")["speed"] == 2


def test_plans_are_exact_at_speed_2000(launch: Launch) -> None:
    vendor, _ = launch("--world", "empty", "--speed", "2000")
    vendor.control("keys", {"key": "sandbox-production-key", "limit": 600})
    durations_s = [1, 2, 7, 60, 3600]
    vendor.control("stations", [{"station": f"S{seconds}"} for seconds in durations_s])
    for seconds in durations_s:
        vendor.control("plug", {"stationId": f"S{seconds}", "plan": {"energy_kwh": "7.413", "duration_s": seconds}})
    ids = [vendor.start(f"S{seconds}") for seconds in durations_s]
    wait_for(lambda: all(vendor.ledger_session(i)["status"] == "completed" for i in ids))
    for session_id, seconds in zip(ids, durations_s, strict=True):
        session = vendor.ledger_session(session_id)
        begun_at, ended_at = (datetime.fromisoformat(session[name]) for name in ("startedAt", "completedAt"))
        assert ended_at - begun_at == timedelta(seconds=seconds)
        assert (session["energy"], session["duration"], session["cost"]) == (7.413, seconds, 2.37)
    (state,) = vendor.control("state")["sites"]
    assert {c["state"] for s in state["stations"] for c in s["connectors"]} == {"available"}


def test_drivers_ask_the_product_again_until_it_listens(launch: Launch, receiver: Receiver) -> None:
    receiver.statuses = [503] * 4
    vendor, _ = launch(
        "--world", "demo", "--speed", "60", CHARGEHAND_API_URL=f"{receiver.url}/", CHARGEHAND_API_KEY="chk-demo"
    )
    vendor.control("clock", {"advance_s": 3600})
    wait_for(lambda: len(receiver.received) > 12)
    wait_for(lambda: len({body["reference"] for body in receiver.bodies()}) < len(receiver.received))
    assert {path for path, _ in receiver.received} == {"/api/v1/sessions"}
    assert set(receiver.authorizations) == {"Bearer chk-demo"}
    stations = {s["stationId"]: s for site in vendor.control("state")["sites"] for s in site["stations"]}
    for body in receiver.bodies():
        assert set(body) == {"station", "connector", "reference"}
        assert 1 <= body["connector"] <= len(stations[body["station"]]["connectors"])
    asked = {(body["station"], body["connector"], body["reference"]) for body in receiver.bodies()}
    assert len(asked) == len({reference for _, _, reference in asked})
    assert {session["source"] for session in vendor.control("ledger")["sessions"]} <= {"rfid"}


def test_business_time_follows_its_origin(launch: Launch) -> None:
    vendor, _ = launch("--world", "empty", "--speed", "0", "--origin", "2019-06-03T06:00:00Z@1767891600.5")
    assert vendor.control("clock") == {"now": "2019-06-03T06:00:00Z", "speed": 0.0}


def test_a_term_signal_ends_it_in_order(launch: Launch) -> None:
    _, process = launch("--world", "demo")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0


def test_a_taken_port_is_one_sentence(launch: Launch) -> None:
    vendor, _ = launch("--world", "empty")
    port = vendor.base_url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "sandbox", "--port", port, "--world", "empty"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"sandbox: cannot listen on 127.0.0.1:{port} (")
    assert "Traceback" not in answer.stderr
