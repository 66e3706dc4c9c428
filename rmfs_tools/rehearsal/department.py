"""The Department of a rehearsal: a gateway in a folder, its people, and its jobs.

Everything is done as it is in service: people with one role each act through the
services of the gateway, and the clock runs its jobs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from dop_gateway.exchange import parties
from dop_gateway.exchange.model import PartyKey, PartyKind
from dop_gateway.folder import create_gateway, open_gateway
from dop_gateway.identity import store as people
from dop_gateway.identity.model import (
    GATEWAY,
    Actor,
    By,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.jobs.catalogue import JOBS
from dop_gateway.jobs.model import Claim, Ending, Job
from dop_gateway.jobs.scheduler import Scheduler
from dop_gateway.licences import deciding, entering, makers
from dop_gateway.licences.application import (
    ApplicationKind,
    Check,
    CheckResult,
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
from dop_gateway.parts import Parts
from dop_gateway.settings import Settings
from hw.clock import MemoryWallClock
from protocol.errors import InvariantError
from protocol.keys import MakerPublicKey, VerifyingKey
from protocol.parameters import business_date
from protocol.ports import Entropy
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

NOT_REHEARSED: Final = frozenset({"bank-fetch"})
"""Jobs that ask somebody over a network; here the bank stands beside the gateway."""
_REQUEST: Final = "rehearsal"
_DIRECTORATE: Final = (
    ("director", Role.ADMINISTRATOR),
    ("desk", Role.DCR_OPERATOR),
    ("checker", Role.DCR_SUPERVISOR),
)
_DIVISION: Final = (
    ("operator", Role.LICENSING_OPERATOR),
    ("authority", Role.LICENSING_AUTHORITY),
    ("verifier", Role.VERIFIER),
    ("postmaster", Role.POSTMASTER),
    ("counter", Role.COUNTER_ASSISTANT),
    ("treasurer", Role.TREASURER),
)
_TAKES_MAIL: Final = frozenset({OfficeKind.HO, OfficeKind.SO})
_FEE: Final = Paise(37_500)
_BODY: Final = Body.NATIONALISED_BANK
"""Nobody goes and looks before such a licence is issued."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A job that ran."""

    name: str
    moment: EpochSeconds
    words: str


