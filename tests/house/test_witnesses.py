"""Witnesses are no witnesses if they share code with what they testify about."""

import ast
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT, parsed, shown, uses

WITNESSES = ("tests.oracle", "tests.witness.spec_", "tests.witness.edhoc_peer")
LIBRARIES = {*sys.stdlib_module_names, "cryptography"}
FILES = [
    *sorted((ROOT / "tests" / "oracle").glob("*.py")),
    *sorted((ROOT / "tests" / "witness").glob("spec_*.py")),
    ROOT / "tests" / "witness" / "edhoc_peer.py",
]


def foreign(tree: ast.Module) -> list[str]:
    """Find what a witness imports and may not."""
    return [
        use.name
        for use in uses(tree)
        if use.imported
        and use.name.split(".")[0] not in LIBRARIES
        and not use.name.startswith(WITNESSES)
    ]


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_witness_shares_no_code_with_the_product(path: Path) -> None:
    assert foreign(parsed(path)) == []


@pytest.mark.parametrize(
    "bad",
    [
        "from protocol.messages import MessageType",
        "import hw.seen.decoding",
        "from rmfs_tools import spec",
        "from tests.witness.small_server import voucher_for",
        "from tests import system",
        "def late() -> None:\n    import fm_device",
        "import construct",
    ],
)
def test_the_rule_about_witnesses_has_teeth(bad: str) -> None:
    assert foreign(ast.parse(bad))
