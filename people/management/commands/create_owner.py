"""`create_owner EMAIL --organisation NAME`: the first person of an organisation, who invites the rest."""

import getpass
import os
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from lib import clock
from people import organisations


class Command(BaseCommand):
    help = "Creates an organisation and its owner. The password is asked for, or read from OWNER_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--organisation", required=True)
        parser.add_argument("--name", default="", help="the owner's name")
        parser.add_argument("--staff", action="store_true", help="may also open the admin panel")

    def handle(self, *args: Any, **options: Any) -> None:
        password = _password()
        try:
            validate_email(options["email"])
            validate_password(password)
            organisations.found(
                name=options["organisation"],
                email=options["email"],
                password=password,
                owner_name=options["name"],
                staff=options["staff"],
                now=clock.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except organisations.UserExists as error:
            raise CommandError(
                f"{options['email']} has an account already: sign in with it, or choose another address."
            ) from error
        self.stdout.write(f"{options['email']} owns {options['organisation']}. Sign in and add an Eevion account.")


def _password() -> str:
    given = os.environ.get("OWNER_PASSWORD")
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for a password: set OWNER_PASSWORD.")
    first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
    if first != second:
        raise CommandError("The two passwords differ: try again.")
    return first
