"""`import_sessions FILE [--organisation NAME]`: past sessions from a CSV file; importing again changes nothing."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from charging import imports, session_file
from lib import clock
from people.models import Organisation

MOST_LINES_SHOWN = 50


class Command(BaseCommand):
    help = "Import past sessions from a CSV file (plain or .gz). Importing the same file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--organisation", help="its name; may be left out when there is a demo or only one")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = _organisation(options["organisation"])
        try:
            outcome = imports.save(
                organisation, session_file.read(options["file"]), now=clock.now(), progress=self._say_progress
            )
        except session_file.UnreadableFile as error:
            raise CommandError(str(error)) from error
        for bad in outcome.bad[:MOST_LINES_SHOWN]:
            self.stderr.write(f"line {bad.line}: {bad.why}")
        if len(outcome.bad) > MOST_LINES_SHOWN:
            self.stderr.write(f"and {len(outcome.bad) - MOST_LINES_SHOWN} more rows that could not be read")
        self.stdout.write(
            f"{outcome.created} sessions imported into {organisation}, {outcome.known} were there already, "
            f"{len(outcome.bad)} rows could not be read"
        )
        if outcome.bad and not outcome.read:
            raise CommandError("No row could be read: correct the lines named above and import the file again.")

    def _say_progress(self, outcome: imports.Outcome) -> None:
        self.stdout.write(f"{outcome.read + len(outcome.bad)} rows read, {outcome.created} sessions imported so far")
        self.stdout.flush()


def _organisation(name: str | None) -> Organisation:
    if name is not None:
        found = list(Organisation.objects.filter(name=name)[:2])
    else:
        found = list(Organisation.objects.filter(is_demo=True)[:2]) or list(Organisation.objects.all()[:2])
    if len(found) == 1:
        return found[0]
    if name is not None and found:
        raise CommandError(f"There are several organisations named {name!r}: rename one in the admin panel first.")
    if name is not None:
        raise CommandError(f"There is no organisation named {name!r}.")
    raise CommandError("Say which organisation the sessions belong to: --organisation NAME.")
