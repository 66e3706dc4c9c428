"""What each wish does at a machine, and which news it gives back."""

from collections.abc import Callable
from typing import Any, Final

from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine
from fm_device.firmware.refusals import FirmwareRefusal, Refusal
from fm_device.panel.keys import (
    DepartmentWanted,
    Done,
    News,
    PinRefused,
    PinTaken,
    PinWanted,
    RunBegan,
    Started,
    StartFailed,
    Told,
    TotalToConfirm,
    ValueToConfirm,
    ZoneWanted,
)
from fm_device.panel.wishes import (
    Change,
    ChooseClass,
    ChooseDay,
    ChooseDepartment,
    ChooseSlogan,
    ChooseZone,
    EnterPin,
    FrankItem,
    FrankRun,
    Leave,
    Serve,
    SetPin,
    SwitchOff,
    SwitchOn,
    TryOut,
    Wish,
)
from fm_device.postage.pricing import PostageRefusal
from fm_device.psd.pins import PinVerdict, Role
from protocol.values import show_rupees

_PINS: Final = {
    FirmwareRefusal.PIN_NEEDED: Role.OPERATOR,
    FirmwareRefusal.SUPERVISOR_NEEDED: Role.SUPERVISOR,
    FirmwareRefusal.FUNDING_PIN_NEEDED: Role.FUNDING,
}
"""Refusals that a PIN lifts, and whose."""
_WANTED: Final[dict[Refusal, News]] = {
    FirmwareRefusal.CONFIRM_VALUE: ValueToConfirm(),
    FirmwareRefusal.DEPARTMENT_NEEDED: DepartmentWanted(),
    FirmwareRefusal.MAIL_ROWS_LOST: TotalToConfirm(),
    PostageRefusal.ZONE_NEEDED: ZoneWanted(),
}
"""Refusals that a choice lifts."""


def refused(refusal: Refusal, wish: Wish) -> News:
    """Ask for what lifts a refusal, or tell it."""
    for wanted, news in _WANTED.items():
        if refusal is wanted:
            return news
    for needed, role in _PINS.items():
        if refusal is needed:
            return PinWanted(role, wish)
    return Told(refusal.words, refusal.code)


def _answer(refusal: Refusal | None, wish: Wish, words: str = "") -> News | None:
    if refusal is not None:
        return refused(refusal, wish)
    return Done(words) if words else None


def _switch_on(machine: Machine, _wish: SwitchOn) -> News:
    start = machine.switch_on()
    if machine.is_on:
        return Started()
    said = (f"{test.part.words}: {test.words}" for test in start.tests if test.words)
    return StartFailed("; ".join(said))


def _switch_off(machine: Machine, _wish: SwitchOff) -> None:
    machine.switch_off()


def _frank(machine: Machine, wish: FrankItem) -> News:
    return _printed(machine.franking.frank(confirmed=wish.confirmed), wish)


def _begin_run(_machine: Machine, wish: FrankRun) -> News:
    return RunBegan(wish)


def _try_out(machine: Machine, wish: TryOut) -> News:
    return _printed(machine.franking.try_out(), wish)


def _printed(done: Printed | Refusal, wish: Wish) -> News:
    if not isinstance(done, Printed):
        return refused(done, wish)
    if done.frank is None:
        return Done(f"{done.face.mark.name} imprint, no value")
    value = show_rupees(done.frank.value_paise)
    return Done(f"FRANKED {value}, item {done.frank.item}")


def _choose_class(machine: Machine, wish: ChooseClass) -> News | None:
    franking = machine.franking
    refusal = franking.choose_class(wish.number)
    if refusal is not None:
        return refused(refusal, wish)
    chosen = franking.product_class
    return ZoneWanted() if chosen is not None and chosen.zones else None


def _choose_zone(machine: Machine, wish: ChooseZone) -> News | None:
    return _answer(machine.franking.choose_zone(wish.zone), wish)


def _choose_department(machine: Machine, wish: ChooseDepartment) -> News | None:
    refusal = machine.franking.choose_department(wish.number)
    return _answer(refusal, wish)


def _choose_day(machine: Machine, wish: ChooseDay) -> News | None:
    return _answer(machine.franking.choose_day(wish.day), wish)


def _choose_slogan(machine: Machine, wish: ChooseSlogan) -> News | None:
    return _answer(machine.franking.choose_slogan(wish.number), wish)


def _enter_pin(machine: Machine, wish: EnterPin) -> News:
    answer = machine.desk.enter(wish.role, wish.pin)
    if answer.verdict is PinVerdict.RIGHT:
        return PinTaken()
    if answer.verdict is PinVerdict.WRONG:
        return PinRefused(f"{answer.verdict.words} ({answer.attempts_left} left)")
    return PinRefused(answer.verdict.words)


def _set_pin(machine: Machine, wish: SetPin) -> News | None:
    refusal = machine.desk.set_pin(wish.role, wish.pin)
    words = "PIN is set" if wish.pin else "PIN is taken away"
    return _answer(refusal, wish, words)


def _leave(machine: Machine, _wish: Leave) -> News:
    machine.desk.leave()
    return Done("Closed: PINs are asked again")


def _change(machine: Machine, wish: Change) -> News | None:
    refusal = machine.desk.change(**{wish.name: wish.value})
    return _answer(refusal, wish, "Setting is stored")


def _serve(machine: Machine, wish: Serve) -> News | None:
    refusal = machine.desk.serve(wish.service)
    return _answer(refusal, wish, "Service is noted")


def carry_out(machine: Machine, wish: Wish) -> News | None:
    """Carry out a wish, but a dial-in or a report.

    Args:
        machine: Nobody else uses it meanwhile.
        wish: What is wanted.

    Returns:
        The news, or None where there is nothing to tell.

    Raises:
        RmfsError: The machine itself fails, or the wish is not possible.
    """
    return _ACTIONS[type(wish)](machine, wish)


_ACTIONS: Final[dict[type, Callable[[Machine, Any], News | None]]] = {
    SwitchOn: _switch_on,
    SwitchOff: _switch_off,
    FrankItem: _frank,
    FrankRun: _begin_run,
    TryOut: _try_out,
    ChooseClass: _choose_class,
    ChooseZone: _choose_zone,
    ChooseDepartment: _choose_department,
    ChooseDay: _choose_day,
    ChooseSlogan: _choose_slogan,
    EnterPin: _enter_pin,
    SetPin: _set_pin,
    Leave: _leave,
    Change: _change,
    Serve: _serve,
}
