"""What an operator of text messages knows, and what it takes: the rules, without HTTP.

An operator compares each message with what was registered (DLT): the principal entity,
the header, the template, and that the text is the template's, with at most 40
characters where it says ``{#var#}``. What was registered is a file of its own, as it is
kept by operators: a text that is changed in the gateway alone is refused, as it would
be there.

Source: requirements, section 11 no. 13; operators' published lists of DLT errors. That
a text which does not fit its template is answered with 630 is OURS: the lists differ.
"""

import re
import tomllib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from typing import Final

from protocol.errors import LocalProtocolError

KEPT_MAX: Final = 1_000
"""Messages that an operator shows; older ones are forgotten."""
_PLACE: Final = "{#var#}"
_VARIABLE: Final = r"[^\n]{1,40}"
_ENTITY: Final = re.compile(r"[0-9]{19}", re.ASCII)
_TO: Final = re.compile(r"91[6-9][0-9]{9}", re.ASCII)


class DltError(Enum):
    """Why an operator does not take a message; the value is its number."""

    ENTITY_NOT_FOUND = 600
    INVALID_ENTITY_ID = 604
    HEADER_NOT_FOUND = 620
    TEMPLATE_NOT_FOUND = 630
    TEMPLATE_INACTIVE = 631
    TEMPLATE_BLACKLISTED = 632


class Standing(Enum):
    """What a registered template may be used for."""

    ACTIVE = "taken"
    INACTIVE = "refused with 631"
    BLACKLISTED = "refused with 632"


_REFUSED: Final = {
    Standing.INACTIVE: DltError.TEMPLATE_INACTIVE,
    Standing.BLACKLISTED: DltError.TEMPLATE_BLACKLISTED,
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A template that was registered.

    Attributes:
        text: With ``{#var#}`` for each variable.
    """

    text: str
    standing: Standing

    def has(self, text: str) -> bool:
        """Whether a text is the template's."""
        parts = (re.escape(part) for part in self.text.split(_PLACE))
        return re.fullmatch(_VARIABLE.join(parts), text) is not None


@dataclass(frozen=True, slots=True)
class Register:
    """What was registered for one principal entity."""

    entity: str
    headers: frozenset[str]
    templates: Mapping[str, Registered]


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message that somebody wants to be sent.

    Attributes:
        reference: What the sender calls it.
        to: ``91`` and ten digits.
    """

    reference: str
    entity: str
    header: str
    template: str
    to: str
    text: str
    unicode: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the operator delivers.

    Attributes:
        id: What the operator calls it.
        is_again: Its reference came before: the sender did not hear that it was taken.
    """

    id: int
    is_again: bool
    message: Submitted


class WrongFormError(LocalProtocolError):
    """A message is none, whatever was registered."""


class Operator:
    """An operator: refuses what was not registered, delivers the rest."""

    def __init__(self, register: Register) -> None:
        """Begin with nothing delivered."""
        self._register = register
        self._number = 0
        self._taken: deque[Taken] = deque(maxlen=KEPT_MAX)

    @property
    def taken(self) -> tuple[Taken, ...]:
        """What was delivered, the oldest first."""
        return tuple(self._taken)

    def submit(self, message: Submitted) -> Taken | DltError:
        """Take a message, or say why not.

        Raises:
            WrongFormError: The number is no mobile one of India, or the flag of
                Unicode is not as the text is.
        """
        refused = self._refused(message)
        if refused is not None:
            return refused
        if _TO.fullmatch(message.to) is None:
            raise WrongFormError("to is 91 and ten digits of a mobile number")
        if message.unicode == message.text.isascii():
            raise WrongFormError("unicode is true for a text that is not ASCII")
        again = any(one.message.reference == message.reference for one in self._taken)
        self._number += 1
        taken = Taken(self._number, again, message)
        self._taken.append(taken)
        return taken

    def _refused(self, message: Submitted) -> DltError | None:
        if _ENTITY.fullmatch(message.entity) is None:
            return DltError.INVALID_ENTITY_ID
        if message.entity != self._register.entity:
            return DltError.ENTITY_NOT_FOUND
        if message.header not in self._register.headers:
            return DltError.HEADER_NOT_FOUND
        template = self._register.templates.get(message.template)
        if template is None:
            return DltError.TEMPLATE_NOT_FOUND
        if template.standing is not Standing.ACTIVE:
            return _REFUSED[template.standing]
        return None if template.has(message.text) else DltError.TEMPLATE_NOT_FOUND


def shipped_register() -> Register:
    """Read the sample that is part of the package."""
    return parse_register(
        files("dop_gateway.simulators").joinpath("register.toml").read_text("utf-8")
    )


def parse_register(text: str) -> Register:
    """Read what was registered.

    Raises:
        LocalProtocolError: It is not TOML, or a field is missing.
    """
    try:
        table = tomllib.loads(text)
        templates = {
            row["id"]: Registered(row["text"], Standing[row.get("standing", "ACTIVE")])
            for row in table["template"]
        }
        return Register(table["entity"], frozenset(table["headers"]), templates)
    except tomllib.TOMLDecodeError as error:
        raise LocalProtocolError(f"the register cannot be read: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise LocalProtocolError(f"the register lacks a field: {error}") from error
