"""The server of a scenario: its keys and books, its maker's key, and its people."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from twisted.internet.task import Clock

from hw.clock import WallClock
from hw.database import Store, open_store
from hw.entropy import SeededEntropy
from protocol.channel import ServerChannelPort
from protocol.contents import Body, make_content, write_content
from protocol.errors import RmfsError
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import (
    CreditKey,
    MachineProvisioning,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier, LicenceNumber, Paise, show_rupees
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.contents import read_ordered
from rmfs_server.enrolling import NewLicence
from rmfs_server.funds import import_fund_file
from rmfs_server.limits import Limits
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_server.writer import ImmediateWriter

NUMBER: Final = LicenceNumber("KN0600065")
LICENSEE: Final = "Bharat Stationers, Bengaluru"
EXPIRES_ON: Final = date(2050, 12, 31)


class DepositError(RmfsError):
    """A deposit of a scenario did not reach the funds."""


class ScenarioServer:
    """The recharge server that the machine of a scenario dials, and its people.

    Attributes:
        identity: Its own keys.
        maker: The key that signs contents.
        store: Its books.
        administration: What people do at it.
    """

    def __init__(
        self,
        scenario: str,
        folder: Path,
        entropy: Callable[[str], SeededEntropy],
        wall: WallClock,
    ) -> None:
        """Make its keys and open its books, which are empty.

        Args:
            scenario: The name that people's acts are signed with.
            folder: An empty folder for the books.
            entropy: Gives the stream of one purpose.
            wall: The true time.
        """
        self._scenario = scenario
        self._entropy = entropy
        self._wall = wall
        self._deposits = 0
        self._credit_keys: dict[int, CreditKey] = {}
        self.maker = MakerKey.generate("maker", Realm.TEST, entropy("maker"))
        self.identity = ServerIdentity.generate(
            "TEST-OEM", Realm.TEST, 1, entropy("server")
        )
        self.store = self._open_books(folder)
        self.administration = Administration(
            self.store, self._credit_key(1), self._credit_keys.get
        )

    def by(self) -> By:
        """Sign for what people do."""
        return By("scenario", self._scenario, self._wall.now())

    def provisioning(self, number: int) -> ServerProvisioning:
        """Give what a PSD has to know of the server and one of its credit keys."""
        public = self._credit_key(number).signing.public
        credential = self.identity.credential.with_credit_key(number, public)
        return ServerProvisioning(credential, self._wall.now())

    def enrol(self, machine: MachineProvisioning) -> None:
        """Enrol a life of the machine.

        Raises:
            MoveRefusedError: The server does not take it.
        """
        new = NewLicence(NUMBER, LICENSEE, EXPIRES_ON)
        self.administration.enrol(machine, new, self.by())

    def order_content(self, licence: LicenceIdentifier, body: Body) -> None:
        """Have the maker sign a content, and order it.

        Raises:
            MoveRefusedError: The server does not order it.
        """
        content = make_content(body, Realm.TEST, self._wall.now())
        octets = write_content(content, self.maker)
        makers = [self.maker.public]
        ordered = read_ordered(octets, makers, self.identity.credential)
        self.administration.order_content(licence, ordered, self.by())

    def deposit(self, licence: LicenceIdentifier, amount_paise: Paise) -> None:
        """Take a fund file with one deposit, available today.

        Raises:
            DepositError: It waits in suspense.
        """
        self._deposits += 1
        today = business_date(self._wall.now())
        line = DetailLine(
            line_id="1",
            licence=licence,
            licence_number=NUMBER,
            licensee=LICENSEE,
            amount_paise=amount_paise,
            mode=PaymentMode.NETBANKING,
            value_date=today,
            available_from=today,
        )
        name = f"FND-{licence[0]}-{self._deposits:04d}"
        file = FundFile.by_hand(name, licence[0], today, (line,))
        octets = encode_fund_file(file)
        report = import_fund_file(self.store, octets, self._wall.now())
        for judged in report.suspended:
            raise DepositError(
                f"a deposit of {show_rupees(amount_paise)} waits in suspense: "
                f"{judged.suspended_because}; a first one is at least Rs 2,000"
            )

    def answering(
        self, reactor: Clock, make_channel: Callable[[], ServerChannelPort]
    ) -> Exchange:
        """Give what answers the calls to it.

        Args:
            reactor: The virtual reactor.
            make_channel: Makes its end of the channel of a call.
        """
        return Exchange(
            reactor=reactor,
            books=Books(
                self.store,
                self._credit_key(1),
                self._entropy("marks"),
                self._credit_keys.get,
            ),
            writer=ImmediateWriter(),
            make_channel=make_channel,
            wall_clock=self._wall,
            limits=Limits(),
        )

    def close(self) -> None:
        """Close the books."""
        self.store.close()

    def _credit_key(self, number: int) -> CreditKey:
        """Give a credit key; it is made when it is first asked for."""
        if number not in self._credit_keys:
            entropy = self._entropy(f"credit key {number}")
            self._credit_keys[number] = CreditKey.generate(number, Realm.TEST, entropy)
        return self._credit_keys[number]

    def _open_books(self, folder: Path) -> Store:
        store = open_store(f"sqlite:///{folder / 'books.sqlite'}")
        migrate(store)
        return store
