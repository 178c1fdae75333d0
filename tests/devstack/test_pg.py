"""The private PostgreSQL: its promises about version, ownership and address."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.pg import Cluster
from devstack.problem import Problem


def test_data_of_another_major_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "pg", throwaway=True)
    cluster.data.mkdir(parents=True)
    (cluster.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Problem) as caught:
        cluster.prepare()
    assert str(caught.value) == (
        f"{cluster.data} was made by PostgreSQL 9 and this is 18: `./run reset` throws the local data away; "
        "to keep it, dump it with PostgreSQL 9 first."
    )
