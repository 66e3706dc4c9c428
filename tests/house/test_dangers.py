"""What makes code of data, or weak cryptography, is used nowhere but where it is said.

`docs/asvs.md` names these rules for what ASVS asks about injection and algorithms.
"""

import ast
from typing import Final

import pytest

from tests.house.sources import fits, is_or_is_in, parsed, python_files, shown, uses

PRODUCT: Final = (
    "protocol",
    "hw",
    "fm_device",
    "rmfs_server",
    "dop_gateway",
    "portal",
)

BUILTINS: Final = frozenset({"eval", "exec", "compile", "__import__"})
"""They make code of text."""

NAMES: Final[dict[str, str]] = {
    "ctypes": "memory is Python's",
    "dill": "objects of a file could be anything",
    "ldap": "there is no directory service",
    "ldap3": "there is no directory service",
    "lxml": "nothing reads XML",
    "marshal": "objects of a file could be anything",
    "os.popen": "a shell reads what it is given",
    "os.system": "a shell reads what it is given",
    "pickle": "objects of a file could be anything",
    "pymemcache": "there is no cache beside the database",
    "shelve": "objects of a file could be anything",
    "subprocess": "another program is run",
    "xml": "nothing reads XML",
    "yaml": "settings are TOML, values JSON",
    "zipfile": "nothing is unpacked that others packed",
    "tarfile": "nothing is unpacked that others packed",
    "cryptography.hazmat.primitives.asymmetric.padding.PKCS1v15": "weak padding",
    "cryptography.hazmat.primitives.asymmetric.rsa": "keys are of P-256 or Ed25519",
    "cryptography.hazmat.primitives.ciphers.modes": "ciphers authenticate (AEAD)",
    "cryptography.hazmat.primitives.hashes.MD5": "broken",
    "cryptography.hazmat.primitives.hashes.SHA1": "broken",
    "hashlib.md5": "broken",
    "hashlib.new": "the hash is named where it is used",
    "hashlib.sha1": "broken",
    "ssl.CERT_NONE": "certificates are looked at",
    "ssl._create_unverified_context": "certificates are looked at",
}
"""What is banned, and why."""

ALLOWED: Final[dict[tuple[str, str], str]] = {
    ("hw/database/copying.py", "subprocess"): "pg_dump and pg_restore, without a shell",
    ("hw/lab/hooks.py", "subprocess"): "the hooks of a lab's own declaration",
    (
        "rmfs_server/keeping/archive.py",
        "tarfile",
    ): "a backup, member by member, by its list",
    ("hw/lab/package.py", "zipfile"): "the signed package of a lab, read by its list",
}

OWN_SQL: Final[dict[str, str]] = {
    "hw/database/widening.py": "a number that SQLite itself gave",
    "rmfs_server/store/credit_keys.py": "names of kinds, from an enumeration",
    "rmfs_server/store/funds.py": "a name of a kind, from an enumeration",
    "rmfs_server/store/recharges.py": "names of states, from an enumeration",
    "rmfs_server/doctor/books.py": "names that stand in the file",
    "dop_gateway/licences/tables.py": "names of states, from an enumeration",
    "*/store/migrations/**": "a migration is written once and has no user",
}
"""Files that put a value of ours into the text of SQL, and which."""


def dangers(tree: ast.Module) -> list[tuple[int, str]]:
    """Find what a module uses of `NAMES` and `BUILTINS`, and shells."""
    found = [
        (use.line, banned)
        for use in uses(tree)
        for banned in NAMES
        if is_or_is_in(use.name, banned)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
                found.append((node.lineno, node.func.id))
            found += [
                (node.lineno, "shell") for word in node.keywords if word.arg == "shell"
            ]
    return found


def spelt_sql(tree: ast.Module) -> list[int]:
    """Find the lines in which the text of SQL is put together while a program runs."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _called(node.func) in {"text", "exec_driver_sql", "literal_column"}
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp | ast.Call)
    ]


def test_nothing_makes_code_of_data_and_no_algorithm_is_weak() -> None:
    found = [
        f"{shown(path)} line {line}: {name}: {NAMES.get(name, 'it makes code of text')}"
        for path in python_files(*PRODUCT)
        for line, name in dangers(parsed(path))
        if not any(
            name == allowed and fits(shown(path), [place]) for place, allowed in ALLOWED
        )
    ]
    assert not found


def test_values_go_into_sql_as_parameters() -> None:
    found = [
        f"{shown(path)} line {line}: give the value as a parameter"
        for path in python_files(*PRODUCT)
        for line in spelt_sql(parsed(path))
        if not fits(shown(path), OWN_SQL)
    ]
    assert not found


@pytest.mark.parametrize(
    "bad",
    [
        "eval(words)",
        "import pickle",
        "from os import system",
        "import os\nos.system(words)",
        "run(words, shell=True)",
        "from xml.etree import ElementTree",
        "import hashlib\nhashlib.md5(octets)",
        "from cryptography.hazmat.primitives.ciphers import modes",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
    ],
)
def test_the_rule_about_dangers_has_teeth(bad: str) -> None:
    assert dangers(ast.parse(bad))


@pytest.mark.parametrize(
    "bad",
    [
        "connection.execute(text(f'SELECT {name}'))",
        "connection.exec_driver_sql('SELECT ' + name)",
        "text('SELECT {}'.format(name))",
    ],
)
def test_the_rule_about_sql_has_teeth(bad: str) -> None:
    assert spelt_sql(ast.parse(bad))


def test_what_may_use_a_danger_uses_it() -> None:
    for place, name in ALLOWED:
        used = [
            path
            for path in python_files(*PRODUCT)
            if fits(shown(path), [place])
            and any(one == name for _, one in dangers(parsed(path)))
        ]
        assert used, f"{place} does not use {name} any more"


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
