"""The threat model lists every file in which cryptography is used, and no other."""

import ast
import re
from typing import Final

import pytest

from tests.house.sources import (
    ROOT,
    fits,
    is_or_is_in,
    parsed,
    python_files,
    shown,
    uses,
)

PRODUCT: Final = (
    "protocol",
    "hw",
    "fm_device",
    "rmfs_server",
    "dop_gateway",
    "portal",
)
LIBRARIES: Final = (
    "argon2",
    "asyncssh",
    "cryptography",
    "hashlib",
    "hmac",
    "lakers",
    "pkcs11",
    "pwdlib",
    "pyotp",
    "ssl",
)
PAGE: Final = (ROOT / "docs" / "threat-model.md").read_text("utf-8")


def listed() -> list[str]:
    """List the patterns of files in the page's table."""
    table = PAGE.split("### Where cryptography is\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    return [pattern for cell in cells for pattern in re.findall(r"`([^`]+)`", cell)]


def uses_cryptography(tree: ast.Module) -> bool:
    """Say whether a module imports a library of cryptography or a hash."""
    return any(
        use.imported and is_or_is_in(use.name, library)
        for use in uses(tree)
        for library in LIBRARIES
    )


def _using() -> list[str]:
    return [
        shown(path)
        for path in python_files(*PRODUCT)
        if uses_cryptography(parsed(path))
    ]


def test_cryptography_is_used_in_these_files_and_in_no_other() -> None:
    patterns = listed()
    assert len(patterns) > 20
    assert [path for path in _using() if not fits(path, patterns)] == []


def test_every_row_has_a_file() -> None:
    using = _using()
    unused = [one for one in listed() if not any(fits(path, [one]) for path in using)]
    assert unused == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from hashlib import sha256", True),
        ("from cryptography.hazmat.primitives import hashes", True),
        ("import hmac as h", True),
        ("from protocol.keys import SigningKey", False),
        ("import hashing", False),
    ],
)
def test_the_rule_about_cryptography_has_teeth(text: str, *, found: bool) -> None:
    assert uses_cryptography(ast.parse(text)) is found
