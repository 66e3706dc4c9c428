"""Where lines of our files come from, and who applies the files that come.

The rest of the exchange knows neither licences nor money: this table names, for each
layout, the functions of the feature that it belongs to.

- Outgoing: what waits for a maker is put into its next file, in the transaction in
  which the file is made; what the maker says of it is handed back once.
- Incoming: a file is applied in one transaction with its record; the lines that are not
  taken are given back, and told in an acknowledgement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import By
from protocol.exchange import ExchangeFile, Line

Answers = Mapping[str, tuple[str, str]]
"""Code and words by the ids of the lines that a maker refused."""
Apply = Callable[[Connection, ExchangeFile, str, By], Sequence[RefusedLine]]
"""Applies a file of a party; gives the lines that were not taken."""


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A line that waits for a file.

    Attributes:
        id: Of the feature that it comes from.
        line: With its line id, which it keeps for ever.
    """

    id: Any
    line: Line


@dataclass(frozen=True, slots=True)
class Source:
    """Where the lines of a kind of file come from.

    Attributes:
        waiting: What a maker is to be told, in order.
        put_in_file: Takes lines to stand in a file from now on.
        answered: Takes what the maker says of all lines of a file.
    """

    waiting: Callable[[Connection, str], Sequence[WaitingLine]]
    put_in_file: Callable[[Connection, Sequence[Any], str, By], None]
    answered: Callable[[Connection, str, Answers, By], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """All of them, by the names of layouts."""

    outgoing: Mapping[str, Source]
    incoming: Mapping[str, Apply]


NOTHING: Final = Sources({}, {})
"""Of a gateway that has nothing to tell."""
