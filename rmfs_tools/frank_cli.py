"""`rmfs frank`: is a scanned frank genuine, and what does its barcode say.

Exit codes of `verify`: 0 every frank is genuine; 1 one is not; 2 typed wrong; 3 a
picture had no frank in it that could be read.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from protocol.errors import RmfsError

if TYPE_CHECKING:
    from protocol.indicium import (
        Indicium,
        PrintedFacts,
        SignedIndicium,
        Verification,
    )
    from protocol.keys import MachineCredential, MakerPublicKey, Realm

EXIT_NOT_GENUINE: Final = 1
EXIT_NOT_READABLE: Final = 3

_FILE_OCTETS_MAX: Final = 64 * 2**20
_PAPER_OCTETS_MAX: Final = 4096
_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False, exists=True)
_OWN: Final = "the barcode's layout is this product's own, not India Post's"
_PARTS_OF_A_DATE: Final = 3


class FrankFileError(RmfsError):
    """A file that should help to verify a frank cannot be used; it says why."""


@dataclass
class _Known:
    """Credentials of machines by licence identifier."""

    credentials: dict[str, list["MachineCredential"]] = field(default_factory=dict)

    def of(self, licence: str) -> Iterable["MachineCredential"]:
        return self.credentials.get(licence, ())

    def add(self, credential: "MachineCredential") -> None:
        known = self.credentials.setdefault(credential.licence_identifier, [])
        known.append(credential)


def add_commands(root: click.Group) -> None:
    """Bring the commands about single franks."""
    root.add_command(frank_group)


@click.group(
    "frank",
    epilog="\b\nExample:\n  rmfs frank verify front.png --machine provisioning.json "
    "--maker maker.pem",
)
def frank_group() -> None:
    """Verify the barcode of a frank, or show what it says."""


@frank_group.command(
    epilog="\b\nExamples:\n"
    "  rmfs frank verify front.png --machine provisioning.json --maker maker.pem\n"
    "  rmfs frank verify scans/*.png --machine provisioning.json \\\n"
    "      --maker rmfs-server --seen seen.sqlite --today 2026-11-22\n"
    "  rmfs frank verify front.png --machine provisioning.json --maker rmfs-server \\\n"
    "      --server-key rmfs-server --printed value=5.00 --printed code=1A2B3C4D"
)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--machine",
    "machines",
    type=_FILE,
    multiple=True,
    help="Provisioning file of a machine whose franks may come; may be repeated.",
)
@click.option(
    "--maker",
    "makers",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="Public key of the machine's maker (PEM, named as the maker), or the folder "
    "of a server that knows makers; may be repeated.",
)
@click.option(
    "--realm",
    type=click.Choice(["test", "production"]),
    default="test",
    show_default=True,
    help="Realm of the maker's keys; franks of the other one are refused.",
)
@click.option(
    "--seen",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Register of the franks seen before; made when it is not there. Without one, "
    "copies are not found.",
)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which the mail is handed in; the clock's when left out.",
)
@click.option(
    "--past-days",
    type=click.IntRange(0, 366),
    default=0,
    show_default=True,
    help="How many days past a date may be.",
)
@click.option(
    "--server-key",
    type=_FOLDER,
    help="Folder of the machine's recharge server, whose key checks the "
    "authentication code that is given with --printed.",
)
@click.option(
    "--printed",
    "printed_texts",
    multiple=True,
    metavar="NAME=TEXT",
    help="What is printed beside the barcode: value, date, item, licence, pin, class "
    "or code; for one image; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; money in paise.")
def verify(
    *,
    images: tuple[str, ...],
    machines: tuple[Path, ...],
    makers: tuple[Path, ...],
    realm: str,
    seen: Path | None,
    today: datetime | None,
    past_days: int,
    server_key: Path | None,
    printed_texts: tuple[str, ...],
    as_json: bool,
) -> int:
    """Say whether franks are genuine; an IMAGE is a picture, or its octets in hex.

    Every reason against a frank is told, the worst first, and what was not checked.
    """
    from hw.clock import SystemWallClock
    from protocol.indicium import AcceptedDates, Verdict, verify_indicium
    from protocol.keys import Realm
    from protocol.parameters import business_date, parameter
    from rmfs_tools.seen_franks import open_seen_franks

    printed = _parse_printed(printed_texts)
    if printed is not None and len(images) > 1:
        raise click.UsageError("--printed is about one frank: give one IMAGE with it")
    of_realm = Realm[realm.upper()]
    known = _read_machines(machines, makers, of_realm)
    day = today.date() if today else business_date(SystemWallClock().now())
    dates = AcceptedDates(past_days, parameter("machine.date_advance_max_days", day))
    key_of = None if server_key is None else _key_of(server_key, of_realm)
    found: list[tuple[str, Verification]] = []
    with ExitStack() as stack:
        register = None if seen is None else stack.enter_context(open_seen_franks(seen))
        for name, octets in _scans(images):
            if isinstance(octets, bytes):
                verification = verify_indicium(
                    octets, known.of, day, register, printed, dates=dates, key_of=key_of
                )
            else:
                verification = octets
            found.append((name, verification))
    if as_json:
        rows = [_json_of(name, one) for name, one in found]
        click.echo(json.dumps({"today": day.isoformat(), "franks": rows}, indent=2))
    else:
        click.echo("\n".join(line for name, one in found for line in _show(name, one)))
    verdicts = {verification.verdict for _, verification in found}
    if verdicts - {Verdict.GENUINE, Verdict.NOT_READABLE}:
        return EXIT_NOT_GENUINE
    return EXIT_NOT_READABLE if Verdict.NOT_READABLE in verdicts else 0


@frank_group.command(
    epilog="\b\nExamples:\n  rmfs frank show front.png\n"
    "  rmfs frank show indicium.bin --json"
)
@click.argument("source", metavar="FILE|HEX")
@click.option("--json", "as_json", is_flag=True, help="For programs; money in paise.")
def show(source: str, *, as_json: bool) -> int:
    """Show what a frank's barcode says, without verifying any of it."""
    from protocol.indicium import decode_indicium

    rows = []
    for name, octets in _scans((source,)):
        if not isinstance(octets, bytes):
            click.echo(f"{name}: {octets.reasons[0].detail}", err=True)
            return EXIT_NOT_READABLE
        rows.append((name, decode_indicium(octets)))
    if as_json:
        franks = [
            {"source": name, "verified": False, "says": _fields(signed)}
            for name, signed in rows
        ]
        click.echo(json.dumps({"franks": franks}, indent=2))
        return 0
    for name, signed in rows:
        click.echo(f"{name}: NOT VERIFIED; this is what the barcode says")
        click.echo("\n".join(f"  {line}" for line in _lines(signed.indicium)))
        click.echo(f"  signature {signed.signature.hex()}")
    click.echo(f"({_OWN})")
    return 0


