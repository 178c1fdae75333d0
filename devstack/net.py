"""Ports of this machine and plain requests to our own loopback servers."""

from __future__ import annotations

import json
import socket
import urllib.request
from typing import Any

from devstack.problem import Problem


def free_port(host: str, *, avoid: int = 0) -> int:
    """A TCP port that nobody listens on at this moment."""
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
            port = int(probe.getsockname()[1])
        if port != avoid:
            return port


def require_port(host: str, port: int, variable: str) -> None:
    """Raises Problem when somebody listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Problem(f"Port {port} is reserved for root: choose another, as in {variable}=8080 ./run.") from None
        except OSError as error:
            raise Problem(
                f"Port {port} on {host} cannot be used ({error.strerror}): stop the program that has it, "
                f"or choose another, as in {variable}={port + 1} ./run."
            ) from None


def fetch(url: str, *, body: Any = None, timeout_s: float = 10) -> bytes | None:
    """The body of a good answer; None when nobody answers or the answer is an error."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            return bytes(answer.read())
    except OSError:
        return None