class Department:
    """A gateway that runs, and everybody who works with it.

    Attributes:
        parts: Of the gateway.
        failed: Runs of jobs that did not end well.
    """

    def __init__(self, parts: Parts, clock: MemoryWallClock) -> None:
        """Begin with an empty gateway."""
        self.parts = parts
        self.clock = clock
        self.failed: list[Ran] = []
        self._people: dict[str, Actor] = {}
        self._receipts = 0
        self._divisions: list[Office] = []
        self._offices: dict[int, list[Office]] = {}
        jobs = [one for one in JOBS if one.name not in NOT_REHEARSED]
        self._scheduler = Scheduler(parts, jobs, _REQUEST)
        self._due: dict[str, EpochSeconds] = {}

    def by(self, login: str, reason: str = "a rehearsal") -> By:
        """Let somebody act."""
        return By(self._people[login], self.parts.clock.now(), _REQUEST, reason)

    @property
    def program(self) -> By:
        """Let a program of the gateway act."""
        return By(GATEWAY, self.parts.clock.now(), _REQUEST, "a rehearsal")

    @property
    def divisions(self) -> Sequence[Office]:
        """List the Divisions that give licences."""
        return self._divisions

    def offices_of(self, division: Office) -> Sequence[Office]:
        """List the offices of a Division that take franked mail."""
        return self._offices[division.office_id]

    def open(self) -> None:
        """Bring in the sample of the directory, and let people in."""
        sample = files("dop_gateway.offices").joinpath("sample.csv")
        with self.parts.store.writing("open") as connection, as_file(sample) as path:
            office_service.bring_in(
                connection, read_directory(path), shipped_codes(), self.program
            )
            top = offices.top(connection)
            everywhere = (
                [] if top is None else offices.subtree_of(connection, top.office_id)
            )
            for one in everywhere:
                if one.kind is not OfficeKind.DIVISION or one.code is None:
                    continue
                below = [office for office in everywhere if office.is_within(one)]
                self._divisions.append(one)
                self._offices[one.office_id] = [
                    office for office in below if office.kind in _TAKES_MAIL
                ]
                for login, role in _DIVISION:
                    grant = Grant(role, ScopeKind.OFFICE, str(one.office_id))
                    self._let_in(connection, f"{login}-{one.code}".lower(), grant)
            for login, role in _DIRECTORATE:
                self._let_in(connection, login, Grant(role, ScopeKind.EVERYTHING))
        # From now on no moment of a job is left out.
        self.run_jobs()

    def add_maker(
        self, letter: str, model: str, maker: MakerPublicKey, files_key: VerifyingKey
    ) -> str:
        """Take a maker up: its model, the key of its machines, that of its files.

        Returns:
            The id by which we know the key of its files.
        """
        today = business_date(self.parts.clock.now())
        key_id = f"oem-{letter.lower()}-1"
        by = self.by("director")
        with self.parts.store.writing("a maker") as connection:
            makers.approve_model(connection, letter, model, date(2020, 1, 1), by)
            makers.add_key(connection, letter, maker, by)
            parties.add(connection, letter, PartyKind.MAKER, f"Maker {letter}", by)
            point = files_key.point
            key = PartyKey(letter, key_id, point.x, point.y, today, None)
            parties.add_key(connection, key, by)
        return key_id

    def issue(
        self,
        identifier: LicenceIdentifier,
        provisioning: bytes,
        licensee: str,
        office: Office,
        division: Office,
    ) -> Licence:
        """Have a licence issued, from the application to the approval.

        Args:
            identifier: Of the machine.
            provisioning: The maker's file of it.
            licensee: Whose it is.
            office: Where its mail is tendered.
            division: Whose head is the authority.
        """
        self._receipts += 1
        today = business_date(self.parts.clock.now())
        code = str(division.code).lower()
        form = Form(
            kind=ApplicationKind.ISSUE,
            scenario=Scenario.NEW,
            identifier=identifier,
            holder=Holder(
                licensee,
                Body.NATIONALISED_BANK,
                ("1, Head Office Road",),
                office.pin or "",
            ),
            licence_kind=LicenceKind.INDIVIDUAL,
            office=office.office_id,
            receipt=Receipt(f"FM{self._receipts:019d}", _FEE, today),
            provisioning=provisioning,
        )
        operator = self.by(f"operator-{code}")
        with self.parts.store.writing("issue a licence") as connection:
            entered = entering.enter(connection, form, operator)
            checks = [
                Check(
                    item,
                    CheckResult.NOT_APPLICABLE
                    if item in entered.may_be_left_out
                    else CheckResult.SATISFIED,
                )
                for item in entered.items
            ]
            deciding.check(connection, entered.id, checks, operator)
            _, licence = deciding.approve(
                connection, entered.id, self.by(f"authority-{code}")
            )
        return licence

    def run_jobs(self) -> list[Ran]:
        """Run every job that is due by now, in the order of their moments."""
        ran: list[Ran] = []
        while True:
            claim = self._earliest()
            if claim is None:
                return ran
            outcome = self._scheduler.run(claim)
            done = Ran(claim.job.name, claim.moment, outcome.words)
            ran.append(done)
            if outcome.ending in {Ending.FAILED, Ending.GIVEN_UP}:
                self.failed.append(done)

    def _earliest(self) -> Claim | None:
        now = self.parts.clock.now()
        for job in self._scheduler.jobs:
            if self._due.get(job.name, now) > now:
                continue
            turn = self._turn(job)
            if turn is not None:
                return turn
        return None

    def _turn(self, job: Job) -> Claim | None:
        turn = self._scheduler.turn(job)
        if isinstance(turn, Claim):
            return turn
        self._due[job.name] = turn
        return None

    def _let_in(self, connection: Connection, login: str, grant: Grant) -> None:
        person = people.insert_person(
            connection,
            login=login,
            name=login.title(),
            kind=PersonKind.STAFF,
            email=f"{login}@example.invalid",
            mobile="",
            password_hash=None,
            now=self.parts.clock.now(),
        )
        people.insert_grant(
            connection, person, grant, GATEWAY.person, self.parts.clock.now()
        )
        self._people[login] = Actor(person, login, PersonKind.STAFF, (grant,))


@contextmanager
def department_in(
    folder: Path, clock: MemoryWallClock, entropy: Entropy
) -> Iterator[Department]:
    """Make a gateway in a new folder, and open it.

    Raises:
        InvariantError: The sample of the directory has no Division with a code.
    """
    create_gateway(folder, Settings(), entropy)
    with open_gateway(folder, clock, entropy) as parts:
        made = Department(parts, clock)
        made.open()
        if not made.divisions:
            raise InvariantError("the sample of the directory has no Division")
        yield made
