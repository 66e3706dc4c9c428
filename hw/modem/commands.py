"""Command lines of a modem: what each command does, and where a line ends.

A line is executed from left to right. The first command that is wrong ends it with
ERROR; what stood before it has happened. Only the last result is told. D, A, O and Z
end a line, except that D with a ``;`` goes on.

A command that is not known is an ERROR: a program that asks for something hears that
it has not got it.

Source: ITU-T V.250 clauses 5.3, 5.6 and 6. ``&K``, ``&S``, ``&V``, ``&W``, ``&Z`` and
the numbers of I are after the custom of Hayes and Rockwell modems; ``+VCID`` is of
ITU-T V.253.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from hw.modem.dial_string import DialString, DialStringError, parse_dial_string
from hw.modem.profile import (
    NUMBERS,
    PROFILES,
    SETTINGS,
    Profile,
    ProfileError,
    ProfileStore,
    is_number,
)
from hw.modem.registers import RegisterError
from hw.modem.results import ResultCode

_REGISTER: Final = re.compile(r"S([0-9]{1,4})(?:=([0-9]{1,6})|(\?))")
_BASIC: Final = re.compile(r"(&?[A-Z])([0-9]{0,6})")
_CALLER_ID: Final = re.compile(r"\+VCID(?:=([01])|(\?))(?:;|$)")
_STORED: Final = re.compile(r"S(?:=([0-9]))?;?")
_KEEP_NUMBER: Final = re.compile(r"&Z([0-9]?)=(.*)")


@dataclass(frozen=True, slots=True)
class Dial:
    """The line ends with dialling.

    Attributes:
        what: What is dialled.
        rest: Commands that follow a ``;``.
    """

    what: DialString
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The line ends with answering."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The line ends with going back to the data."""


Ending = ResultCode | Dial | Answer | Resume


class CommandTarget(Protocol):
    """What commands act on."""

    profile: Profile
    profiles: ProfileStore
    pulse: bool
    tells_caller: bool
    last_dialled: str

    @property
    def is_connected(self) -> bool:
        """Whether a call is there to go back to."""
        ...

    def inform(self, lines: list[str]) -> None:
        """Say lines that are no result."""
        ...

    def hang_up(self) -> None:
        """Go on hook."""
        ...

    def go_off_hook(self) -> None:
        """Take the line without dialling."""
        ...


IDENTITY: Final = {
    0: "33600",
    1: "000",
    3: "RMFS emulated modem",
    4: "V.21 V.22 V.22bis V.32 V.32bis V.34, no error control, no compression",
}
"""What I0, I1, I3 and I4 say; I2 says that the memory is in order: OK."""


def execute(body: str, target: CommandTarget) -> Ending:
    """Execute a command line without its AT.

    Args:
        body: As it was typed; spaces and small letters are allowed.
        target: The modem.

    Returns:
        The result to tell, or what the line ends with.
    """
    rest = body.upper().replace(" ", "")
    while rest:
        try:
            ending, rest = _execute_one(rest, target)
        except ProfileError:
            # What is kept could not be written: the file is full, or not ours.
            return ResultCode.ERROR
        if ending is not None:
            return ending
    return ResultCode.OK


def _execute_one(rest: str, target: CommandTarget) -> tuple[Ending | None, str]:
    """Execute the first command; give how the line ends, or what is left of it."""
    if rest[0] == "D":
        return _dial(rest[1:], target), ""
    if rest[0] == "S":
        return _register(rest, target)
    if rest.startswith("&Z"):
        return _keep_number(rest, target), ""
    if rest[0] == "+":
        return _caller_id(rest, target)
    found = _BASIC.match(rest)
    if found is None:
        return ResultCode.ERROR, ""
    name, value = found[1], int(found[2] or 0)
    ending = _basic(name, value, target)
    return ending, rest[found.end() :]


