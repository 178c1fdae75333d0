"""Servers of the user's which do not answer get one sentence, without their passwords."""

from __future__ import annotations

import os

import pytest

from devstack import outside
from devstack.net import free_port
from devstack.problem import Problem


def sentence(env: dict[str, str]) -> str:
    with pytest.raises(Problem) as caught:
        outside.require_servers(env)
    return str(caught.value)


def test_a_database_that_answers_passes() -> None:
    outside.require_servers({"DATABASE_URL": os.environ["DATABASE_URL"]})


def test_a_database_that_does_not_answer() -> None:
    port = free_port("127.0.0.1")
    said = sentence({"DATABASE_URL": f"postgresql://someone:hidden@127.0.0.1:{port}/name"})
    assert said.startswith("The database of DATABASE_URL does not let us in (connection")
    assert said.endswith("): start it, correct it, or unset it to use ours.")
    assert "hidden" not in said


def test_another_kind_of_database() -> None:
    said = sentence({"DATABASE_URL": "sqlite:///file"})
    assert said == "DATABASE_URL must start with postgresql://: no other database is supported."


@pytest.mark.parametrize("scheme", ["redis", "amqp", "carrier-pigeon"])
def test_a_broker_that_does_not_answer(scheme: str) -> None:
    said = sentence({"BROKER_URL": f"{scheme}://someone:hidden@127.0.0.1:{free_port('127.0.0.1')}/0"})
    assert said.startswith("The broker of BROKER_URL does not let us in (")
    assert said.endswith("): start it, correct it, or unset it to use ours.")
    assert "hidden" not in said
