"""The life of a machine: every state with every event, and the 30-day rule."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import get_args

import pytest

from fm_device.psd.records import Life, PsdRecord
from fm_device.psd.states import (
    FaultFound,
    Installed,
    LicenceWithheld,
    LifeEvent,
    LockOrdered,
    LockOutLifted,
    ReceiptStored,
    Reinitialised,
    Silence,
    SilentTooLong,
    UnlockOrdered,
    Withdrawn,
    WrongCodes,
    moved,
    silence_at,
    state_at,
)
from hw.clock import epoch_seconds
from protocol.errors import NoTransitionError
from protocol.messages import LicenceState
from protocol.registers import ZERO_REGISTERS, MachineState
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, RechargeNumber

S = MachineState
EXPECTED: dict[tuple[MachineState, type], MachineState] = {
    (S.UNINSTALLED, Installed): S.INSTALLED,
    (S.INSTALLED, ReceiptStored): S.IN_SERVICE,
    (S.INSTALLED, LockOrdered): S.LOCKED,
    (S.INSTALLED, UnlockOrdered): S.INSTALLED,
    (S.INSTALLED, Withdrawn): S.WITHDRAWN,
    (S.IN_SERVICE, ReceiptStored): S.IN_SERVICE,
    (S.IN_SERVICE, SilentTooLong): S.BLOCKED,
    (S.IN_SERVICE, LockOrdered): S.LOCKED,
    (S.IN_SERVICE, UnlockOrdered): S.IN_SERVICE,
    (S.IN_SERVICE, Withdrawn): S.WITHDRAWN,
    (S.BLOCKED, ReceiptStored): S.IN_SERVICE,
    (S.BLOCKED, LockOrdered): S.LOCKED,
    (S.BLOCKED, UnlockOrdered): S.BLOCKED,
    (S.BLOCKED, Withdrawn): S.WITHDRAWN,
    (S.LOCKED, ReceiptStored): S.LOCKED,
    (S.LOCKED, LockOrdered): S.LOCKED,
    (S.LOCKED, UnlockOrdered): S.IN_SERVICE,
    (S.LOCKED, Withdrawn): S.WITHDRAWN,
    (S.FAULT, ReceiptStored): S.FAULT,
    (S.FAULT, LockOrdered): S.FAULT,
    (S.FAULT, UnlockOrdered): S.FAULT,
    (S.FAULT, Withdrawn): S.WITHDRAWN,
    (S.WITHDRAWN, ReceiptStored): S.WITHDRAWN,
    (S.WITHDRAWN, LockOrdered): S.WITHDRAWN,
    (S.WITHDRAWN, UnlockOrdered): S.WITHDRAWN,
    (S.WITHDRAWN, Withdrawn): S.WITHDRAWN,
    (S.WITHDRAWN, Reinitialised): S.INSTALLED,
    (S.IN_SERVICE, LicenceWithheld): S.WITHHELD,
    (S.WITHHELD, ReceiptStored): S.IN_SERVICE,
    (S.WITHHELD, LockOrdered): S.LOCKED,
    (S.WITHHELD, UnlockOrdered): S.WITHHELD,
    (S.WITHHELD, Withdrawn): S.WITHDRAWN,
    (S.WITHHELD, WrongCodes): S.LOCKED_OUT,
    (S.UNINSTALLED, WrongCodes): S.UNINSTALLED,
    (S.INSTALLED, WrongCodes): S.LOCKED_OUT,
    (S.IN_SERVICE, WrongCodes): S.LOCKED_OUT,
    (S.BLOCKED, WrongCodes): S.LOCKED_OUT,
    (S.LOCKED, WrongCodes): S.LOCKED_OUT,
    (S.FAULT, WrongCodes): S.FAULT,
    (S.WITHDRAWN, WrongCodes): S.WITHDRAWN,
    (S.LOCKED_OUT, WrongCodes): S.LOCKED_OUT,
    (S.LOCKED_OUT, ReceiptStored): S.LOCKED_OUT,
    (S.LOCKED_OUT, LockOrdered): S.LOCKED_OUT,
    (S.LOCKED_OUT, UnlockOrdered): S.IN_SERVICE,
    (S.LOCKED_OUT, LockOutLifted): S.LOCKED,
    (S.LOCKED_OUT, Withdrawn): S.WITHDRAWN,
    **{(state, FaultFound): S.FAULT for state in S},
}


@pytest.mark.parametrize(
    ("state", "event"),
    list(product(S, get_args(LifeEvent))),
    ids=lambda value: value.name if isinstance(value, S) else value.__name__,
)
def test_every_event_in_every_state_leads_where_it_should(
    state: MachineState, event: type
) -> None:
    expected = EXPECTED.get((state, event))
    if expected is None:
        with pytest.raises(NoTransitionError):
            moved(state, event())
    else:
        assert moved(state, event()) is expected


def _at(text: str) -> EpochSeconds:
    """Read a moment of Indian time."""
    return epoch_seconds(datetime.fromisoformat(f"{text}+05:30").astimezone(UTC))


RECORD = PsdRecord(
    psd_serial="PSD00001",
    standing=S.IN_SERVICE,
    registers=ZERO_REGISTERS,
    lives=(
        Life(
            1,
            LicenceIdentifier("N123456"),
            EpochSeconds(0),
            Paise(0),
            Paise(0),
            RechargeNumber(0),
        ),
    ),
    complete_at=_at("2026-06-01T23:59:59"),
)


@pytest.mark.parametrize(
    ("now", "silence", "state"),
    [
        ("2026-06-25T23:59:59", Silence.NONE, S.IN_SERVICE),
        ("2026-06-26T00:00:00", Silence.WARN, S.IN_SERVICE),
        ("2026-07-01T23:59:59", Silence.WARN, S.IN_SERVICE),
        ("2026-07-02T00:00:00", Silence.TOO_LONG, S.BLOCKED),
        ("2027-07-02T00:00:00", Silence.TOO_LONG, S.BLOCKED),
        ("2026-05-01T00:00:00", Silence.NONE, S.IN_SERVICE),
    ],
)
def test_a_last_call_on_1_june_warns_from_26_june_and_blocks_from_2_july(
    now: str, silence: Silence, state: MachineState
) -> None:
    """RMFS-41: blocked when it has not called for 30 days."""
    assert silence_at(RECORD, _at(now)) is silence
    assert state_at(RECORD, _at(now)) is state


def test_without_a_clock_silence_cannot_be_judged() -> None:
    assert silence_at(RECORD, None) is Silence.NONE
    assert state_at(RECORD, None) is S.IN_SERVICE


@pytest.mark.parametrize("standing", [s for s in S if s is not S.IN_SERVICE])
def test_silence_blocks_only_what_is_in_service(standing: MachineState) -> None:
    record = replace(RECORD, standing=standing)
    assert state_at(record, _at("2027-01-01T00:00:00")) is standing


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (LicenceState.REGISTERED, S.IN_SERVICE),
        (LicenceState.RENEWED, S.IN_SERVICE),
        (LicenceState.EXPIRED, S.IN_SERVICE),
        (LicenceState.BLOCKED, S.WITHHELD),
        (LicenceState.WITHHELD, S.WITHHELD),
        (LicenceState.CANCELLED, S.WITHHELD),
    ],
)
def test_what_the_authority_has_taken_out_of_use_is_withheld(
    told: LicenceState, state: MachineState
) -> None:
    record = replace(RECORD, licence_state=told)
    assert state_at(record, _at("2026-06-02T00:00:00")) is state


def test_a_silent_machine_whose_licence_is_withheld_says_the_heavier_reason() -> None:
    record = replace(RECORD, licence_state=LicenceState.WITHHELD)
    assert state_at(record, _at("2027-01-01T00:00:00")) is S.WITHHELD
