"""What besides the sensors decides about the faults of a machine that is on."""

from typing import TYPE_CHECKING, Final

from fm_device.firmware.faults import Condition, TariffCondition
from fm_device.firmware.update import UpdateState
from fm_device.postage.pricing import tariff_in_force
from protocol.messages import OrderKind
from protocol.parameters import business_date
from protocol.values import EpochSeconds

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine
    from fm_device.firmware.memories import Memories

_SECONDS_A_DAY: Final = 86_400


def condition_of(
    machine: "Machine", memories: "Memories", now: EpochSeconds | None
) -> Condition:
    """Look at a machine.

    Args:
        machine: Which is on.
        memories: What it has read.
        now: By the PSD's clock; None when that is not set.
    """
    settings, registers = machine.settings, machine.record.registers
    warned = settings.battery_warned
    return Condition(
        medium=settings.medium,
        with_slogan=bool(settings.slogan),
        slogan_there=bool(settings.slogan) and machine.franking.slogan is not None,
        tariff=_tariff_condition(machine, now),
        date_possible=machine.franking.day_possible,
        memory_answers=memories.answers and not machine.without_flash,
        memory_repaired=memories.repaired,
        memory_damage=memories.damage,
        battery_warned_days=(
            None if not warned or now is None else (now - warned) // _SECONDS_A_DAY
        ),
        battery_warned_items=(
            registers.items_with_zero - settings.battery_warned_items if warned else 0
        ),
        firmware_failed=machine.update.record.state is UpdateState.ROLLED_BACK,
        descending_paise=registers.descending_paise,
        low_funds_paise=settings.low_funds_paise,
    )


def _tariff_condition(machine: "Machine", now: EpochSeconds | None) -> TariffCondition:
    """Say whether there is something to compute postage from.

    One tariff that cannot be read is enough to stop: the one before it would be in
    force again, and an old price would be franked.
    """
    contents = machine.contents
    if any(one.kind is OrderKind.TARIFF for one in contents.lost):
        return TariffCondition.DAMAGED
    if now is None or tariff_in_force(contents.tariffs, business_date(now)) is not None:
        return TariffCondition.IN_FORCE
    return TariffCondition.MISSING
