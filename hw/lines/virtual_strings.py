"""The settings of a virtual line in a line string: ``speed=9600:delay=0.02:ber=1e-5``.

Every setting is a name and a value, in any order. What one direction does takes ``_up``
(from the calling end) or ``_down`` behind its name for that direction alone; without,
it is set for both. Of each fault there are four settings:

    drop=1e-4        its rate, for each octet (``ber`` and ``burst``: for each bit)
    drop_at=100      so many octets pass first; without a rate it befalls the next one
    drop_count=3     so many times at most
    drop_seed=7      a seed of its own

so that ``drop_at=100:drop_count=3`` drops octets 100, 101 and 102, and
``drop_up=1:drop_at_up=500`` lets the calling end go silent after 500 octets. What is as
usual is left out when a line string is written. The words are explained in
docs/virtual-line.md.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final, TypeVar

from hw.lines.faults.character import BadOctets
from hw.lines.faults.parameters import WayParameters
from hw.lines.port import LineError
from hw.lines.virtual import VirtualLineParameters
from hw.ports.settings import Parity

VIRTUAL_FORM: Final = "virtual:speed=9600:delay=0.02:ber=1e-5:tcp:HOST:PORT"

E = TypeVar("E", bound=Enum)

_SIDES: Final = ("up", "down")


@dataclass(frozen=True, slots=True)
class _Setting:
    """Where a value goes, and how it is read.

    Attributes:
        field: Of `VirtualLineParameters` or `WayParameters`.
        read: Makes a value of its text, or raises ValueError.
        part: Of the `Trigger` in that field, if it is one.
        kind: What the text has to be, for people.
    """

    field: str
    read: Callable[[str], Any]
    part: str = ""
    kind: str = "number"

    def value_in(self, record: object) -> Any:
        """Tell what a record has."""
        value = getattr(record, self.field)
        return getattr(value, self.part) if self.part else value


def _one_of(field: str, kind: type[E]) -> _Setting:
    known = ", ".join(member.value for member in kind)
    return _Setting(field, kind, kind=f"one of {known}")


_LINE: Final[dict[str, _Setting]] = {
    "speed": _Setting("bit_s", int),
    "delay": _Setting("delay_s", float),
    "ber": _Setting("bit_error_rate", float),
    "seed": _Setting("seed", int),
    "bits": _Setting("data_bits", int),
    "parity": _one_of("parity", Parity),
    "stop": _Setting("stop_bits", int),
    "bad": _one_of("bad_octets", BadOctets),
    "turnaround": _Setting("turnaround_s", float),
    "cut_up": _Setting("cut_after_octets_up", int),
    "cut_down": _Setting("cut_after_octets_down", int),
    "cut": _Setting("cut_after_octets", int),
    "cut_at": _Setting("cut_at_s", float),
    "cut_calls": _Setting("cut_calls", int),
}
"""Settings of the whole line."""

_FAULTS: Final[dict[str, str]] = {
    "ber": "bit_errors",
    "burst": "bursts",
    "parity_error": "parity_errors",
    "framing_error": "framing_errors",
    "break": "breaks",
    "drop": "drops",
    "duplicate": "duplicates",
    "insert": "insertions",
    "carrier_loss": "carrier_losses",
}

_WAY: Final[dict[str, _Setting]] = {
    "speed": _Setting("bit_s", int),
    "delay": _Setting("delay_s", float),
    "jitter": _Setting("jitter_s", float),
    "burst_bits": _Setting("burst_bits", int),
    "break_octets": _Setting("break_octets", int),
    **{
        f"{name}{ending}": _Setting(field, read, part)
        for name, field in _FAULTS.items()
        for ending, read, part in (
            ("", float, "rate"),
            ("_at", int, "at"),
            ("_count", int, "count"),
            ("_seed", int, "seed"),
        )
    },
}
"""Settings of one direction. Those that are among `_LINE` too need a side."""

VIRTUAL_SETTINGS: Final = tuple(dict.fromkeys((*_LINE, *_WAY)))
"""The names of all settings, without the sides."""


def parse_virtual_settings(
    settings: Iterable[tuple[str, str]],
) -> VirtualLineParameters:
    """Read the settings of a virtual line.

    Args:
        settings: Name and value of each, in their order.

    Raises:
        LineError: A name is not known or comes twice, or no line has such a value.
    """
    values: dict[str, Any] = {}
    for name, text in settings:
        if name in values:
            message = f"{name} is set twice"
            raise LineError(message)
        values[name] = _read(name, text)
    line = VirtualLineParameters()
    for name in _LINE.keys() & values.keys():
        line = _with(line, _LINE[name], values[name])
    up, down = (_way(values, side) for side in _SIDES)
    return replace(line, up=up, down=down)


def show_virtual_settings(parameters: VirtualLineParameters) -> list[str]:
    """Write each setting that is not as usual as ``NAME=VALUE``."""
    usual = VirtualLineParameters()
    shown = [
        _show(name, setting.value_in(parameters))
        for name, setting in _LINE.items()
        if setting.value_in(parameters) != setting.value_in(usual)
    ]
    for name, setting in _WAY.items():
        up = setting.value_in(parameters.up)
        down = setting.value_in(parameters.down)
        usually = setting.value_in(usual.up)
        if up == down != usually and name not in _LINE:
            shown.append(_show(name, up))
        else:
            shown += [
                _show(f"{name}_{side}", value)
                for side, value in zip(_SIDES, (up, down), strict=True)
                if value != usually
            ]
    return shown


def _read(name: str, text: str) -> Any:
    setting = _LINE.get(name) or _of_a_way(name)
    if setting is None:
        raise LineError(_not_known(name))
    try:
        value = setting.read(text)
    except ValueError:
        negation = "no" if setting.kind == "number" else "not"
        message = f"{name}={text} is {negation} {setting.kind}"
        raise LineError(message) from None
    try:
        if name in _LINE:
            _with(VirtualLineParameters(), setting, value)
        else:
            _with(WayParameters(), setting, value)
    except LineError as error:
        message = f"{name}={text}: {error}"
        raise LineError(message) from error
    return value


def _of_a_way(name: str) -> _Setting | None:
    base, _, side = name.rpartition("_")
    return _WAY.get(base) if side in _SIDES else _WAY.get(name)


def _way(values: Mapping[str, Any], side: str) -> WayParameters:
    way = WayParameters()
    for name, setting in _WAY.items():
        value = values.get(f"{name}_{side}")
        if value is None and name not in _LINE:
            value = values.get(name)
        if value is not None:
            way = _with(way, setting, value)
    return way


R = TypeVar("R", VirtualLineParameters, WayParameters)


def _with(record: R, setting: _Setting, value: Any) -> R:
    if setting.part:
        trigger = getattr(record, setting.field)
        value = replace(trigger, **{setting.part: value})
    return replace(record, **{setting.field: value})


def _show(name: str, value: Any) -> str:
    return f"{name}={value.value if isinstance(value, Enum) else value}"


def _not_known(name: str) -> str:
    families = dict.fromkeys((*_LINE, *_FAULTS, "jitter", "burst_bits", "break_octets"))
    known = [*VIRTUAL_SETTINGS, *(f"{one}_{side}" for one in _WAY for side in _SIDES)]
    # A serial port has a baud; a virtual line has a speed.
    near = ["speed"] if name == "baud" else get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return (
        f"a line has no {name!r}, only {', '.join(families)}; of faults also _at, "
        f"_count and _seed; of what a direction has also _up and _down{hint}"
    )
