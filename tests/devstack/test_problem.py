"""What a person reads when a program of ours fails."""

from __future__ import annotations

from devstack import problem


def test_the_sentence_of_the_product_stands_without_its_traceback() -> None:
    output = (
        "Traceback (most recent call last):\n  File x\n"
        "django.core.exceptions.ImproperlyConfigured: READ_EVERY_S must be a whole number, not 'often'\n"
    )
    assert str(problem.from_program("manage.py migrate", output)) == "READ_EVERY_S must be a whole number, not 'often'"
    said = "1 row read\nCommandError: There is no demo organisation: ./run makes one.\n"
    assert str(problem.from_program("manage.py demo_key", said)) == "There is no demo organisation: ./run makes one."


def test_any_other_failure_shows_what_was_printed() -> None:
    assert (
        str(problem.from_program("manage.py migrate", "KeyError: 'x'\n")) == "manage.py migrate failed:\nKeyError: 'x'"
    )
    assert str(problem.from_program("manage.py migrate", "No space left on device\n")) == problem.DISK_FULL
