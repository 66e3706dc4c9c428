"""How an emulated modem speaks on its port: results, texts, data, and flow control.

In words (V1) a result is CR LF text CR LF, in digits (V0) digits CR, where CR and LF
are S3 and S4 (ITU-T V.250 clauses 5.7.1, 6.2.1, 6.2.2 and 6.2.6). X0 tells CONNECT
without a speed (6.2.7), Q1 no result at all (6.2.5).

A terminal that sends faster than the telephone line takes is stopped while the modem
holds more than `STOP_OCTETS`, by CTS (&K3) or XOFF (&K4). What is over
`HELD_OCTETS_MAX` in either direction is lost and counted: a terminal without flow
control has to expect it, and a link finds out.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.pacing import BITS_PER_OCTET
from hw.modem.profile import Profile
from hw.modem.results import ResultCode, show_digits, show_words
from hw.ports.port import ModemPort

STOP_OCTETS: Final = 2048
GO_OCTETS: Final = 512
HELD_OCTETS_MAX: Final = 49_152
"""Below the 64 KiB that ports and lines hold."""

_XON: Final = 0x11
_XOFF: Final = 0x13
_BY_CIRCUIT: Final = 3
_BY_CHARACTER: Final = 4


class TerminalSide:
    """One modem's end of its port.

    Attributes:
        clear_to_send: Circuit CTS.
        octets_lost: Octets that were thrown away, in either direction.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        profile: Callable[[], Profile],
        backlog: Callable[[], tuple[int, int]],
        on_change: Callable[[], None],
    ) -> None:
        """Wait for a port.

        Args:
            reactor: The time, real or virtual.
            profile: Gives the profile in force.
            backlog: Gives how many octets of the terminal have not left by telephone,
                and at how many bit/s they leave.
            on_change: Told when `clear_to_send` has changed.
        """
        self.port: ModemPort | None = None
        self.clear_to_send = True
        self.octets_lost = 0
        self.holds = False
        """Whether data for the terminal wait: it takes commands."""
        self._reactor = reactor
        self._profile = profile
        self._backlog = backlog
        self._on_change = on_change
        self._stopped_by_character = False
        self._held = bytearray()
        self._timer: IDelayedCall | None = None

    def echo(self, octets: bytes) -> None:
        """Send back what was typed."""
        self._send(octets)

    def inform(self, lines: list[str]) -> None:
        """Say lines that are no result; in words, each between line ends."""
        profile = self._profile()
        before = profile.line_end if profile.in_words else b""
        for line in lines:
            self._send(before + line.encode() + profile.line_end)

    def result(self, code: ResultCode, bit_s: int | None = None) -> None:
        """Tell a result in the form that is in force."""
        profile = self._profile()
        if profile.quiet:
            return
        if profile.settings["X"] == 0:
            bit_s = None
        if profile.in_words:
            end = profile.line_end
            self._send(end + show_words(code, bit_s).encode() + end)
        else:
            self._send(show_digits(code, bit_s).encode() + profile.line_end[:1])

    def deliver(self, octets: bytes) -> None:
        """Give data to the terminal, or hold them while it does not want them."""
        self._held += octets
        excess = len(self._held) - HELD_OCTETS_MAX
        if excess > 0:
            del self._held[-excess:]
            self.octets_lost += excess
        self.release()

    def release(self) -> None:
        """Give what is held, if the terminal wants it now."""
        if self._held and not (self.holds or self._is_stopped()):
            octets = bytes(self._held)
            self._held.clear()
            room = HELD_OCTETS_MAX - (
                0 if self.port is None else self.port.waiting_octets
            )
            self.octets_lost += max(0, len(octets) - max(0, room))
            self._send(octets[: max(0, room)])

    def end_call(self) -> None:
        """Give what is held to a terminal that reads data, and forget the rest."""
        self.release()
        self.holds = False
        self._held.clear()
        self._stopped_by_character = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        self._go()

    def take(self, octets: bytes) -> bytes:
        """Take out of a terminal's data what belongs to the port."""
        if self._profile().settings["&K"] != _BY_CHARACTER:
            return octets
        for octet in octets:
            if octet in (_XON, _XOFF):
                self._stopped_by_character = octet == _XOFF
        self.release()
        return octets.translate(None, bytes((_XON, _XOFF)))

    def regulate(self) -> None:
        """Stop the terminal if the modem holds too much of it."""
        waiting_octets, _ = self._backlog()
        if waiting_octets <= STOP_OCTETS or not self.clear_to_send:
            return
        if self._profile().settings["&K"] == _BY_CIRCUIT:
            self.clear_to_send = False
            self._on_change()
        elif self._profile().settings["&K"] == _BY_CHARACTER:
            self.clear_to_send = False
            self._send(bytes((_XOFF,)))
        if not self.clear_to_send:
            self._go_on()

    def _go_on(self) -> None:
        """Let the terminal send once there is room; look again where there is not."""
        self._timer = None
        waiting_octets, bit_s = self._backlog()
        if waiting_octets > GO_OCTETS:
            wait_s = (waiting_octets - GO_OCTETS) * BITS_PER_OCTET / bit_s
            self._timer = self._reactor.callLater(wait_s, self._go_on)
        else:
            self._go()

    def _go(self) -> None:
        if not self.clear_to_send:
            self.clear_to_send = True
            if self._profile().settings["&K"] == _BY_CHARACTER:
                self._send(bytes((_XON,)))
            self._on_change()

    def _is_stopped(self) -> bool:
        if self._profile().settings["&K"] == _BY_CHARACTER:
            return self._stopped_by_character
        seen = None if self.port is None else self.port.terminal
        by_circuit = self._profile().settings["&K"] == _BY_CIRCUIT
        return by_circuit and seen is not None and not seen.request_to_send

    def _send(self, octets: bytes) -> None:
        if self.port is not None and octets:
            self.port.send(octets)
