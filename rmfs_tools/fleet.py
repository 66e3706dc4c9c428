"""Fleets: many machines from one file, each with an identity and habits of its own.

Everything about a machine of a fleet follows from the file, its seed and the machine's
place in it, so that the same file makes the same fleet. Where a fleet is made in
folders its keys come from the operating system, as every machine's do; a fleet in
memory (`make_fleet`) has seeded ones and serves benches and simulations alone.

The form of the file is ours; docs/fleets.md tells how to write one.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from fm_device.classes import parse_class
from fm_device.firmware.machine import Machine, Parts
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import (
    PROVISIONING,
    Papers,
    create_machine,
    put_factory_tariff,
)
from fm_device.postage import factory_tariff
from fm_device.presets import PresetError, apply_preset, read_library
from fm_device.presets.fields import known_keys, number, refused, rows, table, text
from fm_device.psd.device import PIN_CODE_MAX, PIN_CODE_MIN, Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import WallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from hw.scales.simulated import SimulatedScale
from protocol.errors import LocalProtocolError, RmfsError
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import (
    CreditKey,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.parameters import business_date
from protocol.ports import Entropy
from protocol.values import (
    AMOUNT_PAISE_MAX,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    parse_licence_identifier,
)
from rmfs_server.administration import Administration, NewLicence
from rmfs_server.folder import open_books, read_server
from rmfs_server.funds import import_fund_file
from rmfs_server.store import machines
from rmfs_server.store.acts import By

FLEET: Final = "fleet.toml"
MACHINES_MAX: Final = 10_000
_FILE_OCTETS_MAX: Final = 65_536
_SERIAL_DIGITS: Final = 5
_PREFIX_LETTERS: Final = 3
_KINDS_MAX: Final = 64
_ITEMS_MAX: Final = 100_000
_GRAMS_MAX: Final = 35_000
_SHARE_MAX: Final = 1_000_000
_DAY_MINUTES: Final = 24 * 60
_LICENCE_DAYS: Final = 365
_DRAW_OCTETS: Final = 4


class FleetError(RmfsError):
    """A fleet's file or folder is not what it should be; it says what to do."""


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind of mail that the offices of a fleet send.

    Attributes:
        product_class: Its class.
        zone: How far it goes, for classes that ask; else empty.
        grams_least: Its lightest item.
        grams_most: Its heaviest item.
        share: How often it comes, against the other kinds.
    """

    product_class: int
    zone: str
    grams_least: int
    grams_most: int
    share: int


@dataclass(frozen=True, slots=True)
class Item:
    """One item to be franked."""

    product_class: int
    zone: str
    grams: int


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What a fleet's file says.

    Attributes:
        title: One line about it.
        count: How many machines.
        first_licence: The licence of the first; the others follow by number.
        serial_prefix: Three letters before the five digits of the PSD's serial.
        circle: Two letters before the seven digits of the licence number.
        seed: Chooses what each machine franks.
        pin_code: Of the post office where all mail is tendered.
        dial_from: First minute of the Indian day at which a machine dials.
        dial_until: Last one; the machines are spread evenly between them.
        deposit_paise: Paid for each at its enrolment; 0 for nothing.
        recharge_below_paise: A machine asks for more when it has less than this.
        recharge_paise: How much it asks for.
        items_least: Mail of the quietest office in a day.
        items_most: Mail of the busiest one.
        kinds: What is in it.
        scenarios: Names of scenarios that its machines run, in turn; may be empty.
    """

    title: str
    count: int
    first_licence: LicenceIdentifier
    serial_prefix: str
    circle: str
    seed: int
    pin_code: int
    dial_from: int
    dial_until: int
    deposit_paise: Paise
    recharge_below_paise: Paise
    recharge_paise: Paise
    items_least: int
    items_most: int
    kinds: tuple[MailKind, ...]
    scenarios: tuple[str, ...] = ()

    def members(self) -> "Iterator[Member]":
        """Name every machine of the fleet, in order."""
        return (Member(self, index) for index in range(self.count))


