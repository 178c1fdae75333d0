"""What holds for every test."""

import pytest


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The board draws everything anew: a test makes another world within the second for which pieces are kept."""
    from django.apps import apps

    if not apps.ready:
        return
    from charging.views import board_html

    monkeypatch.setattr(board_html, "ROW_KEPT_S", 0.0)
    monkeypatch.setattr(board_html, "AROUND_KEPT_S", 0.0)
    monkeypatch.setattr(board_html, "AROUND_SHARE", 0.0)
