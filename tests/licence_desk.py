"""A gateway in which licences are applied for: offices, people, a maker, machines.

Everybody has one role: `Desk.by` says who acts. Offices are those of the sample; the
Division is KN06, Bengaluru East.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any, Final

from dop_gateway.errors import NotFoundError
from dop_gateway.identity import store as people
from dop_gateway.identity.model import (
    GATEWAY,
    Actor,
    By,
    Grant,
    PersonId,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.licences import applications, deciding, entering, makers
from dop_gateway.licences import store as licences
from dop_gateway.licences.application import (
    Application,
    ApplicationId,
    ApplicationKind,
    ApplicationState,
    Check,
    CheckResult,
    Client,
    Form,
    Receipt,
    Scenario,
)
from dop_gateway.licences.model import Body, Holder, Licence, LicenceKind
from dop_gateway.offices import service as office_service
from dop_gateway.offices import store as offices
from dop_gateway.offices.codes import shipped_codes
from dop_gateway.offices.model import Office, OfficeKind
from dop_gateway.offices.reading import read_directory
from hw.clock import epoch_seconds
from hw.database import Store
from hw.entropy import SeededEntropy
from protocol.keys import (
    MachineIdentity,
    MachineProvisioning,
    MakerKey,
    Realm,
    write_provisioning,
)
from protocol.parameters import INDIA
from protocol.values import (
    EpochSeconds,
    Paise,
    RechargeNumber,
    parse_licence_identifier,
)
from tests.gateway import NOW, gateway_at
from tests.house.sources import ROOT

SAMPLE = ROOT / "dop_gateway" / "offices" / "sample.csv"
MODEL: Final = "FM-1"
DIVISION_CODE: Final = "KN06"
FEE: Final = Paise(37_500)
LATE_FEE: Final = Paise(47_500)
MONDAY: Final = date(2026, 11, 16)
HOLDER: Final = Holder(
    name="Bharat Stationers",
    body=Body.PRIVATE,
    address=("12, M.G. Road", "Bengaluru"),
    pin="560001",
    name_hi="भारत स्टेशनर्स",
    contact="Ravi Kumar",
    telephone="9000000002",
    email="office@example.org",
)
CLIENT: Final = Client("A. Rao", "Mysuru", "letter of 1-11-2026", date(2026, 11, 1))
_DIVISION_ROLES: Final = (
    ("operator", Role.LICENSING_OPERATOR),
    ("authority", Role.LICENSING_AUTHORITY),
    ("director", Role.LICENSING_AUTHORITY),
    ("verifier", Role.VERIFIER),
    ("postmaster", Role.POSTMASTER),
)
_SET_UP: Final = By(GATEWAY, NOW, "a-test", "a test")
_DESIGNATED: Final = frozenset({OfficeKind.HO, OfficeKind.SO})
MAKER_KEY: Final = MakerKey.generate("Maker-N", Realm.TEST, SeededEntropy(b"maker N"))


def machine_of(
    identifier: str, psd_serial: str = "", *, seed: str = "", model: str = MODEL
) -> MachineProvisioning:
    """Make a machine as it leaves its maker, with keys that only it has."""
    serial = psd_serial or f"PSD{identifier[2:]}"
    entropy = SeededEntropy(f"{identifier} {serial} {seed}".encode())
    identity = MachineIdentity.generate(
        parse_licence_identifier(identifier), serial, Realm.TEST, entropy
    )
    zero = Paise(0)
    return MachineProvisioning(
        identity.credential,
        model,
        "1.0",
        zero,
        zero,
        zero,
        0,
        0,
        RechargeNumber(0),
        EpochSeconds(1_780_000_000),
    )


def file_of(machine: MachineProvisioning, maker: MakerKey = MAKER_KEY) -> bytes:
    """Sign the file of a machine as its maker does."""
    return write_provisioning(machine, maker).encode()


def receipt(number: int, amount: Paise = FEE, paid_on: date = MONDAY) -> Receipt:
    """Make a receipt ACG-67."""
    return Receipt(f"FM{number:019d}", amount, paid_on)


@dataclass
class LicenceDesk:
    """A database with all that licences need, and who acts in it on which day."""

    store: Store
    division: Office
    office: Office
    other_office: Office
    today: date = MONDAY
    people: dict[str, Actor] = field(default_factory=dict)
    receipts: int = 0

    @property
    def now(self) -> EpochSeconds:
        """Noon of the day."""
        return epoch_seconds(datetime.combine(self.today, time(12), INDIA))

    def by(self, login: str, reason: str = "a test") -> By:
        """Let somebody act."""
        return By(self.people[login], self.now, "a-test", reason)

    @property
    def program(self) -> By:
        """Let a program of the gateway act."""
        return By(GATEWAY, self.now, "a-test", "a job")

    def next_receipt(self, amount: Paise = FEE) -> Receipt:
        """Make a receipt of today that nobody has used."""
        self.receipts += 1
        return receipt(self.receipts, amount, self.today)

    def form(self, identifier: str = "N123456", **changed: Any) -> Form:
        """Fill in an application for a licence."""
        form = Form(
            kind=ApplicationKind.ISSUE,
            scenario=Scenario.NEW,
            identifier=identifier,
            holder=HOLDER,
            licence_kind=LicenceKind.INDIVIDUAL,
            office=self.office.office_id,
            receipt=changed.pop("receipt", None) or self.next_receipt(),
            provisioning=file_of(machine_of(identifier)),
        )
        return replace(form, **changed)

    def form_for(self, licence: Licence, kind: ApplicationKind, **more: Any) -> Form:
        """Fill in an application for something about a licence."""
        identifier = more.pop("identifier", licence.identifier)
        scenario = more.pop("scenario", Scenario.NEW)
        return Form(kind, scenario, identifier, licence.identifier, **more)

    def enter(self, form: Form, who: str = "operator") -> Application:
        """Bring an application."""
        with self.store.writing("test") as connection:
            return entering.enter(connection, form, self.by(who))

    def check(self, one: Application) -> Application:
        """Mark every line of the check-list."""
        checks = [
            Check(
                item,
                CheckResult.NOT_APPLICABLE
                if item in one.may_be_left_out
                else CheckResult.SATISFIED,
            )
            for item in one.items
        ]
        with self.store.writing("test") as connection:
            return deciding.check(connection, one.id, checks, self.by("operator"))

    def ready(self, form: Form, who: str = "operator") -> Application:
        """Bring an application to where it is approved."""
        one = self.check(self.enter(form, who))
        if one.is_verified_in_the_field:
            with self.store.writing("test") as connection:
                deciding.send_out(connection, one.id, self.by("operator"))
                one = deciding.confirm(connection, one.id, self.by("verifier"))
        return one

    def approve(
        self, of: ApplicationId, who: str = "authority", *, refund_allowed: bool = False
    ) -> Licence:
        """Approve an application."""
        with self.store.writing("test") as connection:
            _, licence = deciding.approve(
                connection, of, self.by(who), refund_allowed=refund_allowed
            )
        return licence

    def issue(self, identifier: str = "N123456", **changed: Any) -> Licence:
        """Have a licence issued."""
        return self.approve(self.ready(self.form(identifier, **changed)).id)

    def licence(self, identifier: str = "N123456") -> Licence:
        """Read a licence."""
        with self.store.reading() as connection:
            return licences.get(connection, identifier)

    def state_of(self, of: ApplicationId) -> ApplicationState:
        """Read how far an application is."""
        with self.store.reading() as connection:
            return applications.get(connection, of).state


@contextmanager
def licence_desk_at(url: str) -> Iterator[LicenceDesk]:
    """Open a desk on a new database."""
    with gateway_at(url) as store:
        yield licence_desk_in(store)


def licence_desk_in(store: Store) -> LicenceDesk:
    """Put offices, a maker and people into a database that has none of them."""
    with store.writing("a desk") as connection:
        directory = read_directory(SAMPLE)
        office_service.bring_in(connection, directory, shipped_codes(), _SET_UP)
        division = offices.by_code(connection, DIVISION_CODE)
        if division is None:
            raise NotFoundError(DIVISION_CODE)
        below = offices.subtree_of(connection, division.office_id)
        takes_mail = [one for one in below if one.kind in _DESIGNATED]
        desk = LicenceDesk(store, division, takes_mail[0], takes_mail[1])
        makers.approve_model(connection, "N", MODEL, date(2020, 1, 1), _SET_UP)
        makers.add_key(connection, "N", MAKER_KEY.public, _SET_UP)
        _let_in(connection, desk)
    return desk


def _let_in(connection: Any, desk: LicenceDesk) -> None:
    office = str(desk.division.office_id)
    grants = {
        login: (PersonKind.STAFF, Grant(role, ScopeKind.OFFICE, office))
        for login, role in _DIVISION_ROLES
    }
    kolar = offices.by_code(connection, "KN14")
    if kolar is None:
        raise NotFoundError("KN14")
    grants["stranger"] = (
        PersonKind.STAFF,
        Grant(Role.LICENSING_AUTHORITY, ScopeKind.OFFICE, str(kolar.office_id)),
    )
    for login, letter in (("officer", "N"), ("rival", "P")):
        grants[login] = (
            PersonKind.MAKER,
            Grant(Role.MAKER_OFFICER, ScopeKind.MAKER, letter),
        )
    grants["licensee"] = (
        PersonKind.LICENSEE,
        Grant(Role.LICENSEE, ScopeKind.LICENCE, "N123456"),
    )
    for login, (kind, grant) in grants.items():
        person = people.insert_person(
            connection,
            login=login,
            name=login.title(),
            kind=kind,
            email=f"{login}@example.invalid",
            mobile="",
            password_hash=None,
            now=EpochSeconds(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())),
        )
        people.insert_grant(connection, person, grant, PersonId(1), NOW)
        desk.people[login] = Actor(person, login, kind, (grant,))
