"""A gateway and a recharge server in two folders, and the work between two sessions.

Machines and people act here, in the process of the rehearsal, on the books of both
sides: as people and machines do who act between two windows. What they did is noted in
`Done` as they did it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from asyncssh import import_private_key

from dop_gateway.deposits.model import Payment
from dop_gateway.deposits.receiving import receive
from dop_gateway.deposits.verifying import verified
from dop_gateway.exchange import jobs, parties
from dop_gateway.folder import read_gateway
from dop_gateway.ledger import Source
from dop_gateway.licences import standing
from dop_gateway.licences.model import Licence
from fm_device.model import MODEL
from fm_device.psd.franking import Frank
from hw.clock import MemoryWallClock, WallClock
from hw.entropy import SystemEntropy
from protocol.dialogue.machine import Outcome
from protocol.errors import InvariantError
from protocol.exchange import PaymentMode
from protocol.keys import MakerKey, SigningKey, read_private_key, write_public_key
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from rmfs_server.exchange.settings import (
    SSH_PUBLIC,
    ExchangeSettings,
    create_exchange,
    read_exchange,
)
from rmfs_server.folder import MAKER_KEY, open_books, read_server, read_small
from rmfs_tools.demo_chain import GATEWAY, LETTER, LOGIN, last_days
from rmfs_tools.killing.judging import Done
from rmfs_tools.parties import SERVER, make_server
from rmfs_tools.rehearsal.department import Department, department_in
from rmfs_tools.rehearsal.fleet import Fleet, MakerKeys
from rmfs_tools.rehearsal.maker import Maker
from rmfs_tools.simulation.dice import Dice

_HOST: Final = "127.0.0.1"
_KEY_ID: Final = "oem-n-1"
_FIRST_NUMBER: Final = 100_001
_FIRST_PAISE: Final = Paise(500_000)
_LATER_PAISE: Final = Paise(300_000)
_TAKEN_PAISE: Final = Paise(200_000)
_FRANKED_PAISE_MAX: Final = 45_000
_FRANKS: Final = 4
_CLASS: Final = 3
_AT_FIRST: Final = 4
"""Licences before the first kill; the first of them is blocked and released."""
_EVERY: Final = 4
"""So many rounds bring one licence more."""
_DEPOSITS: Final = 2
_DIAL_INS: Final = 2
_COPIES: Final = 8
"""So many rounds bring a machine that dials with an old copy of its memory."""


class World:
    """Both sides, and what was done.

    Attributes:
        department: The gateway with its people.
        maker: The recharge server with its machines.
        done: What was done.
    """

    def __init__(
        self, department: Department, maker: Maker, clock: WallClock, seed: int
    ) -> None:
        """Begin with empty books.

        Args:
            department: Opened in the gateway's folder.
            maker: Opened in the server's folder.
            clock: The real time.
            seed: Decides what is done.
        """
        self.department = department
        self.maker = maker
        self.done = Done()
        self._clock = clock
        self._seed = seed
        self._licences: list[Licence] = []
        self._to_enrol: list[Licence] = []
        self._payments = 0
        self._made_for = EpochSeconds(0)

    def found(self) -> None:
        """Issue the first licences, and pay for them."""
        self._let_time_come()
        for _ in range(_AT_FIRST):
            self._issue()
        for licence in self._licences:
            self._pay(licence)
        self._make_files()

    def work(self, number: int) -> None:
        """Do what one session has to bring across, both ways.

        Args:
            number: Of the round; with the seed it decides what is done.
        """
        self._let_time_come()
        dice = Dice("work", self._seed, number)
        for licence in self._to_enrol:
            self.maker.enrol(licence)
        self._to_enrol.clear()
        using = [one.identifier for one in self._licences[1:]]
        using = [one for one in using if one not in self.done.discrepancies]
        for _ in range(_DIAL_INS):
            self._dial_in(dice.one_of(using), dice)
        if number % _COPIES == 1 and len(using) > _DIAL_INS:
            self._dial_in_as_copy(dice.one_of(using), dice)
        if number % _EVERY == 0:
            self._issue()
        for _ in range(_DEPOSITS):
            self._pay(dice.one_of(self._licences[1:]))
        self._block_or_release()
        self._make_files()

    def close_books(self) -> None:
        """Hold no database open: who is started next is the first to open it."""
        self.department.parts.store.close()
        self.maker.store.close()

    def _let_time_come(self) -> None:
        self.department.clock.set(self._clock.utc())

    def _issue(self) -> None:
        division = self.department.divisions[0]
        office = self.department.offices_of(division)[0]
        identifier, papers = self.maker.make_machine(
            _FIRST_NUMBER + len(self._licences), int(office.pin or "560001")
        )
        name = f"Licensee {len(self._licences) + 1}"
        licence = self.department.issue(identifier, papers, name, office, division)
        self._licences.append(licence)
        self._to_enrol.append(licence)
        self.done.standing[identifier] = licence.state.name

    def _pay(self, licence: Licence) -> None:
        first = self.done.deposited_paise(licence.identifier) == 0
        amount = _FIRST_PAISE if first else _LATER_PAISE
        self._payments += 1
        reference = f"KILLS{self._payments:06d}"
        # Paid so long ago that a machine may ask for it as soon as it has come.
        paid_on, _ = last_days(self._clock.utc())
        payment = Payment(
            Source.BANK,
            reference,
            licence.identifier,
            licence.number,
            licence.licensee,
            amount,
            PaymentMode.NETBANKING,
            paid_on,
        )
        by = self.department.program
        with self.department.parts.store.writing("a payment") as connection:
            receive(connection, [payment], by)
            told = verified(connection, Source.BANK, [reference], by)
        if told.authenticated != (reference,):
            raise InvariantError(f"{reference} was not taken: {told.suspended}")
        self.done.deposits[reference] = (licence.identifier, amount)

    def _block_or_release(self) -> None:
        licence = self._licences[0]
        code = str(self.department.divisions[0].code).lower()
        by = self.department.by(f"authority-{code}")
        blocked = self.done.standing[licence.identifier] == LicenceState.BLOCKED.name
        act = standing.release if blocked else standing.block
        with self.department.parts.store.writing("a standing") as connection:
            now = act(connection, licence.identifier, by)
        self.done.standing[licence.identifier] = now.state.name

    def _dial_in(self, licence: LicenceIdentifier, dice: Dice) -> None:
        fleet, done = self.maker.fleet, self.done
        for _ in range(_FRANKS):
            value = 500 * dice.between(1, _FRANKED_PAISE_MAX // 500)
            held = fleet.machine(licence).record.registers.descending_paise
            if value <= held and not isinstance(
                fleet.frank(licence, value, _CLASS), Frank
            ):
                raise InvariantError(f"{licence} does not frank {value} paise")
        left = done.deposited_paise(licence) - done.credited_paise(licence)
        held = fleet.machine(licence).record.registers.descending_paise
        wanted = _TAKEN_PAISE if left >= _TAKEN_PAISE and held < _TAKEN_PAISE else 0
        report = fleet.dial(licence, wanted)
        due = Outcome.CONFIRMED if wanted else Outcome.INSPECTED
        if report.outcome is not due:
            raise InvariantError(f"{licence} dialled, and it was {report.outcome}")
        if report.voucher is not None:
            voucher = report.voucher
            number = (licence, int(voucher.recharge_number))
            done.credits[number] = voucher.amount_paise
        done.dial_ins[licence] = done.dial_ins.get(licence, 0) + 1
        done.descending[licence] = report.after.descending_paise

    def _dial_in_as_copy(self, licence: LicenceIdentifier, dice: Dice) -> None:
        """Let a machine dial, and dial again with the memory from before: frozen."""
        fleet = self.maker.fleet
        before = fleet.remembered(licence)
        self._dial_in(licence, dice)
        fleet.put_back(licence, before)
        report = fleet.dial(licence)
        if report.outcome in {Outcome.CONFIRMED, Outcome.INSPECTED}:
            raise InvariantError(f"{licence} is a copy, and was not refused")
        self.done.discrepancies[licence] = 1

    def _make_files(self) -> None:
        """Make the files of a window that begins now, in a second of its own.

        Those of a moment are made once, however often somebody asks for them.
        """
        parts = self.department.parts
        next_one = EpochSeconds(self._made_for + 1)
        self._made_for = max(parts.clock.now(), next_one)
        jobs.make(parts, self._made_for)


@contextmanager
def world_in(
    folder: Path, drop_port: int, clock: WallClock, seed: int
) -> Iterator[World]:
    """Found a gateway and a recharge server in an empty folder.

    Args:
        folder: Where.
        drop_port: Where the server finds the drop of the gateway, on this machine.
        clock: The real time.
        seed: Decides what is done.
    """
    own = MemoryWallClock(clock.utc())
    entropy = SystemEntropy()
    server = folder / SERVER
    make_server(server)
    with ExitStack() as stack:
        department = stack.enter_context(department_in(folder / GATEWAY, own, entropy))
        exchange = department.parts.exchange
        host_key = import_private_key(read_gateway(folder / GATEWAY).sftp_host_key)
        told = host_key.export_public_key().decode().strip()
        where = ExchangeSettings(LETTER, _KEY_ID, _HOST, drop_port, LOGIN, told)
        create_exchange(server, where, entropy)
        (server / f"{exchange.key_id}.pem").write_text(
            write_public_key(exchange.key.public.point), "ascii"
        )
        ours = read_exchange(server).ours
        department.add_maker(
            LETTER, MODEL, read_server(server).makers[0], ours.key.public
        )
        with department.parts.store.writing("an account") as connection:
            line = (server / SSH_PUBLIC).read_text("ascii")
            parties.set_account(
                connection, LETTER, LOGIN, line, department.by("director")
            )
        store = stack.enter_context(open_books(server))
        keys = _keys_of(server)
        maker = Maker(LETTER, keys, ours.key, store, Fleet(keys, store, own), own)
        yield World(department, maker, clock, seed)


def _keys_of(server: Path) -> MakerKeys:
    """Read what a server and the maker of its machines sign with."""
    found = read_server(server)
    known = found.makers[0]
    signing = SigningKey(read_private_key(read_small(server / MAKER_KEY)))
    maker = MakerKey(known.name, known.realm, signing)
    return MakerKeys(found.identity, found.credit_key, maker, SystemEntropy())
