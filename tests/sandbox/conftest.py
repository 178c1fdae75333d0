"""A world on a free port whose clock only tests move, and a receiver for its webhooks."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sandbox import demo
from sandbox.clock import Clock
from sandbox.server import Server
from sandbox.store import Store
from sandbox.world import World
from tests.sandbox.vendor import Receiver, Vendor

ORIGIN_AT = datetime(2026, 1, 8, 17, 0, tzinfo=UTC)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """An empty world, its clock at ORIGIN_AT until a test moves it; stations S1 (two connectors) and S2."""
    clock = Clock(origin_at=ORIGIN_AT, epoch_s=time.time(), speed=0)
    world = World(clock=clock, store=Store(None), seed=7)
    demo.build(world, seed=7, name="empty")
    server = Server(world, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    world.start()
    running = Vendor(f"http://127.0.0.1:{server.server_address[1]}", world)
    running.control("keys", {"key": "sandbox-production-key", "limit": 100_000})
    running.control("settings", {"webhook_backoff_wall_s": 0.02})
    running.control("stations", [{"station": "S1", "connectors": 2}, {"station": "S2"}])
    yield running
    running.http.close()
    server.shutdown()
    server.server_close()
    world.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook receiver on a free port."""
    running = Receiver()
    yield running
    running.server.shutdown()
    running.server.server_close()
