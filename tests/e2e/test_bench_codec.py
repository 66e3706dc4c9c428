"""The bench of the codec measures, and no good frame is lost behind a damaged one."""

import json
from typing import NoReturn

import pytest

from rmfs_tools.bench.codec import Case, recover, run
from rmfs_tools.bench.codec_peers import CODECS, OURS
from tests.processes import rmfs


def test_a_quick_run_tells_what_frames_cost_and_that_ours_recover() -> None:
    said = rmfs("bench", "codec", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])
    assert found["frame_us"] > 0
    assert found["deframe_mb_s"] > 0
    assert found["chunk_octets"] == 4_096
    assert 262 <= found["line_octets"] <= 270
    assert [peer["peer"] for peer in found["peers"]] == ["pymodbus", "sliplib"]
    for peer in found["peers"]:
        assert peer["frame_us"] > 0
        assert peer["deframe_mb_s"] > 0
        assert peer["differs"] in said.out
    rows = found["recovery"]
    assert [(row["peer"], row["case"]) for row in rows] == [
        (name, case.value) for name in CODECS for case in Case
    ]
    for row in rows:
        assert row["delivered"] == (row["runs_delivered"] == row["runs"] == 20)
    ours = [row for row in rows if row["peer"] == OURS]
    assert all(row["delivered"] and row["frames_lost"] == 0 for row in ours)
    assert "sliplib: times, then recovery" in said.err


@pytest.mark.parametrize("case", Case)
def test_no_good_frame_of_ours_is_lost_or_made_up(case: Case) -> None:
    row = recover(OURS, CODECS[OURS], case, runs=300)
    assert (row.runs_delivered, row.frames_lost, row.altered) == (300, 0, 0)


@pytest.mark.parametrize("case", Case)
def test_a_peer_without_a_checksum_delivers_what_nobody_sent(case: Case) -> None:
    row = recover("sliplib", CODECS["sliplib"], case, runs=20)
    assert row.delivered
    assert row.altered > 0


def test_a_codec_that_loses_good_frames_fails_in_our_place() -> None:
    words: list[str] = []
    codecs = {OURS: CODECS["pymodbus"]}
    assert run(words.append, print, as_json=True, quick=True, codecs=codecs) == 1
    rows = json.loads(words[-1])["recovery"]
    assert [row["frames_lost"] for row in rows if row["case"] == "junk"] == [1]


def test_a_peer_that_is_not_installed_is_named_and_left_out() -> None:
    def absent() -> NoReturn:
        raise ModuleNotFoundError(name="sliplib")

    words: list[str] = []
    codecs = {OURS: CODECS[OURS], "sliplib": absent}
    assert run(words.append, print, as_json=True, quick=True, codecs=codecs) == 0
    assert "sliplib is not installed (requirements.in, Check): not compared" in words
    assert json.loads(words[-1])["peers"] == []
