"""The settings that ship for three PostgreSQLs, and what it takes to rehearse them."""

import subprocess
from pathlib import Path
from string import Template

import pytest

from hw.entropy import SeededEntropy
from rmfs_tools.failover.cluster import RECIPE, Cluster, balanced, filled
from rmfs_tools.failover.entering import what_is_missing
from rmfs_tools.failover.events import ALL, CONTROL
from rmfs_tools.failover.network import NODES
from rmfs_tools.failover.programs import Launcher
from tests.house.sources import ROOT
from tests.witness.programs import needs

DOCUMENT = ROOT / "docs" / "high-availability.md"


def settings(name: str) -> dict[str, str]:
    """Read the settings of a recipe that stand on a line of their own."""
    lines = (line.strip() for line in (RECIPE / name).read_text("utf-8").splitlines())
    rows = (line.partition(": ") for line in lines if not line.startswith("#"))
    return {key: value.strip('"') for key, colon, value in rows if colon}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("synchronous_mode", "true"),
        ("synchronous_mode_strict", "true"),
        ("synchronous_commit", "on"),
        ("wal_log_hints", "on"),
        # It would cancel a COMMIT that waits, and PostgreSQL would answer success.
        ("statement_timeout", "0"),
    ],
)
def test_a_commit_waits_for_a_standby_and_nothing_cancels_it(
    key: str, value: str
) -> None:
    assert settings("patroni.yml")[key] == value


def test_a_key_in_etcd_lives_longer_than_patroni_tries_to_renew_it() -> None:
    """Patroni asks for it: loop_wait + 2 * retry_timeout <= ttl."""
    found = settings("patroni.yml")
    longest_s = int(found["loop_wait"]) + 2 * int(found["retry_timeout"])
    assert longest_s <= int(found["ttl"])


def test_a_former_leader_cannot_take_the_key_of_a_new_one() -> None:
    """Patroni before 3.0.3 overwrites it by version 3 of etcd's protocol."""
    lines = (RECIPE / "patroni.yml").read_text("utf-8").splitlines()
    assert "etcd:" in lines
    assert "etcd3:" not in lines
    assert settings("etcd.yml")["enable-v2"] == "true"


def test_the_balancer_asks_for_the_leader_and_closes_what_goes_to_another() -> None:
    text = (RECIPE / "haproxy.cfg").read_text("utf-8")
    assert "option httpchk OPTIONS /primary" in text
    assert "on-marked-down shutdown-sessions" in text


def test_haproxy_itself_accepts_the_recipe(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    values = {"folder": str(tmp_path), "haproxy_servers": balanced()}
    for recipe, accepted in (
        (filled("haproxy.cfg", values), True),
        (filled("haproxy.cfg", values).replace("on-marked-down", "on-moon"), False),
    ):
        config.write_text(recipe)
        words = [needs("haproxy"), "-c", "-f", str(config)]
        checked = subprocess.run(words, capture_output=True, check=False, text=True)
        assert (checked.returncode == 0) is accepted, checked.stderr


def test_books_are_written_on_a_leader_only() -> None:
    launcher = Launcher(Path(), {})
    url = Cluster(launcher, Path(), SeededEntropy(b"recipe")).url
    assert "target_session_attrs=read-write" in url


@pytest.mark.parametrize("name", ["etcd.yml", "patroni.yml", "haproxy.cfg"])
def test_every_value_that_a_recipe_leaves_open_is_told(name: str) -> None:
    open_values = Template((RECIPE / name).read_text("utf-8")).get_identifiers()
    told = DOCUMENT.read_text("utf-8")
    assert open_values
    assert [value for value in open_values if f"`${{{value}}}`" not in told] == []


def test_every_event_is_told() -> None:
    told = DOCUMENT.read_text("utf-8")
    assert [one.name for one in (*ALL, CONTROL) if f"`{one.name}`" not in told] == []


def test_only_the_control_gives_up_what_protects() -> None:
    assert all(one.synchronous for one in ALL)
    assert not CONTROL.synchronous
    assert len({node.address for node in NODES}) == len(NODES)


def test_what_is_missing_is_named_with_the_package_that_brings_it(
    tmp_path: Path,
) -> None:
    found = what_is_missing(is_root=False, path=str(tmp_path), daemons=str(tmp_path))
    assert "patroni is not here (Debian: apt-get install patroni)" in found
    assert "etcd is not here (Debian: apt-get install etcd-server)" in found
    assert found[-1].startswith("only root may make network namespaces")
    (tmp_path / "patroni").write_text("#!/bin/sh\n")
    (tmp_path / "patroni").chmod(0o755)
    found = what_is_missing(is_root=True, path=str(tmp_path), daemons="")
    assert not any("patroni" in words or "root" in words for words in found)