def _scans(sources: Sequence[str]) -> Iterator[tuple[str, "bytes | Verification"]]:
    """Read the barcodes of all sources; where none is, the verification says so."""
    from protocol.indicium import may_be_indicium, not_readable

    for source in sources:
        try:
            symbols = _symbols(source)
        except FrankFileError as error:
            yield source, not_readable(str(error))
            continue
        franks = [octets for octets in symbols if may_be_indicium(octets)]
        for octets in franks:
            yield source, octets
        if not franks:
            count = len(symbols)
            detail = f"none of the symbols that were read ({count}) is a frank's"
            if not symbols:
                detail = "no symbol was read"
            yield source, not_readable(detail)


def _symbols(source: str) -> list[bytes]:
    """Read the octets of a picture, of a file that holds just them, or of hex."""
    from hw.scanner import PictureError, read_symbols
    from protocol.indicium import may_be_indicium

    path = Path(source)
    if not _is_file(path):
        try:
            return [bytes.fromhex(source)]
        except ValueError as error:
            message = f"{source[:80]!r} is no file, and no octets in hex"
            raise click.UsageError(message) from error
    content = _read(path, _FILE_OCTETS_MAX)
    if may_be_indicium(content):
        return [content]
    try:
        return read_symbols(content)
    except PictureError as error:
        raise FrankFileError(str(error)) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # The name is too long to be one, as the octets of a frank in hex may be.
        return False


def _read(path: Path, octets_max: int) -> bytes:
    try:
        if path.stat().st_size > octets_max:
            raise FrankFileError(f"{path} is too long: {octets_max:,} octets at most")
        return path.read_bytes()
    except OSError as error:
        raise FrankFileError(f"{path} cannot be read: {error.strerror}") from error


def _read_machines(
    machines: tuple[Path, ...], makers: tuple[Path, ...], realm: "Realm"
) -> _Known:
    from protocol.keys import read_machine_provisioning

    if machines and not makers:
        raise click.UsageError(
            "--machine needs --maker: nobody else says whose file it is"
        )
    trusted = [_read_maker(path, realm) for path in _maker_files(makers)]
    known = _Known()
    for path in machines:
        content = _read(path, _PAPER_OCTETS_MAX)
        try:
            known.add(read_machine_provisioning(content, trusted).credential)
        except RmfsError as error:
            raise FrankFileError(f"{path}: {error}") from error
    return known


def _maker_files(makers: tuple[Path, ...]) -> Iterator[Path]:
    for path in makers:
        if path.is_dir():
            yield from sorted((path / "makers").glob("*.pem"))
        else:
            yield path


def _read_maker(path: Path, realm: "Realm") -> "MakerPublicKey":
    from protocol.keys import MakerPublicKey, VerifyingKey, read_public_key

    try:
        point = read_public_key(_read(path, _PAPER_OCTETS_MAX))
        return MakerPublicKey(path.stem, realm, VerifyingKey(point))
    except RmfsError as error:
        message = f"{path} is no public key of a maker: {error}"
        raise FrankFileError(message) from error


def _key_of(
    folder: Path, realm: "Realm"
) -> Callable[["MachineCredential"], bytes | None]:
    from protocol.indicium import authentication_key
    from rmfs_server.folder import read_server

    identity = read_server(folder).identity
    if identity.realm is not realm:
        raise click.UsageError(
            f"the server in {folder} is of the realm {identity.realm.name}: "
            f"say --realm {identity.realm.name.lower()}"
        )
    return lambda credential: authentication_key(identity, credential)


