"""One transaction of a bank's files: what all its steps need."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from dop_gateway.bank.judging import Named
from dop_gateway.bank.model import Bank
from dop_gateway.bank.neighbours import Neighbours
from dop_gateway.identity.model import By
from protocol.exchange import Layouts
from protocol.keys import Realm


@dataclass(frozen=True, slots=True)
class Rules:
    """What files are read by, and who is told of what they come to."""

    layouts: Layouts
    realm: Realm
    neighbours: Neighbours


@dataclass(frozen=True, slots=True)
class Work:
    """Somebody takes files of a bank, in one transaction."""

    connection: Connection
    bank: Bank
    by: By
    rules: Rules

    @property
    def neighbours(self) -> Neighbours:
        """Who is told of what the files come to."""
        return self.rules.neighbours

    def name(self, named: Sequence[Named]) -> None:
        """Report what is wrong."""
        if named:
            self.neighbours.name(self.connection, named, self.by)

    def over(self, named: Sequence[Named]) -> None:
        """Say that it is not wrong any more."""
        if named:
            self.neighbours.over(self.connection, named, self.by)