@dataclass(frozen=True, slots=True)
class Member:
    """One machine of a fleet, by its place in it, counted from 0."""

    plan: FleetPlan
    index: int

    @property
    def licence(self) -> LicenceIdentifier:
        """Its licence identifier."""
        first = self.plan.first_licence
        return LicenceIdentifier(f"{first[0]}{int(first[1:]) + self.index:06d}")

    @property
    def licence_number(self) -> LicenceNumber:
        """The number of its licence."""
        return LicenceNumber(f"{self.plan.circle}{int(self.licence[1:]):07d}")

    @property
    def licensee(self) -> str:
        """Who has it: an office that does not exist."""
        return f"Fleet office {self.index + 1}"

    @property
    def psd_serial(self) -> str:
        """The serial of its PSD."""
        return f"{self.plan.serial_prefix}{self.index + 1:0{_SERIAL_DIGITS}d}"

    @property
    def dial_minute(self) -> int:
        """When it dials in, in minutes of the Indian day."""
        window = self.plan.dial_until - self.plan.dial_from
        return self.plan.dial_from + window * self.index // self.plan.count

    @property
    def scenario(self) -> str:
        """The scenario that it runs, or an empty name."""
        names = self.plan.scenarios
        return names[self.index % len(names)] if names else ""

    @property
    def items_a_day(self) -> int:
        """How much it franks in a day; the same every day."""
        span = self.plan.items_most - self.plan.items_least + 1
        return self.plan.items_least + _draw(self._entropy("size"), span)

    def mail(self, day: int) -> tuple[Item, ...]:
        """What it franks on a day, counted from 0; the same for the same seed."""
        entropy = self._entropy(f"day {day}")
        return tuple(self._item(entropy) for _ in range(self.items_a_day))

    def _item(self, entropy: Entropy) -> Item:
        at = _draw(entropy, sum(kind.share for kind in self.plan.kinds))
        for kind in self.plan.kinds:
            at -= kind.share
            if at < 0:
                span = kind.grams_most - kind.grams_least + 1
                grams = kind.grams_least + _draw(entropy, span)
                return Item(kind.product_class, kind.zone, grams)
        raise LocalProtocolError("the shares of a fleet's mail are empty")

    def _entropy(self, what: str) -> SeededEntropy:
        return SeededEntropy(f"fleet {self.plan.seed} {self.index} {what}".encode())


def _draw(entropy: Entropy, span: int) -> int:
    """Draw a number from 0 up to, not including, a span far below 2^32."""
    return int.from_bytes(entropy.octets(_DRAW_OCTETS), "big") * span >> 32


# The file.


