"""Steps of the bench's own machine: what it remembers, what it franked, who it is."""

from dataclasses import replace
from typing import Final

from hw.entropy import SeededEntropy
from hw.lab.machine_side import MachineSide
from hw.lab.server_side import ServerSide
from hw.lab.signatures import OTHER_REALM
from hw.lab.steps import Step
from protocol.keys import MachineIdentity
from protocol.values import LicenceIdentifier

_STRANGER: Final = LicenceIdentifier("Z999999")
_STRANGERS_PSD: Final = "STRANGER"


class MachineSteps:
    """What a case has the bench's machine be and do."""

    def __init__(self, side: ServerSide | MachineSide) -> None:
        """Know the machine.

        Args:
            side: What the bench is; a bench that is a server has no machine.
        """
        self._side = side
        self._itself = side.identity if isinstance(side, MachineSide) else None

    async def apply(self, _: Step) -> None:
        """Apply the voucher that came."""
        if isinstance(self._side, MachineSide):
            self._side.memory.apply()

    async def forget(self, _: Step) -> None:
        """Have the memory of before the last voucher."""
        if isinstance(self._side, MachineSide):
            self._side.memory.forget()

    async def usage(self, step: Step) -> None:
        """Have franked what the step says."""
        rows = {}
        for word in step.words:
            product_class, items, paise = (int(one, 0) for one in word.split(":"))
            rows[product_class] = items, paise
        if isinstance(self._side, MachineSide):
            self._side.memory.set_usage(rows)

    async def become(self, step: Step) -> None:
        """Dial as somebody else from the next call on."""
        self.be(step.words[0])

    def be(self, who: str) -> None:
        """Be somebody of `hw.lab.verbs.WHO`."""
        side, itself = self._side, self._itself
        if isinstance(side, MachineSide) and itself is not None:
            side.become(_somebody(who, itself))


def _somebody(who: str, itself: MachineIdentity) -> MachineIdentity:
    match who:
        case "stranger":
            licence, serial = _STRANGER, _STRANGERS_PSD
        case "impostor":
            licence, serial = itself.licence_identifier, itself.psd_serial
        case "foreigner":
            return replace(itself, realm=OTHER_REALM[itself.realm])
        case _:
            return itself
    entropy = SeededEntropy(who.encode("ascii"))
    return MachineIdentity.generate(licence, serial, itself.realm, entropy)
