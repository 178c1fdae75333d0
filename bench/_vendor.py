"""The sandbox as a process of its own, for benchmarks that start nothing else of the stack."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 30


class Vendor:
    """`url` is its address; orders go to its control interface."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--world", "empty", "--seed", "1"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1].rstrip("/")
        self.http = requests.Session()
        self.http.trust_env = False

    def order(self, path: str, body: Any) -> None:
        self.http.post(f"{self.url}/_sandbox/{path}", json=body, timeout=PATIENCE_S).raise_for_status()

    def ask(self, path: str) -> Any:
        answer = self.http.get(f"{self.url}/_sandbox/{path}", timeout=PATIENCE_S)
        answer.raise_for_status()
        return answer.json()

    def arrivals(self, key: str) -> tuple[list[float], int]:
        """The wall seconds of all requests with the key, and how many were refused."""
        said = self.ask(f"arrivals?key={quote(key)}")
        return sorted(said["arrivals"]), said["refused_429"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
