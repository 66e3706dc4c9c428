"""A load of 20 machines against a real server: served, counted, drawn and judged."""

import json
from pathlib import Path

from rmfs_server.folder import open_books
from rmfs_server.store.verify import verify_books
from tests.processes import Server, done, rmfs


def test_a_server_is_put_under_load_and_every_paisa_is_found(tmp_path: Path) -> None:
    folder, page = tmp_path / "rmfs-server", tmp_path / "load.html"
    done("server", "init", "--server", folder)
    with Server(folder) as server:
        asked = (
            *("fleet", "load", "--server", folder, "--line", server.line),
            *("--machines", "20", "--processes", "2", "--rate", "20"),
            *("--seconds", "3", "--json"),
        )
        first = rmfs(*asked, "--report", page)
        second = rmfs(*asked, "--even")
    assert (first.code, second.code) == (0, 0), (first, second)
    assert page.read_text().count("<svg") == 4
    once, again = json.loads(first.out), json.loads(second.out)
    assert again["due"] == 58
    paise = 0
    for told in (once, again):
        assert told["due"] == told["begun"] + told["left_out"] > 20
        assert sum(told["ended"].values()) == told["begun"]
        judged = told["judgement"]
        assert judged["recharges"] == told["ended"]["confirmed"]
        assert judged["paise"] == judged["recharges"] * 10_000
        assert judged["unsettled"] == judged["lost_paise"] == 0
        assert sum(one["due"] for one in told["by_part"]) == told["due"]
        assert 0 < told["waits_ms"]["p50"] <= told["waits_ms"]["longest"]
        paise += judged["paise"]
    assert paise > 0
    with open_books(folder) as store, store.reading() as connection:
        assert verify_books(connection) == []


def test_a_server_that_is_not_there_serves_nobody_and_loses_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "rmfs-server"
    done("server", "init", "--server", folder)
    said = rmfs(
        *("fleet", "load", "--server", folder, "--line", "tcp:127.0.0.1:1"),
        *("--machines", "1", "--rate", "5", "--seconds", "1", "--attempts", "1"),
    )
    assert said.code == 1
    assert "0.0 served" in said.out
    assert "0 recharges in the books" in said.out


FLEET = """\
count = 4
first_licence = "N300001"
[funds]
deposit_paise = 500_000
"""


def test_machines_of_a_fleet_are_put_to_it_again_and_again(tmp_path: Path) -> None:
    folder, file, offices = (
        tmp_path / name for name in ("rmfs-server", "four.toml", "offices")
    )
    file.write_text(FLEET)
    done("server", "init", "--server", folder)
    done("fleet", "new", file, offices, "--server", folder)
    done("fleet", "enrol", offices, "--server", folder)
    with Server(folder) as server:
        asked = (
            *("fleet", "load", "--server", folder, "--line", server.line),
            *("--fleet", offices, "--rate", "5", "--seconds", "2", "--json"),
        )
        first, second = rmfs(*asked, "--processes", "2"), rmfs(*asked, "--even")
        many = rmfs(*asked, "--machines", "5")
    assert (first.code, second.code) == (0, 0), (first, second)
    once, again = json.loads(first.out), json.loads(second.out)
    # The books tell of their whole lives.
    recharges = once["ended"]["confirmed"] + again["ended"]["confirmed"]
    assert again["judgement"]["recharges"] == recharges
    assert again["judgement"]["paise"] == 10_000 * recharges
    assert (many.code, "has 4 machines" in many.err) == (2, True)


def test_a_page_that_cannot_be_written_is_told_before_anything_is_done(
    tmp_path: Path,
) -> None:
    said = rmfs(
        *("fleet", "load", "--server", tmp_path, "--line", "tcp:127.0.0.1:1"),
        *("--report", tmp_path / "nowhere" / "load.html"),
    )
    assert (said.code, "is no folder" in said.err) == (2, True)