def read_fleet_file(octets: bytes) -> FleetPlan:
    """Read a fleet that a person has written.

    Raises:
        FleetError: It is not TOML, or no fleet; it says where.
    """
    if len(octets) > _FILE_OCTETS_MAX:
        raise FleetError(f"a fleet's file has {_FILE_OCTETS_MAX:,} octets at most")
    try:
        found = tomllib.loads(octets.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FleetError(f"it is not TOML in UTF-8: {error}") from error
    try:
        return _plan(found)
    except PresetError as error:
        raise FleetError(str(error)) from error


def _plan(found: dict[str, Any]) -> FleetPlan:
    known_keys(found, "", (*_TOP, "dial", "funds", "mail"))
    top = table({name: found[name] for name in _TOP if name in found}, "", _TOP)
    dial = table(found.get("dial", {}), "dial", _DIAL)
    funds = table(found.get("funds", {}), "funds", _FUNDS)
    mail = found.get("mail", {})
    if not isinstance(mail, dict):
        raise refused(mail, "mail", "a table, written [mail]")
    known_keys(mail, "mail", ("items_a_day", "kinds"))
    for name in ("count", "first_licence"):
        if name not in top:
            raise PresetError(name, "it is missing")
    count, first = top["count"], top["first_licence"]
    if int(first[1:]) + count > 10 ** len(first[1:]):
        raise PresetError("first_licence", f"{first} leaves no room for {count}")
    least, most = _least_and_most(mail.get("items_a_day", [40, 400]), _ITEMS_MAX)(
        "mail.items_a_day"
    )
    begins, ends = dial.get("from", 21 * 60), dial.get("until", 22 * 60 + 30)
    if begins > ends:
        raise PresetError("dial.until", "it is before dial.from")
    return FleetPlan(
        title=top.get("title", ""),
        count=count,
        first_licence=first,
        serial_prefix=top.get("serial_prefix", "FLT"),
        circle=top.get("circle", "KN"),
        seed=top.get("seed", 1),
        pin_code=top.get("pin_code", 560001),
        dial_from=begins,
        dial_until=ends,
        deposit_paise=Paise(funds.get("deposit_paise", 5_000_000)),
        recharge_below_paise=Paise(funds.get("recharge_below_paise", 200_000)),
        recharge_paise=Paise(funds.get("recharge_paise", 1_000_000)),
        items_least=least,
        items_most=most,
        kinds=_kinds(mail.get("kinds", _USUAL_MAIL)),
        scenarios=tuple(top.get("scenarios", ())),
    )


def _licence(value: Any, place: str) -> LicenceIdentifier:
    try:
        return parse_licence_identifier(value if isinstance(value, str) else "")
    except LocalProtocolError as error:
        raise refused(value, place, "a licence identifier, as N200001") from error


def _letters(count: int) -> Callable[[Any, str], str]:
    def read(value: Any, place: str) -> str:
        if not isinstance(value, str) or not (
            value.isascii() and value.isalpha() and value.isupper()
        ):
            raise refused(value, place, f"{count} capital letters")
        if len(value) != count:
            raise refused(value, place, f"{count} capital letters")
        return value

    return read


def _minute(value: Any, place: str) -> int:
    try:
        at = datetime.strptime(value, "%H:%M")  # noqa: DTZ007  # a time of any day
    except (TypeError, ValueError) as error:
        raise refused(value, place, 'a time of the Indian day, as "21:30"') from error
    return at.hour * 60 + at.minute


def _names(value: Any, place: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise refused(value, place, "a list of names")
    return list(value)


def _class(value: Any, place: str) -> int:
    try:
        return parse_class(value if isinstance(value, str) else "")
    except LocalProtocolError as error:
        raise PresetError(place, str(error)) from error


def _least_and_most(value: Any, most: int) -> Callable[[str], tuple[int, int]]:
    def read(place: str) -> tuple[int, int]:
        both = 2
        if not isinstance(value, list) or len(value) != both:
            raise refused(value, place, "the least and the most, as [40, 400]")
        low, high = (number(0, most)(one, place) for one in value)
        if low > high:
            raise refused(value, place, "first the least, then the most")
        return low, high

    return read


def _grams(value: Any, place: str) -> tuple[int, int]:
    return _least_and_most(value, _GRAMS_MAX)(place)


def _kinds(value: Any) -> tuple[MailKind, ...]:
    tariff = factory_tariff()
    kinds = []
    found = rows(value, "mail.kinds", _KIND, ("class", "grams", "share"), _KINDS_MAX)
    for index, row in enumerate(found):
        least, most = row["grams"]
        zone = row.get("zone", "")
        kind = MailKind(row["class"], zone, least, most, row["share"])
        product_class = tariff.find(kind.product_class)
        if product_class is None:
            raise PresetError(f"mail.kinds[{index}].class", "no tariff has it")
        if kind.zone not in (product_class.zones or ("",)):
            zones = ", ".join(product_class.zones) or "none"
            raise PresetError(f"mail.kinds[{index}].zone", f"its zones are: {zones}")
        kinds.append(kind)
    if not kinds:
        raise PresetError("mail.kinds", "a fleet without mail has nothing to do")
    return tuple(kinds)


_MONEY: Final = number(0, AMOUNT_PAISE_MAX)
_TOP: Final = {
    "title": text(80),
    "count": number(1, MACHINES_MAX),
    "first_licence": _licence,
    "serial_prefix": _letters(_PREFIX_LETTERS),
    "circle": _letters(2),
    "seed": number(0, 2**32),
    "pin_code": number(PIN_CODE_MIN, PIN_CODE_MAX),
    "scenarios": _names,
}
_DIAL: Final = {"from": _minute, "until": _minute}
_FUNDS: Final = {
    "deposit_paise": _MONEY,
    "recharge_below_paise": _MONEY,
    "recharge_paise": _MONEY,
}
_KIND: Final = {
    "class": _class,
    "zone": text(8),
    "grams": _grams,
    "share": number(1, _SHARE_MAX),
}
_USUAL_MAIL: Final = [
    {"class": "L", "grams": [5, 60], "share": 75},
    {"class": "P", "grams": [3, 3], "share": 10},
    {"class": "BP", "grams": [50, 400], "share": 15},
]


# Fleets in folders.


def create_fleet(
    folder: Path,
    octets: bytes,
    papers: Papers,
    entropy: Entropy,
    clock: WallClock,
) -> Iterator[Member]:
    """Make every machine of a fleet in a folder of its own; tells each that is made.

    A fleet that was begun is finished: machines that are there stay as they are.

    Args:
        folder: Of the fleet; a machine's folder in it is named by its licence.
        octets: The fleet's file, kept in the folder.
        papers: What the factory needs.
        entropy: Where the keys come from.
        clock: Sets the machines' clocks.

    Raises:
        FleetError: The file is no fleet, or another fleet is in the folder.
        FolderError: A machine cannot be made.
    """
    plan = read_fleet_file(octets)
    kept = folder / FLEET
    if kept.exists() and kept.read_bytes() != octets:
        raise FleetError(f"{folder} holds another fleet: choose a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(octets)
    except OSError as error:
        raise FleetError(f"{folder} cannot be made: {error.strerror}") from error
    for member in plan.members():
        if not (folder / member.licence / PROVISIONING).exists():
            create_machine(
                folder / member.licence,
                papers,
                psd_serial=member.psd_serial,
                licence=member.licence,
                entropy=entropy,
                clock=clock,
                pin_code=plan.pin_code,
            )
        yield member


def read_fleet(folder: Path) -> FleetPlan:
    """Read the plan of a fleet in a folder.

    Raises:
        FleetError: There is none.
    """
    try:
        octets = (folder / FLEET).read_bytes()
    except OSError as error:
        raise FleetError(
            f"{folder} holds no fleet: make one with `rmfs fleet new FILE {folder}`"
        ) from error
    try:
        return read_fleet_file(octets)
    except FleetError as error:
        raise FleetError(f"{folder / FLEET}: {error}") from error


@dataclass(frozen=True, slots=True)
class FleetEnrolled:
    """What came of an enrolment."""

    enrolled: int
    known: int
    deposited_paise: int


def enrol_fleet(folder: Path, server_folder: Path, clock: WallClock) -> FleetEnrolled:
    """Enrol every machine that is not, and pay the deposit for each of those.

    Raises:
        FleetError: The folder holds no fleet.
        MoveRefusedError: An identifier was used for another machine.
    """
    plan, server = read_fleet(folder), read_server(server_folder)
    expires = business_date(clock.now()) + timedelta(days=_LICENCE_DAYS)
    by = By("rmfs", f"fleet {plan.title or folder.name}", clock.now())
    new: list[Member] = []
    with open_books(server_folder) as store:
        administration = Administration(store, server.credit_key)
        for member in plan.members():
            with store.reading() as connection:
                known = machines.find_enrolled(connection, member.licence)
            if known is not None and known.credential.psd_serial == member.psd_serial:
                continue
            enrolment = server.read_enrolment(folder / member.licence / PROVISIONING)
            licence = NewLicence(member.licence_number, member.licensee, expires)
            administration.enrol(enrolment, licence, by)
            new.append(member)
        if new and plan.deposit_paise:
            file = _deposits(plan, new, business_date(clock.now()))
            report = import_fund_file(store, encode_fund_file(file), clock.now())
            if report.suspended:
                raise FleetError(report.show())
    return FleetEnrolled(
        enrolled=len(new),
        known=plan.count - len(new),
        deposited_paise=len(new) * plan.deposit_paise,
    )


def _deposits(plan: FleetPlan, members: list[Member], today: date) -> FundFile:
    lines = tuple(
        DetailLine(
            line_id=str(line),
            licence=member.licence,
            licence_number=member.licence_number,
            licensee=member.licensee,
            amount_paise=plan.deposit_paise,
            mode=PaymentMode.NETBANKING,
            value_date=today,
            available_from=today,
        )
        for line, member in enumerate(members, start=1)
    )
    name = f"FLEET-{members[0].licence}-{len(members)}"
    return FundFile(name, plan.first_licence[0], today, lines)


# Fleets in memory.


def make_fleet(count: int, seed: int, clock: WallClock) -> list[Machine]:
    """Make machines in memory, in service with Rs 5,000.00, and switch them on.

    Their keys follow from the seed and are of the realm TEST: for benches and
    simulations alone. No server knows them.

    Args:
        count: How many.
        seed: Chooses the keys.
        clock: The battery clock that all of them share.

    Raises:
        LocalProtocolError: That many have no licences.
    """
    entropy = SeededEntropy(b"fleet in memory %d" % seed)
    maker = MakerKey.generate("FLEET", Realm.TEST, entropy)
    credit = CreditKey.generate(1, Realm.TEST, entropy).signing.public
    server = ServerIdentity.generate("FLEET", Realm.TEST, 1, entropy)
    provisioning = ServerProvisioning(
        server.credential.with_credit_key(1, credit), clock.now()
    )
    preset = read_library("in-service")
    made = []
    for member in _plan({"count": count, "first_licence": "N200001"}).members():
        nvram = MemoryNvram.erased(NVRAM_OCTETS)
        flash = MemoryNvram.erased(FLASH_OCTETS)
        manufacture(
            nvram,
            psd_serial=member.psd_serial,
            licence=member.licence,
            realm=Realm.TEST,
            servers=[provisioning],
            maker=maker.public,
            entropy=entropy,
            clock=clock,
            contents=(put_factory_tariff(flash, maker, clock.now()),),
        )
        Psd(nvram, clock).install(member.plan.pin_code)
        apply_preset(nvram, preset, clock.now())
        machine = Machine(Parts(nvram, flash, clock, SimulatedScale()))
        machine.switch_on()
        made.append(machine)
    return made
