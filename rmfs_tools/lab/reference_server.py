"""The reference server on the bench, in virtual time: the product's own.

Each case is played by a machine that has never dialled; it is enrolled and funded when
it is needed. `ReferenceServer` is also whoever sits at the server: an `Operator`.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from hw.clock import WallClock
from hw.entropy import SeededEntropy
from hw.lab.account import FUNDED_PAISE
from hw.lab.machine_memory import Asked
from hw.lab.machine_side import MachineSide
from hw.lab.offers import Offers
from hw.lab.operator import OperatorError
from hw.lines.port import LineUser, Listener
from protocol.channel import ServerChannel
from protocol.errors import RmfsError
from protocol.exchange import FundFile, encode_fund_file
from protocol.keys import MachineIdentity, MachineProvisioning, Realm
from protocol.messages import CONTENT_ORDERS, LicenceState, OrderKind
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier, OrderSerial
from rmfs_server.contents import read_ordered
from rmfs_server.enrolling import NewLicence
from rmfs_server.funds import import_fund_file
from rmfs_server.store.acts import By
from rmfs_tools.lab.bench_papers import (
    NEW,
    EnrolledWith,
    funding_of,
    licence_number,
    licensee,
    provisioning_of,
)
from rmfs_tools.lab.own_memory import own_memory_octets
from rmfs_tools.simulation.clock import SimulatedClock
from rmfs_tools.simulation.server_life import Desk, ServerLife
from rmfs_tools.simulation.setting import (
    CREDIT_KEY,
    EXPIRES_ON,
    IDENTITY,
    MAKER_KEY,
    setting,
)

_OEM: Final = "N"
SERVER: Final = IDENTITY.credential.with_credit_key(
    CREDIT_KEY.key_id, CREDIT_KEY.signing.public
)


class ReferenceServer:
    """A server, its database in a folder, and whoever sits at it."""

    def __init__(
        self,
        folder: Path,
        listener: Listener,
        *,
        reactor: SimulatedClock,
        clock: WallClock,
    ) -> None:
        """Start a server with empty books.

        Args:
            folder: An empty one, for the database.
            listener: Where it answers.
            reactor: Virtual time.
            clock: The time of day.
        """
        self._clock = clock
        self._entropy = SeededEntropy(b"keys that are never ordered")
        self._machines = 0
        self._files = 0
        self._desk = Desk(folder)
        # To migrate takes 45 ms of processor time, and a fuzz case 63 ms besides.
        self._desk.put(setting(0).books)
        self._life = ServerLife(
            self._desk,
            reactor=reactor,
            clock=clock,
            entropy=SeededEntropy(b"marks of the reference server"),
            make_channel=lambda: ServerChannel(IDENTITY),
            on_death=lambda _: None,
        )
        self._life.start()
        listener.listen(self._answer)

    def close(self) -> None:
        """End it."""
        self._desk.close()

    def _answer(self, caller: str) -> LineUser | None:
        exchange = self._life.exchange
        # Each machine has a line of its own: wrong authentications are counted by it.
        return (
            None if exchange is None else exchange.answer(f"{caller} {self._machines}")
        )

    def new_machine(self, held: EnrolledWith = NEW) -> MachineSide:
        """Enrol a machine of the bench that has never dialled, and fund it.

        Args:
            held: What its papers say that it holds.
        """
        self._machines += 1
        number = self._machines
        licence = LicenceIdentifier(f"N{200_000 + number}")
        identity = MachineIdentity.generate(
            licence,
            f"LAB{number:05d}",
            Realm.TEST,
            SeededEntropy(b"bench machine %d" % number),
        )
        papers = NewLicence(licence_number(licence), licensee(licence), EXPIRES_ON)
        provisioning = provisioning_of(identity.credential, self._clock.now(), held)
        self._life.administration.enrol(provisioning, papers, self._by())
        self._fund(licence, FUNDED_PAISE)
        return MachineSide(identity, SERVER, clock=self._clock)

    def _by(self) -> By:
        return By("bench", "a case of the catalogue", self._clock.now())

    def _fund(
        self, licence: LicenceIdentifier, paise: int, *, later: bool = False
    ) -> None:
        self._files += 1
        today = business_date(self._clock.now())
        counts = today + timedelta(days=int(later))
        line = funding_of(licence, "1", paise, today, counts)
        file = FundFile.by_hand(f"FND-{_OEM}-{self._files:04d}", _OEM, today, (line,))
        import_fund_file(self._desk.store, encode_fund_file(file), self._clock.now())

    # At the server.

    async def dial(self, asked: Asked) -> None:
        """Refuse: a server does not dial.

        Raises:
            OperatorError: Always.
        """
        raise OperatorError("a server does not dial")

    async def frank(self, paise: int, product_class: int) -> None:
        """Refuse: a server does not frank.

        Raises:
            OperatorError: Always.
        """
        raise OperatorError("a server does not frank")

    async def power(self, what: str) -> None:
        """Kill the process, or start it.

        Raises:
            OperatorError: It is killed already.
        """
        if what == "on":
            self._life.start()
        else:
            self._life.die("by a case")

    async def do(self, what: Sequence[str], licence: str) -> None:
        """Do an errand at the server.

        Raises:
            OperatorError: The server refuses, or it is none that is done there.
        """
        try:
            self._do(what[0], tuple(what[1:]), LicenceIdentifier(licence))
        except RmfsError as error:
            raise OperatorError(str(error)) from error

    def _do(
        self, name: str, values: tuple[str, ...], licence: LicenceIdentifier
    ) -> None:
        administration, by = self._life.administration, self._by()
        match name, *values:
            case "licence", state:
                administration.set_licence(licence, by, state=LicenceState[state])
            case ("expire",):
                today = business_date(self._clock.now())
                yesterday = today - timedelta(days=1)
                administration.set_licence(licence, by, expires_on=yesterday)
            case "refund", word:
                allowed = word == "allowed"
                administration.set_licence(licence, by, refund_allowed=allowed)
            case "fund", paise, *when:
                self._fund(licence, int(paise), later="later" in when)
            case ("void",):
                administration.void(licence, by)
            case "order", kind, *value if OrderKind[kind] not in CONTENT_ORDERS:
                number = int(value[0], 0) if value else 0
                administration.order(licence, OrderKind[kind], number, by)
            case ("order", kind):
                made = Offers(IDENTITY, CREDIT_KEY, MAKER_KEY, self._entropy)
                _, octets = made.make(kind, {"size": "1200"}, by.now)
                ordered = read_ordered(octets, [MAKER_KEY.public], SERVER)
                administration.order_content(licence, ordered, by)
            case "take-back", serial:
                number = OrderSerial(int(serial))
                administration.take_back(licence, number, by)
            case ("revoke",):
                administration.revoke(licence, by)
            case _:
                raise OperatorError(f"not done at a server: {name}")

    async def new_life(self) -> MachineProvisioning:
        """Refuse: a server has one life.

        Raises:
            OperatorError: Always.
        """
        raise OperatorError("a server begins no new life")

    async def memory_octets(self) -> int | None:
        """Say what the process holds that it shares with the bench."""
        return own_memory_octets()

    async def is_alive(self) -> bool:
        """Say whether the process runs."""
        return self._life.exchange is not None
