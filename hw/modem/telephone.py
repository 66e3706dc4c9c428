"""The port for telephone lines: what a modem may ask of the network, and what it hears.

A modem has one `PhoneLine`, with a number of its own. It dials on it, or is rung: what
comes of either is a `hw.lines.port.Line`, with all the rules of one, so that an
attempt that fails is a `line_lost` without a `line_up`. A modem hears the tones of the
network as causes: BUSY at once, and no cause at all for a bell that nobody answers.
"""

from typing import Protocol

from hw.lines.port import LineUser


class PhoneCall(Protocol):
    """A call that a modem has dialled or answered."""

    @property
    def bit_s(self) -> int:
        """The speed on which the two ends agreed; known once the line is up."""
        ...

    @property
    def rings_there(self) -> bool:
        """Whether the bell of the other end is heard."""
        ...

    def drop(self) -> None:
        """Give it up, or hang up the line that came of it."""
        ...


class IncomingCall(Protocol):
    """A call that rings here."""

    @property
    def caller(self) -> str:
        """The caller's number; empty if it is not told."""
        ...

    def answer(self, user: LineUser, bit_s_max: int) -> PhoneCall:
        """Take the call for `user`, who can do `bit_s_max`."""
        ...


class Bell(Protocol):
    """The end of a telephone line that can be rung."""

    @property
    def is_busy(self) -> bool:
        """Whether a caller hears the engaged tone."""
        ...

    def ring(self, call: IncomingCall) -> None:
        """Ring from now on; never inside a call to the network."""
        ...

    def stop_ringing(self) -> None:
        """The caller has given up."""
        ...


class PhoneLine(Protocol):
    """A modem's own line to the network."""

    @property
    def number(self) -> str:
        """Its number, as others see it."""
        ...

    @property
    def has_dial_tone(self) -> bool:
        """Whether it is of any use."""
        ...

    def connect(self, bell: Bell | None) -> None:
        """Have `bell` ring; None for nobody."""
        ...

    def dial(self, number: str, bit_s_max: int, user: LineUser) -> PhoneCall:
        """Call a number for `user`, who can do `bit_s_max`."""
        ...
