"""Scale strings: how people name a scale.

    simulated:
    simulated:?grams=18.4
    serial:DEVICE
    serial:DEVICE?baud=9600&bits=8&parity=none

A device is the path of a port, such as ``/dev/ttyUSB0``, and has no ``?`` in it. In a
shell a string with ``?`` or ``&`` stands between quotes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from hw.ports.settings import BAUD_RATES, Parity
from hw.scales.port import GRAMS_MAX
from hw.scales.serial_port import SerialSettings
from protocol.errors import RmfsError

FORMS: Final = "simulated:, simulated:?grams=18.4 or serial:/dev/ttyUSB0?baud=9600"


class ScaleStringError(RmfsError):
    """A scale string that cannot be read; the message shows one that can."""

    def __init__(self, text: str, problem: str) -> None:
        """Say what is wrong with `text`."""
        super().__init__(f"{text!r} names no scale: {problem}; write {FORMS}")


@dataclass(frozen=True)
class SimulatedAddress:
    """A simulated scale, with something on its pan from the start."""

    grams: Decimal = Decimal(0)

    def __str__(self) -> str:
        """Write it as a scale string, leaving out what is as usual."""
        return f"simulated:?grams={self.grams}" if self.grams else "simulated:"


@dataclass(frozen=True)
class SerialAddress:
    """A scale on a serial port."""

    settings: SerialSettings

    def __str__(self) -> str:
        """Write it as a scale string, leaving out what is as usual."""
        settings, usual = self.settings, SerialSettings(self.settings.device)
        shown = []
        if settings.baud != usual.baud:
            shown.append(f"baud={settings.baud}")
        if settings.data_bits != usual.data_bits:
            shown.append(f"bits={settings.data_bits}")
        if settings.parity != usual.parity:
            shown.append(f"parity={settings.parity.value}")
        return f"serial:{settings.device}" + ("?" + "&".join(shown) if shown else "")


ScaleAddress = SimulatedAddress | SerialAddress


def parse_scale(text: str) -> ScaleAddress:
    """Read a scale string.

    Raises:
        ScaleStringError: It names no scale; the message says why and shows the forms.
    """
    kind, colon, rest = text.partition(":")
    place, question, listed = rest.partition("?")
    if question and not listed:
        raise ScaleStringError(text, "after ? comes a setting")
    if kind == "simulated" and colon:
        if place:
            raise ScaleStringError(text, "a simulated scale has no device")
        return SimulatedAddress(**_settings(listed, _OF_SIMULATED, text))
    if kind == "serial" and colon:
        if not place:
            raise ScaleStringError(text, "it does not say which port")
        if "\0" in place:
            raise ScaleStringError(text, "no port has such a name")
        return SerialAddress(
            SerialSettings(place, **_settings(listed, _OF_SERIAL, text))
        )
    raise ScaleStringError(text, f"there is no kind of scale called {kind!r}")


_Settings = dict[str, tuple[str, Callable[[str], Any], str]]


def _settings(listed: str, known: _Settings, text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for setting in listed.split("&") if listed else ():
        name, _, value = setting.partition("=")
        if name not in known:
            names = ", ".join(known)
            raise ScaleStringError(text, f"it has no {name!r}, only {names}")
        field, read, what = known[name]
        if field in values:
            raise ScaleStringError(text, f"{name} is set twice")
        try:
            values[field] = read(value)
        except ValueError:
            raise ScaleStringError(text, f"{name} is {what}, not {value!r}") from None
    return values


def _read_grams(value: str) -> Decimal:
    try:
        grams = Decimal(value)
    except InvalidOperation:
        raise ValueError(value) from None
    if not (value.isascii() and grams.is_finite() and 0 <= grams <= GRAMS_MAX):
        raise ValueError(value)
    return grams


def _one_of(choices: dict[str, Any]) -> Callable[[str], Any]:
    def read(value: str) -> Any:
        if value not in choices:
            raise ValueError(value)
        return choices[value]

    return read


_OF_SIMULATED: Final[_Settings] = {
    "grams": ("grams", _read_grams, f"a number from 0 to {GRAMS_MAX}"),
}
_OF_SERIAL: Final[_Settings] = {
    "baud": (
        "baud",
        _one_of({str(baud): baud for baud in BAUD_RATES}),
        f"one of {', '.join(map(str, BAUD_RATES))}",
    ),
    "bits": ("data_bits", _one_of({"7": 7, "8": 8}), "7 or 8"),
    "parity": (
        "parity",
        _one_of({parity.value: parity for parity in Parity}),
        "none, even, odd, mark or space",
    ),
}
