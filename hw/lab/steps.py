"""The steps of a case: one line each, read once and checked before anything runs.

    step    = [ "!" ] verb word* field* [ "|" field* ]
    field   = name "=" value

A step with ``!`` is what the case expects of the clause: if it does not come true the
case fails. Without, it is what had to happen first: if it does not, the case is
inconclusive. What stands behind ``|`` bends the packet, not the message.

Values of fields: a decimal or ``0x`` number; ``+n`` or ``-n`` beside the right value;
the name of a value of the table (``RECHARGE``); ``right``; ``wrong`` (a bit turned);
``zero``; ``hex:…``. Verbs and what they take are in `hw.lab.verbs`.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from protocol.errors import RmfsError

EXPECTS: Final = "!"
BENDS: Final = "|"


class StepError(RmfsError):
    """A step cannot be read: which, and why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        text: As it was written.
        verb: What is done.
        words: What follows it.
        fields: Values of fields by their names.
        bends: What is changed in the packet.
        expects: Whether the clause is judged by it.
    """

    text: str
    verb: str
    words: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bends: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    expects: bool = False


def parse_step(text: str) -> Step:
    """Read one step.

    Raises:
        StepError: It is empty, has quotes that do not close, or a field twice.
    """
    try:
        tokens = shlex.split(text)
    except ValueError as error:
        raise StepError(f"step {text!r}: {error}") from error
    expects = bool(tokens) and tokens[0] == EXPECTS
    if expects:
        tokens = tokens[1:]
    if not tokens:
        raise StepError(f"step {text!r}: there is no verb")
    verb, *rest = tokens
    cut = rest.index(BENDS) if BENDS in rest else len(rest)
    said, bent = rest[:cut], rest[cut + 1 :]
    words = [token for token in said if "=" not in token]
    fields = _fields(text, [token for token in said if "=" in token])
    bends = _fields(text, [token if "=" in token else f"{token}=" for token in bent])
    return Step(text, verb, tuple(words), fields, bends, expects)


def _fields(text: str, tokens: list[str]) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    for token in tokens:
        name, _, value = token.partition("=")
        if name in fields:
            raise StepError(f"step {text!r}: {name} stands twice")
        fields[name] = value
    return MappingProxyType(fields)