def _parse_printed(texts: tuple[str, ...]) -> "PrintedFacts | None":
    from fm_device.classes import parse_class
    from protocol.amounts import parse_rupees
    from protocol.indicium import PrintedFacts
    from protocol.values import parse_licence_identifier

    readers: dict[str, tuple[str, Callable[[str], Any]]] = {
        "value": ("value_paise", parse_rupees),
        "date": ("printed_on", _parse_date),
        "item": ("item", int),
        "licence": ("licence", parse_licence_identifier),
        "pin": ("pin_code", int),
        "class": ("product_class", parse_class),
        "code": ("code", _parse_code),
    }
    facts: dict[str, Any] = {}
    for text in texts:
        name, _, printed = text.partition("=")
        if name not in readers or not printed.strip():
            names = ", ".join(readers)
            message = f"{text!r}: write NAME=TEXT; the names are {names}"
            raise click.BadParameter(message, param_hint="--printed")
        attribute, read = readers[name]
        try:
            fact = read(printed.strip())
        except (RmfsError, ValueError) as error:
            raise click.BadParameter(
                f"{text!r}: {error}", param_hint="--printed"
            ) from error
        if attribute in facts:
            raise click.BadParameter(f"{name} is given twice", param_hint="--printed")
        facts[attribute] = fact
    return PrintedFacts(**facts) if facts else None


def _parse_date(text: str) -> date:
    day_first = text.split(".")
    if len(day_first) == _PARTS_OF_A_DATE:
        day, month, year = map(int, day_first)
        return date(year, month, day)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = "write a date as 2026-11-22, or as it is printed, 22.11.2026"
        raise ValueError(message) from error


def _parse_code(text: str) -> str:
    # It is printed in groups, for people to read out.
    return text.replace(" ", "")


def _show(name: str, verification: "Verification") -> Iterator[str]:
    from protocol.indicium import Verdict

    verdict = verification.verdict
    yield f"{name}: {verdict.name} ({verdict.code})"
    for reason in verification.reasons:
        yield f"  {reason.verdict.name} ({reason.verdict.code}): {reason.detail}"
    yield f"  what to do: {verdict.advice}"
    if verification.signed is not None:
        if _is_signed(verdict):
            yield "  signed by the machine:"
        else:
            yield "  claimed by the barcode, not to be believed:"
        for line in _lines(verification.signed.indicium):
            yield f"    {line}"
        for what in verification.unchecked:
            yield f"  not checked: {what.value}"
    elif verdict is Verdict.NOT_READABLE:
        yield "  nothing is said about the frank"


def _is_signed(verdict: Any) -> bool:
    from protocol.indicium import Verdict

    return verdict not in {
        Verdict.FORGED,
        Verdict.WRONG_REALM,
        Verdict.UNKNOWN_MACHINE,
    }


def _lines(indicium: "Indicium") -> Iterator[str]:
    from fm_device.classes import show_class
    from protocol.indicium import FrankKind
    from protocol.keys import Realm
    from protocol.parameters import INDIA
    from protocol.values import show_rupees

    value = show_rupees(indicium.value_paise)
    if indicium.kind is FrankKind.ZERO:
        value += " (a zero imprint: it pays nothing)"
    yield f"value      {value}"
    yield f"class      {show_class(indicium.product_class)}"
    yield f"date       {indicium.printed_on}"
    made = datetime.fromtimestamp(indicium.time, INDIA)
    yield f"made       {made:%Y-%m-%d %H:%M:%S} in India"
    yield f"licence    {indicium.licence}, generation {indicium.generation}"
    yield f"item       {indicium.item} (with a value: {indicium.items})"
    yield f"PIN code   {indicium.pin_code}"
    weight = f"{indicium.weight_g} g" if indicium.weight_g else "not weighed"
    yield f"weight     {weight}"
    yield f"AR         {show_rupees(indicium.ascending_paise)}"
    yield f"DR         {show_rupees(indicium.descending_paise)}"
    test = " (a specimen: it pays nothing)" if indicium.realm is Realm.TEST else ""
    yield f"realm      {indicium.realm.name}{test}"


def _json_of(name: str, verification: "Verification") -> dict[str, Any]:
    verdict, signed = verification.verdict, verification.signed
    return {
        "source": name,
        "verdict": verdict.name,
        "code": verdict.code,
        "reasons": [
            {
                "verdict": reason.verdict.name,
                "code": reason.verdict.code,
                "detail": reason.detail,
            }
            for reason in verification.reasons
        ],
        "unchecked": [what.name for what in verification.unchecked],
        "signed": signed is not None and _is_signed(verdict),
        "says": None if signed is None else _fields(signed),
    }


def _fields(signed: "SignedIndicium") -> dict[str, Any]:
    indicium = signed.indicium
    return {
        **asdict(indicium),
        "kind": indicium.kind.name,
        "realm": indicium.realm.name,
        "printed_on": indicium.printed_on.isoformat(),
        "octets": signed.octets.hex(),
    }
