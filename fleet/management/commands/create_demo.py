"""`create_demo --stations FILE --tariffs FILE`: the demo organisation, once. Its last line holds the logins."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fleet import demo, import_rows
from lib import clock


class Command(BaseCommand):
    help = "Creates the demo organisation with its logins, account, tariffs and stations. Again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stations", type=Path, required=True, help="the sandbox's stations.csv")
        parser.add_argument("--tariffs", type=Path, required=True, help="the sandbox's tariffs.csv")

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = os.environ.get("SANDBOX_URL", "").rstrip("/")
        if not base_url:
            raise CommandError("SANDBOX_URL is empty: set it to the sandbox's address, or let ./run do all of this.")
        try:
            stations, tariffs = options["stations"].read_bytes(), options["tariffs"].read_bytes()
            demo.create(stations=stations, tariffs=tariffs, base_url=base_url, now=clock.now())
        except (OSError, import_rows.Unreadable, demo.RowsRefused) as error:
            raise CommandError(f"The demo was not created: {error}") from error
        self.stdout.write(demo.logins())
