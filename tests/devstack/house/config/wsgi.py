"""Answers as the product's readiness page does."""

import os
from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("X-Ready-Token", os.environ["READY_TOKEN"]), ("Content-Type", "text/plain")])
    return [f"{os.getppid()}".encode()]
