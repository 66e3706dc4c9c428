"""Money, whoever is under test: what was known before a case, and what passed in it."""

from collections.abc import Iterable, Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from hw.lab.fuzz.machine_money import MachineMoney
from hw.lab.fuzz.oracles import Finding
from hw.lab.fuzz.server_money import ServerMoney
from hw.lab.fuzz.vouchers import Holder, Standing
from hw.lab.fuzz.wire import Did, Passed
from hw.lab.machine_side import MachineSide
from hw.lab.server_side import ServerSide
from hw.lab.stated import Stated, stated_by
from protocol.keys import MachineCredential

_Keys = Mapping[int, tuple[ec.EllipticCurvePublicKey, ...]]


class MoneyOfMachine:
    """The money oracle of a bench that is a server."""

    def __init__(self, side: ServerSide) -> None:
        """Look at the book before the case.

        Args:
            side: The bench.
        """
        self._side = side
        self._known = _standing(stated_by(side)) if side.book.is_known else None

    def findings(self, passed: Iterable[Did | Passed]) -> Iterator[Finding]:
        """Judge what passed in the case."""
        offers = self._side.offers
        keys: dict[int, tuple[ec.EllipticCurvePublicKey, ...]] = {}
        # A CREDIT_KEY order may have been taken or not: both are right.
        for key in (offers.known, *offers.brought.values()):
            public = key.signing.public.point.public_key
            keys[key.key_id] = (*keys.get(key.key_id, ()), public)
        holder = _holder(self._side.machine.credential, keys)
        return MachineMoney(holder, self._known).findings(passed)


class MoneyOfServer:
    """The money oracle of a bench that is a machine."""

    def __init__(self, side: MachineSide) -> None:
        """Look at machine and account before the case.

        Args:
            side: The bench.
        """
        keys = {
            key_id: (key.point.public_key,)
            for key_id, key in side.server.credit_keys.items()
        }
        self._holder = _holder(side.identity.credential, keys)
        self._start = _standing(stated_by(side))
        self._funds_paise = side.account.funds_paise

    def findings(self, passed: Iterable[Did | Passed]) -> Iterator[Finding]:
        """Judge what passed in the case."""
        money = ServerMoney(self._holder, self._start, self._funds_paise)
        return money.findings(passed)


def money_of(side: ServerSide | MachineSide) -> MoneyOfMachine | MoneyOfServer:
    """Give the oracle for the unit that this side of the bench talks to."""
    if isinstance(side, ServerSide):
        return MoneyOfMachine(side)
    return MoneyOfServer(side)


def _holder(credential: MachineCredential, keys: _Keys) -> Holder:
    return Holder(
        credential.licence_identifier.encode("ascii"),
        credential.credential_hash,
        credential.realm.letter,
        keys,
    )


def _standing(stated: Stated) -> Standing:
    registers = stated.registers
    return Standing(
        stated.recharge_number,
        registers.ascending_paise,
        registers.control_total_paise,
    )
