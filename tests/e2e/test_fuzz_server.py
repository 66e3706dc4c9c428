"""`rmfs lab fuzz` and `replay` with a server at its line: real processes over TCP."""

import json
from pathlib import Path

from rmfs_tools.lab.fuzz.virtual_targets import faulty_unit
from rmfs_tools.planting import plant
from tests.lab_server import SERVER, ServerAtWork, UnderTest
from tests.processes import ROOT, rmfs

FAULTY = "funds-not-reserved"
"""A server that tells a machine after its recharge of funds that are spent."""
MACHINES = 20
"""Each case is played by one that has never dialled."""


def test_a_server_is_fuzzed_at_its_line_and_what_is_found_is_played_again(
    tmp_path: Path,
) -> None:
    product, found = tmp_path / "product", tmp_path / "found"
    product.mkdir()
    plant(FAULTY, faulty_unit(FAULTY).edits, ROOT, product)
    under_test = UnderTest.made(tmp_path, MACHINES)
    with ServerAtWork(under_test, root=product) as server:
        declared = under_test.declare(server.line)
        fuzz = ("lab", "fuzz", declared, "--seed", 1, "--cases", 1, "--json")
        said = rmfs(*fuzz, "--out", found)
        assert said.code == 1, said
        told = [json.loads(line) for line in said.out.splitlines()[:-1]]
        assert ("MONEY", "DLG-7.5") in [(one["oracle"], one["clause"]) for one in told]
        again = rmfs("lab", "replay", found)
        assert again.code == 1, again
        assert f"FAILED {declared}: MONEY DLG-7.5" in " ".join(again.out.split())
    with ServerAtWork(under_test) as server:
        right = rmfs(
            "lab", "replay", found, "--target", under_test.declare(server.line)
        )
        assert right.code == 0, right
        assert "FIXED" in right.out
    # What the campaign says of the faulty one, its books say too.
    books = rmfs("server", "verify", "--server", tmp_path / SERVER)
    assert books.code == 1
    assert "recharge 1: a recharge has its postings: reserve:" in books.out
