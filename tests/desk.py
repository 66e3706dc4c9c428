"""A person at a terminal with a server's folder, and what such a person has at hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from hw.entropy import SeededEntropy
from protocol.keys import (
    MakerKey,
    Realm,
    SigningKey,
    read_private_key,
    write_provisioning,
)
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.cli import add_commands
from rmfs_server.folder import ServerFolder, open_books, read_server
from rmfs_server.resolving import Resolving
from tests.paper_machine import Office, PaperMachine

WHO = ("--by", "asha", "--reason", "a test")


class Desk:
    """A person at a terminal, with a server's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = click.Group()
        add_commands(self.root)

    def run(self, *arguments: str) -> Result:
        command = [*arguments, "--server", str(self.folder)]
        return CliRunner().invoke(self.root, command, standalone_mode=False)

    def said(self, *arguments: str) -> str:
        result = self.run(*arguments)
        if result.exception is not None:
            raise result.exception
        assert result.return_value in (None, 0), result.output
        return result.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.said(*arguments, "--json"))
        return found

    def read(self) -> ServerFolder:
        return read_server(self.folder)


def maker_of(desk: Desk) -> MakerKey:
    scalar = read_private_key((desk.folder / "maker.pem").read_bytes())
    return MakerKey("maker", Realm.TEST, SigningKey(scalar))


def enrol(desk: Desk, machine: PaperMachine, file: Path, *options: str) -> None:
    file.write_text(write_provisioning(machine.provisioning, maker_of(desk)))
    licence = ("--number", "KN0600065", "--licensee", "Asha Traders")
    desk.said(
        "server", "enrol", str(file), *licence, "--expires", "2099-12-31", *options
    )


@contextmanager
def office_of(desk: Desk) -> Iterator[Office]:
    """Open the books of a server as `rmfs server run` does."""
    server = desk.read()
    key, later = server.credit_key, server.find_credit_key
    with open_books(desk.folder) as store:
        yield Office(
            store,
            Books(store, key, SeededEntropy(b"marks"), later),
            Administration(store, key, later),
            Resolving(store, two_persons=False),
            key,
        )


def recharge(desk: Desk, machine: PaperMachine, amount: int) -> None:
    with office_of(desk) as office:
        office.deposit(amount, machine.licence)
        office.recharge(machine, amount)
