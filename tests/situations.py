"""Situations that a scenario begins with, brought about by the product's own means."""

from pathlib import Path

from fm_device.psd.device import Psd
from hw.lines.exchange import VirtualExchange
from protocol.dialogue.machine import INSPECTION, Outcome, Request, VoucherApplied
from protocol.messages import Voucher
from protocol.registers import Registers
from protocol.values import Paise, RechargeNumber
from tests.franking import frank
from tests.system import RUPEES_2000, System, new_system
from tests.witness.rogue_machine import RogueMachine, Wire

REGISTERS_IN_USE = Registers(Paise(1_500), Paise(198_500), Paise(200_000), 3, 4)
"""Of a machine `in_use`."""
FUNDS_IN_USE = 300_000
"""What is left to a machine `in_use`, in paise."""
NUMBER_IN_USE = RechargeNumber(1)


def in_use(folder: Path) -> System:
    """Make a system whose machine was recharged once, has franked, and told of it.

    Rs 2,000 recharged, Rs 15 franked in two product classes and one zero imprint;
    Rs 3,000 are left at the server; the last dial-in was whole.
    """
    system = new_system(folder)
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    psd = system.psd()
    for value, product_class in ((500, 1), (500, 1), (500, 2), (0, 1)):
        frank(psd, Paise(value), product_class)
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    assert system.psd().record.registers == REGISTERS_IN_USE
    return system


def let_a_voucher_be_lost(system: System, request: Request = RUPEES_2000) -> Voucher:
    """Let the server grant a request whose voucher never reaches the PSD.

    Another machine with the same keys has asked for it and hung up; it stands for the
    machine's own dial-in, cut off before the last octet.
    """
    machine = RogueMachine(system)
    call, voucher = machine.ask_for(request)
    assert isinstance(voucher, Voucher)
    call.wire.end()
    return voucher


class HandDialled:
    """A dial-in of the real PSD, packet by packet, over a wire.

    Attributes:
        applied: What the PSD did with the voucher; its CONFIRMATION is not sent.
    """

    def __init__(
        self,
        system: System,
        request: Request,
        psd: Psd | None = None,
        exchange: VirtualExchange | None = None,
    ) -> None:
        self.psd = psd or system.psd()
        self.wire = Wire(system, exchange)
        self.greeting_3 = b""
        self.applied: VoucherApplied | None = None
        self.wire.send(self.psd.dial(request))
        greeting_2 = self.wire.take()
        assert greeting_2 is not None
        self.greeting_3 = self.psd.greet(greeting_2)

    def state_registers(self) -> bytes:
        """Send the STATEMENT and give the packet that answers it."""
        self.wire.send(self.greeting_3)
        answer = self.wire.take()
        assert answer is not None
        return answer

    def apply_voucher(self) -> VoucherApplied:
        """State, and let the PSD apply the voucher that comes; confirm nothing."""
        applied = self.psd.receive(self.state_registers())
        assert isinstance(applied, VoucherApplied)
        self.applied = applied
        return applied

    def hang_up(self) -> None:
        self.psd.hang_up()
        self.wire.end()


def let_a_confirmation_be_lost(
    system: System, request: Request = RUPEES_2000
) -> VoucherApplied:
    """Let the PSD apply a voucher whose CONFIRMATION never leaves."""
    call = HandDialled(system, request)
    applied = call.apply_voucher()
    call.hang_up()
    return applied
