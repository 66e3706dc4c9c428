"""Does at our server what a case wants: the hooks of a declaration, as one command.

    python -m tests.at_the_server WHAT VALUE LICENCE

It runs in the folder of the declaration, and types what an operator would.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from hw.lab.offers import Offers
from protocol.exchange import FundFile, encode_fund_file
from protocol.keys import MakerKey, Realm, SigningKey, read_private_key
from protocol.messages import CONTENT_ORDERS, OrderKind
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier
from rmfs_server.folder import read_server
from rmfs_tools.cli import main
from rmfs_tools.lab.bench_papers import funding_of
from tests.lab_server import MACHINES, SERVER, kill, start

FOLDER: Final = Path()
_PAISE: Final = 100
_IN_RUPEES: Final = frozenset({OrderKind.FRANK_LIMIT, OrderKind.FUNDS_LIMIT})


def typed(command: object, *arguments: object) -> int:
    """Type a command of `rmfs server`; its exit code."""
    words = ("server", command, *arguments, "--server", FOLDER / SERVER)
    unsigned = ("--unsigned",) if command == "import-funds" else ()
    return main([*map(str, words), *unsigned, "--reason", "a case"])


def ordered(licence: LicenceIdentifier, kind: OrderKind, value: str) -> int:
    """Give an order; a content is made for it."""
    name = kind.name.lower().replace("_", "-")
    if kind in CONTENT_ORDERS:
        return typed("order", licence, name, made(kind))
    if kind in _IN_RUPEES:
        return typed("order", licence, name, int(value) // _PAISE)
    values = [value] if kind is OrderKind.LOCK else []
    return typed("order", licence, name, *values)


def made(kind: OrderKind) -> Path:
    """Make a content that the maker of the bench's machines has signed."""
    office = read_server(FOLDER / SERVER)
    scalar = read_private_key((FOLDER / MACHINES / "maker.pem").read_bytes())
    maker = MakerKey("bench", Realm.TEST, SigningKey(scalar))
    offers = Offers(office.identity, office.credit_key, maker, SystemEntropy())
    _, octets = offers.make(kind.name, {"size": "1200"}, SystemWallClock().now())
    place = FOLDER / f"{kind.name}.fmpc"
    place.write_bytes(octets)
    return place


def funded(licence: LicenceIdentifier, paise: int, *, later: bool) -> int:
    """Bring a fund file."""
    today = business_date(SystemWallClock().now())
    line = funding_of(licence, "1", paise, today, today + timedelta(days=int(later)))
    number = len(list(FOLDER.glob("FND-*"))) + 1
    name = f"FND-{licence[0]}-{number:04d}"
    place = FOLDER / name
    place.write_bytes(
        encode_fund_file(FundFile.by_hand(name, licence[0], today, (line,)))
    )
    return typed("import-funds", place)


def at_the_server(what: str, value: str, name: str) -> int:
    """Do it; the exit code."""
    if what in {"cut", "off"}:
        kill(FOLDER)
    elif what == "on":
        start(FOLDER.absolute(), value)
    else:
        return errand(what, value.split(), LicenceIdentifier(name))
    return 0


def errand(what: str, values: list[str], licence: LicenceIdentifier) -> int:
    """Do what has no verb of its own; the exit code."""
    changed: tuple[object, ...]
    match what, *values:
        case "order", kind, *given:
            return ordered(licence, OrderKind[kind], given[0] if given else "0")
        case "fund", paise, *when:
            return funded(licence, int(paise), later="later" in when)
        case "licence", state:
            changed = ("licence", licence, "--state", state.lower())
        case ("expire",):
            today = business_date(SystemWallClock().now())
            changed = ("licence", licence, "--expires", today - timedelta(days=1))
        case "refund", word:
            allowed = "--refund" if word == "allowed" else "--no-refund"
            changed = ("licence", licence, allowed)
        case _:
            changed = (what, licence, *values)
    return typed(*changed)


if __name__ == "__main__":
    sys.exit(at_the_server(*sys.argv[1:4]))
