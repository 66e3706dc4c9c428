"""The other end: a simulated scale that answers on a wire as a real one does.

It has no I/O of its own: what arrives is given to it, what it returns is to be sent.
`rmfs scale simulate` serves one on a pseudo-terminal or a serial port, so that a maker
can try a machine, or a scale driver, without a scale.

A fault of the simulated scale looks on the wire as it would from a real one: silence,
an answer that no scale gives, a weight in ounces, and so on.
"""

from decimal import Decimal
from typing import Final

from hw.scales.mt_sics import (
    Command,
    Lines,
    encode_line,
    encode_serial_number,
    encode_weight,
)
from hw.scales.port import ScaleFault
from hw.scales.simulated import SimulatedScale

SERIAL_NUMBER: Final = "RMFS-SIM-1"

_INSTEAD_OF_A_WEIGHT: Final[dict[ScaleFault, bytes]] = {
    ScaleFault.NO_ANSWER: b"",
    ScaleFault.GARBLED: encode_line(b"S S     18.#0 g"),
    ScaleFault.OVERLOAD: encode_line(b"S +"),
    ScaleFault.UNDERLOAD: encode_line(b"S -"),
    ScaleFault.NOT_ZERO: encode_line(encode_weight(Decimal(-1), stable=True)),
    ScaleFault.UNSTABLE: encode_line(b"S I"),
    ScaleFault.WRONG_UNIT: encode_line(b"S S       0.65 oz"),
    ScaleFault.REFUSED: encode_line(b"EL"),
    ScaleFault.DEFECTIVE: encode_line(b"S S Error 10b"),
}
_TO_ZERO: Final[dict[ScaleFault | None, bytes]] = {
    None: encode_line(b"Z A"),
    ScaleFault.NO_ANSWER: b"",
    ScaleFault.GARBLED: encode_line(b"Z \xff"),
    ScaleFault.NOT_ZERO: encode_line(b"Z +"),
    ScaleFault.UNSTABLE: encode_line(b"Z I"),
    ScaleFault.REFUSED: encode_line(b"EL"),
}
_PRINTABLE: Final = range(0x20, 0x7F)


class ScaleResponder:
    """A scale at its end of a serial line."""

    def __init__(
        self, scale: SimulatedScale, serial_number: str = SERIAL_NUMBER
    ) -> None:
        """Answer for `scale`.

        Raises:
            LocalProtocolError: A scale cannot be called so.
        """
        self._scale = scale
        self._serial_number = encode_line(encode_serial_number(serial_number))
        self._lines = Lines()

    def receive(self, octets: bytes) -> bytes:
        """Take what arrived.

        Args:
            octets: Any, cut anywhere.

        Returns:
            The answers to the commands that ended, in order.
        """
        self._lines.take(octets)
        answers = b""
        while (line := self._lines.next_line()) is not None:
            answers += self._answer(line)
        return answers

    def _answer(self, line: bytes) -> bytes:
        if not all(octet in _PRINTABLE for octet in line):
            return encode_line(b"ET")
        try:
            command = Command(line)
        except ValueError:
            return encode_line(b"ES")
        if command in (Command.CANCEL, Command.SERIAL_NUMBER):
            # Whatever else is wrong with a scale, it cancels, unless it is off.
            silent = self._scale.fault is ScaleFault.NO_ANSWER
            return b"" if silent else self._serial_number
        if command is Command.ZERO:
            return _TO_ZERO[self._scale.zero()]
        return self._weigh(at_once=command is Command.WEIGHT_AT_ONCE)

    def _weigh(self, *, at_once: bool) -> bytes:
        measured = self._scale.measure()
        if isinstance(measured, ScaleFault):
            return _INSTEAD_OF_A_WEIGHT[measured]
        if not (at_once or measured.stable):
            return _INSTEAD_OF_A_WEIGHT[ScaleFault.UNSTABLE]
        return encode_line(encode_weight(measured.grams, stable=measured.stable))
