"""Secrets at rest: text encrypted with the newest of ENCRYPTION_KEYS, and one-way hashes of tokens."""

import hashlib
import secrets
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class Undecryptable(Exception):
    """The stored text was encrypted with a key that ENCRYPTION_KEYS no longer holds."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Raises Undecryptable when no present key fits."""
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise Undecryptable("encrypted with a key that ENCRYPTION_KEYS no longer holds") from error


def new_token() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """SHA-256 as hex. Enough for tokens of 128 bits or more; never for passwords."""
    return hashlib.sha256(token.encode()).hexdigest()


class Unreadable(str):
    """Stands, empty, for a text that no present key decrypts. Saved again, it leaves what is stored as it is."""

    stored: str

    def __new__(cls, stored: str) -> "Unreadable":
        text = super().__new__(cls, "")
        text.stored = stored
        return text

    def __getnewargs__(self) -> tuple[str]:  # for copies
        return (self.stored,)


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Text that rests encrypted. It cannot be searched; an empty text stays empty.

    What cannot be decrypted is read as Unreadable: a row that raised would take every list that holds it along.
    """

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Unreadable):
            return value.stored
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        try:
            return decrypt(value) if value else value
        except Undecryptable:
            return Unreadable(value or "")
