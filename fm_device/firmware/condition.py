"""What besides the sensors decides about the faults of a machine that is on."""

from typing import TYPE_CHECKING, Final

from fm_device.firmware.faults import Condition, TariffCondition
from fm_device.firmware.update import UpdateState
from protocol.messages import OrderKind

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine
    from fm_device.firmware.memories import Memories

_SECONDS_A_DAY: Final = 86_400


def condition_of(machine: "Machine", memories: "Memories") -> Condition:
    """Look at a machine.

    Args:
        machine: Which is on.
        memories: What it has read.
    """
    settings, psd = machine.settings, machine.psd
    registers, now = psd.record.registers, psd.time
    warned = settings.battery_warned
    return Condition(
        medium=settings.medium,
        with_slogan=bool(settings.slogan),
        slogan_there=machine.franking.slogan is not None,
        tariff=_tariff_condition(machine),
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


def _tariff_condition(machine: "Machine") -> TariffCondition:
    """Say whether there is something to compute postage from.

    One tariff that cannot be read is enough to stop: the one before it would be in
    force again, and an old price would be franked.
    """
    if any(one.kind is OrderKind.TARIFF for one in machine.contents.lost):
        return TariffCondition.DAMAGED
    if machine.psd.time is None or machine.tariff is not None:
        return TariffCondition.IN_FORCE
    return TariffCondition.MISSING
