"""Which telnet options are on, agreed without loops by the Q method of RFC 1143.

Each option has a state for our side and one for the peer's. The method has six states;
ours never takes back what it asked for, so that three of them remain, and nothing ever
waits in a queue. An option that this end is not willing to use stays off for ever: it
has no state, and every offer of it is refused, so that no peer can make this grow.

A table's rows never answer what changes nothing: that is what breaks the loops.

Source: RFC 854, RFC 1143 section 7.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hw.ports.rfc2217.telnet import NegotiationReceived, Verb, encode_negotiation
from protocol.table import Row, Table

BINARY: Final = 0
SUPPRESS_GO_AHEAD: Final = 3
COM_PORT: Final = 44
"""COM-PORT-OPTION of RFC 2217."""


class Side(Enum):
    """Whose use of an option is meant."""

    OURS = "ours"
    THEIRS = "theirs"


class OptionState(Enum):
    """Where the agreement about one option of one side stands."""

    OFF = "off"
    ASKED = "asked"
    ON = "on"
    DENIED = "denied"
    """Off, and the peer has said so when it was asked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """This end wants the option."""


@dataclass(frozen=True, slots=True)
class Offered:
    """The peer says WILL or DO."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer says WONT or DONT."""


_Event = Wanted | Offered | Refused
_Answer = Callable[[Side, int], bytes]


def _say_yes(side: Side, option: int) -> bytes:
    return encode_negotiation(Verb.WILL if side is Side.OURS else Verb.DO, option)


def _say_no(side: Side, option: int) -> bytes:
    return encode_negotiation(Verb.WONT if side is Side.OURS else Verb.DONT, option)


def _say_nothing(_side: Side, _option: int) -> bytes:
    return b""


_S = OptionState
TABLE: Final[Table[OptionState, _Answer]] = Table(
    _S.OFF,
    [
        Row(_S.OFF, Wanted, _say_yes, _S.ASKED),
        Row(_S.OFF, Offered, _say_yes, _S.ON),
        Row(_S.OFF, Refused, _say_nothing, _S.OFF),
        Row(_S.ASKED, Wanted, _say_nothing, _S.ASKED),
        Row(_S.ASKED, Offered, _say_nothing, _S.ON),
        Row(_S.ASKED, Refused, _say_nothing, _S.DENIED),
        Row(_S.ON, Wanted, _say_nothing, _S.ON),
        Row(_S.ON, Offered, _say_nothing, _S.ON),
        Row(_S.ON, Refused, _say_no, _S.DENIED),
        Row(_S.DENIED, Wanted, _say_yes, _S.ASKED),
        Row(_S.DENIED, Offered, _say_yes, _S.ON),
        Row(_S.DENIED, Refused, _say_nothing, _S.DENIED),
    ],
)
"""What is said to the peer about one option of one side."""


class Options:
    """All options of one connection."""

    def __init__(self, willing: frozenset[int]) -> None:
        """Begin with everything off; `willing` may be used by either side."""
        self._states = {
            (side, option): OptionState.OFF for side in Side for option in willing
        }

    def state(self, side: Side, option: int) -> OptionState:
        """Tell how one option of one side stands."""
        return self._states.get((side, option), OptionState.OFF)

    def is_on(self, side: Side, option: int) -> bool:
        """Tell whether it is agreed."""
        return self.state(side, option) is OptionState.ON

    def want(self, side: Side, option: int) -> bytes:
        """Ask for an option that this end is willing to use; the octets to send."""
        return self._happened(side, option, Wanted())

    def receive(self, told: NegotiationReceived) -> bytes:
        """Take what the peer says; the octets to answer with, if any."""
        ours = told.verb in {Verb.DO, Verb.DONT}
        side = Side.OURS if ours else Side.THEIRS
        offered = told.verb in {Verb.DO, Verb.WILL}
        if (side, told.option) not in self._states:
            return _say_no(side, told.option) if offered else b""
        return self._happened(side, told.option, Offered() if offered else Refused())

    def _happened(self, side: Side, option: int, event: _Event) -> bytes:
        row = TABLE.row(self._states[side, option], event)
        self._states[side, option] = row.to
        return row.do(side, option)