def _basic(name: str, value: int, target: CommandTarget) -> Ending | None:
    if name in SETTINGS:
        if value not in SETTINGS[name][1]:
            return ResultCode.ERROR
        target.profile.settings[name] = value
        return None
    if name in "TP" and value == 0:
        target.pulse = name == "P"
        return None
    if name in _LAST and value == 0:
        return _LAST[name] if target.is_connected is (name == "O") else ResultCode.ERROR
    return _whole_modem(name, value, target)


_LAST: Final[dict[str, Ending]] = {"A": Answer(), "O": Resume()}
"""Commands that end a line: A without a call, O with one."""


def _whole_modem(name: str, value: int, target: CommandTarget) -> Ending | None:
    match name, value:
        case "H", 0:
            target.hang_up()
        case "H", 1:
            target.go_off_hook()
        case "I", 2:
            pass
        case "I", _ if value in IDENTITY:
            target.inform([IDENTITY[value]])
        case "Z", _ if value < PROFILES:
            # What follows Z may be ignored (V.250 clause 6.1.1).
            target.hang_up()
            target.profile = target.profiles.profile(value)
            return ResultCode.OK
        case "&F", 0:
            target.profile = Profile()
        case "&W", _ if value < PROFILES:
            target.profiles.write_profile(value, target.profile)
        case "&V", 0:
            target.inform(_show(target))
        case _:
            return ResultCode.ERROR
    return None


def _register(rest: str, target: CommandTarget) -> tuple[Ending | None, str]:
    found = _REGISTER.match(rest)
    if found is None:
        return ResultCode.ERROR, ""
    number = int(found[1])
    try:
        if found[3]:
            target.inform([f"{target.profile.registers.get(number):03d}"])
        elif found[2]:
            target.profile.registers.set(number, int(found[2]))
        else:
            return ResultCode.ERROR, ""
    except RegisterError:
        return ResultCode.ERROR, ""
    return None, rest[found.end() :]


def _dial(text: str, target: CommandTarget) -> Ending:
    if target.is_connected:
        return ResultCode.ERROR
    dialled, semicolon, rest = text.partition(";")
    if dialled == "L":
        dialled = target.last_dialled
    elif (stored := _STORED.fullmatch(dialled)) is not None:
        place = int(stored[1] or 0)
        dialled = target.profiles.number(place) if place < NUMBERS else ""
    # A number that was kept or dialled before may have a semicolon of its own.
    dialled = dialled.partition(";")[0] + semicolon
    try:
        what = parse_dial_string(dialled, target.profile.registers, pulse=target.pulse)
    except DialStringError:
        return ResultCode.ERROR
    if not what.number and not what.stays:
        return ResultCode.ERROR
    target.pulse = what.pulse
    target.last_dialled = dialled
    return Dial(what, rest)


def _keep_number(rest: str, target: CommandTarget) -> Ending:
    found = _KEEP_NUMBER.fullmatch(rest)
    if found is None:
        return ResultCode.ERROR
    place = int(found[1] or 0)
    if place >= NUMBERS or not is_number(found[2]):
        return ResultCode.ERROR
    target.profiles.write_number(place, found[2])
    return ResultCode.OK


def _caller_id(rest: str, target: CommandTarget) -> tuple[Ending | None, str]:
    found = _CALLER_ID.match(rest)
    if found is None:
        return ResultCode.ERROR, ""
    if found[2]:
        target.inform([f"+VCID:{int(target.tells_caller)}"])
    else:
        target.tells_caller = found[1] == "1"
    return None, rest[found.end() :]


def _show(target: CommandTarget) -> list[str]:
    lines = ["ACTIVE PROFILE:", *target.profile.show()]
    for place in range(PROFILES):
        stored = target.profiles.profile(place)
        lines += [f"STORED PROFILE {place}:", *stored.show()]
    numbers = [f"{place}={target.profiles.number(place)}" for place in range(NUMBERS)]
    return [*lines, "TELEPHONE NUMBERS:", " ".join(numbers)]
