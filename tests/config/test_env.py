"""What the environment says is read typed; what is missing or wrong ends the start with a sentence that names it."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config import env

KEYS = [Fernet.generate_key().decode() for _ in range(2)]


def test_several_encryption_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", f" {KEYS[0]}, {KEYS[1]},")
    assert env.encryption_keys() == KEYS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "ENCRYPTION_KEYS is empty"),
        ("secret", "ENCRYPTION_KEYS: key 1 is not 32 bytes"),
        (f"{KEYS[0]},{KEYS[1][:-4]}", "ENCRYPTION_KEYS: key 2 is not 32 bytes"),
        ("clé" * 11, "ENCRYPTION_KEYS: key 1 is not 32 bytes"),
    ],
    ids=["empty", "a word", "the second too short", "not of this alphabet"],  # keys are drawn anew in every process
)
def test_a_key_that_is_none_is_named_and_never_quoted(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", value)
    with pytest.raises(ImproperlyConfigured, match=said) as caught:
        env.encryption_keys()
    assert "secret" not in str(caught.value)
