"""docs/operations.md names every setting and every command there is."""

from __future__ import annotations

import re
from pathlib import Path

from devstack import bootstrap

ROOT = Path(__file__).resolve().parents[2]
MANUAL = (ROOT / "docs" / "operations.md").read_text()
# What config/env.py reads by a default name of its own.
BY_DEFAULT = {"DATABASE_URL", "EMAIL_URL", "ENCRYPTION_KEYS"}


def settings() -> set[str]:
    source = (ROOT / "config" / "settings.py").read_text()
    return set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", source)) | BY_DEFAULT


def test_every_setting_is_told() -> None:
    assert len(settings()) > 15
    assert (
        sorted(name for name in settings() if f"`{name}`" not in MANUAL.split("### Settings of the product")[1]) == []
    )


def test_every_command_is_told() -> None:
    assert sorted(name for name in {*bootstrap.LEVELS, "reset"} - {"start"} if f"`./run {name}" not in MANUAL) == []
