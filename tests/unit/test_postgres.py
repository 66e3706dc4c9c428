"""The throw-away PostgreSQL of the check."""

from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from rmfs_tools.postgres import (
    find_binaries,
    folder_in_memory,
    mortal_cluster,
    throw_away_cluster,
)
from tests.witness.programs import missing


def _program(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "initdb").touch(mode=0o755)


def test_the_newest_version_of_debian_is_taken(tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        _program(tmp_path / version / "bin")
    assert find_binaries(tmp_path, path="") == tmp_path / "17" / "bin"


def test_postgresql_on_the_path_is_taken_where_debians_is_not(tmp_path: Path) -> None:
    _program(tmp_path / "bin")
    none = tmp_path / "none"
    assert find_binaries(none, path=str(tmp_path / "bin")) == tmp_path / "bin"


def test_a_machine_without_postgresql_has_none(tmp_path: Path) -> None:
    (tmp_path / "15" / "bin").mkdir(parents=True)
    assert find_binaries(tmp_path, path=str(tmp_path)) is None


def test_a_cluster_is_kept_in_memory_where_there_is_room(tmp_path: Path) -> None:
    assert folder_in_memory(tmp_path, 1) == tmp_path
    assert folder_in_memory(tmp_path, 1 << 80) is None
    assert folder_in_memory(tmp_path / "none", 1) is None


def test_a_cluster_serves_on_its_socket_and_leaves_nothing_behind() -> None:
    binaries = find_binaries()
    if binaries is None:
        missing("PostgreSQL is not on this machine (apt-get install postgresql)")
    with throw_away_cluster(binaries, folder_in_memory()) as url:
        folder = make_url(url).query["host"]
        assert isinstance(folder, str)
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW listen_addresses")) == ""
            assert connection.scalar(text("SHOW server_encoding")) == "UTF8"
    assert not Path(folder).exists()


def test_a_cluster_that_was_killed_has_what_was_committed() -> None:
    binaries = find_binaries()
    if binaries is None:
        missing("PostgreSQL is not on this machine (apt-get install postgresql)")
    with mortal_cluster(binaries, folder_in_memory()) as cluster:
        engine = create_engine(cluster.url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (id BIGINT PRIMARY KEY)"))
        cluster.kill()
        with pytest.raises(OperationalError), engine.connect():
            pytest.fail("a postmaster that is killed answers")
        cluster.start()
        with engine.connect() as connection:
            assert connection.execute(text("SELECT id FROM kept")).all() == []
        # Killed and not started again, it is thrown away all the same.
        cluster.kill()


def test_every_test_gets_an_empty_database_of_its_own(store_url: str) -> None:
    engine = create_engine(store_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE only_here (id BIGINT PRIMARY KEY)"))
        connection.execute(text("INSERT INTO only_here VALUES (1)"))


def test_what_another_test_stored_is_not_there(store_url: str) -> None:
    engine = create_engine(store_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE only_here (id BIGINT PRIMARY KEY)"))
