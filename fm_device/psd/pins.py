"""PINs: who may frank, who may change things, who may recharge.

A PIN is checked inside the PSD and never leaves it; what is stored is a digest under a
key that only this PSD has. The attempt is counted before it is looked at, so that
pulling the plug gives no free one. After `FREE_ATTEMPTS` wrong PINs in a row there is a
wait that doubles, without a clock until that is set; `ATTEMPTS_MAX` in a row lock the
machine out, which only the server's UNLOCK lifts.

Source: 20 attempts, after which a machine stops (FP T1000, error 15); the doubling wait
from 10 s to 1,280 s is that of prepayment meters. That UNLOCK lifts it is ours.
"""

import hmac
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from fm_device.psd.records import NO_PIN, NO_TIME, PIN_OCTETS, PsdRecord
from fm_device.psd.states import WrongCodes, moved
from protocol.coded import Coded
from protocol.errors import LocalProtocolError
from protocol.values import U32_MAX, EpochSeconds

ATTEMPTS_MAX: Final = 20
FREE_ATTEMPTS: Final = 3
_FIRST_WAIT_S: Final = 10
_LAST_WAIT_S: Final = 1280
DIGITS_MIN: Final = 4
DIGITS_MAX: Final = 8


class Role(IntEnum):
    """Whose PIN it is; the number is its place in the record."""

    OPERATOR = 0
    """Franks."""
    SUPERVISOR = 1
    """Changes settings, departments and PINs, and allows a large step of the clock."""
    FUNDING = 2
    """Recharges."""


class PinVerdict(Coded):
    """What came of a PIN: a code for service, words for the panel."""

    RIGHT = ("PSD-15-000", "PIN accepted")
    WRONG = ("PSD-15-002", "WRONG PIN: try again")
    WAIT = ("PSD-15-003", "TOO MANY WRONG PINS: wait, then try again")
    LOCKED_OUT = (
        "PSD-15-001",
        "LOCKED OUT after wrong codes: call the recharge server's operator",
    )
    NOT_SET = ("PSD-15-004", "NO PIN is set for this: the supervisor sets one")


@dataclass(frozen=True, slots=True)
class PinAnswer:
    """What came of a PIN.

    Attributes:
        verdict: The answer.
        attempts_left: Wrong ones until the machine locks itself out.
        wait_until: No PIN is looked at before, or 0.
    """

    verdict: PinVerdict
    attempts_left: int = ATTEMPTS_MAX
    wait_until: EpochSeconds = NO_TIME


def check_pin_form(pin: str) -> str:
    """Check what a person chose.

    Raises:
        LocalProtocolError: It is not 4 to 8 digits.
    """
    if not (pin.isascii() and pin.isdecimal() and DIGITS_MIN <= len(pin) <= DIGITS_MAX):
        raise LocalProtocolError(f"a PIN has {DIGITS_MIN} to {DIGITS_MAX} digits")
    return pin


def pin_digest(key: bytes, role: Role, pin: str) -> bytes:
    """Digest a PIN under a key of this PSD alone."""
    return hmac.digest(key, b"PIN %d %s" % (role, pin.encode()), "sha256")[:PIN_OCTETS]


def pin_of(record: PsdRecord, role: Role) -> bytes | None:
    """Say what is stored for a role, or None when it has no PIN."""
    stored = record.pins[role * PIN_OCTETS : (role + 1) * PIN_OCTETS]
    return None if stored == NO_PIN else stored


def with_pin(record: PsdRecord, role: Role, digest: bytes | None) -> PsdRecord:
    """Set or take away the PIN of a role."""
    pins = bytearray(record.pins)
    pins[role * PIN_OCTETS : (role + 1) * PIN_OCTETS] = digest or NO_PIN
    return replace(_with_wrong(record, role, 0), pins=bytes(pins))


def waits(record: PsdRecord, role: Role, now: EpochSeconds | None) -> bool:
    """Whether no PIN is looked at yet.

    Without a clock nobody knows how long a wait is: once the free attempts are used up
    no PIN of the role is looked at until the clock is set.
    """
    if now is None:
        return record.wrong_pins[role] >= FREE_ATTEMPTS
    return now < record.pin_wait_until


def wait_capped(record: PsdRecord, now: EpochSeconds | None) -> PsdRecord:
    """Shorten a wait that a step of the clock has made longer than the longest."""
    if now is None:
        return record
    until = min(record.pin_wait_until, now + _LAST_WAIT_S)
    return replace(record, pin_wait_until=EpochSeconds(until))


def attempt_counted(
    record: PsdRecord, role: Role, now: EpochSeconds | None
) -> PsdRecord:
    """Count an attempt as wrong, before it is looked at."""
    wrong = record.wrong_pins[role] + 1
    after = _with_wrong(record, role, wrong)
    if wrong >= FREE_ATTEMPTS and now is not None:
        wait_s = min(_FIRST_WAIT_S << (wrong - FREE_ATTEMPTS), _LAST_WAIT_S)
        until = EpochSeconds(min(now + wait_s, U32_MAX))
        after = replace(after, pin_wait_until=until)
    if wrong >= ATTEMPTS_MAX:
        after = replace(after, standing=moved(after.standing, WrongCodes()))
    return after


def attempt_right(before: PsdRecord, after: PsdRecord, role: Role) -> PsdRecord:
    """Take the count back: the PIN was right.

    Args:
        before: The record before the attempt was counted.
        after: As it is stored now.
        role: Whose PIN it was.
    """
    return replace(
        _with_wrong(after, role, 0), pin_wait_until=NO_TIME, standing=before.standing
    )


def _with_wrong(record: PsdRecord, role: Role, wrong: int) -> PsdRecord:
    counts = bytearray(record.wrong_pins)
    counts[role] = wrong
    return replace(record, wrong_pins=bytes(counts))
