"""`rmfs bench funds`: what a fund file costs a recharge server, by its length.

A file is written and signed, and the same octets are then taken as a window brings
them: signature, structure, every line judged against its licence, and all that follows
from it in one transaction on a SQLite file. Each length is measured in a process of its
own, on books of as many licences as the file has lines, so that time and memory are
those of this file and nothing else; the figure for each line shows growth.
"""

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import insert

from hw.database import Store, open_store
from hw.entropy import SeededEntropy
from protocol.errors import InvariantError
from protocol.exchange import (
    DetailLine,
    FundFile,
    PaymentMode,
    Signed,
    check_signature,
    encode_fund_file,
    sign_file,
)
from protocol.keys import Realm, SigningKey
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber
from rmfs_server.funds import import_fund_file
from rmfs_server.store import ledger, schema
from rmfs_server.store.migrations import migrate
from rmfs_tools.bench.apart import peak_mb, run_apart

LENGTHS: Final = (1_000, 10_000, 100_000)
QUICK: Final = (200, 1_000)
IMPORT_S_MAX: Final = 20.0
MEMORY_MB_MAX: Final = 300.0
_DAY: Final = date(2026, 11, 16)
_NOW: Final = EpochSeconds(1_795_235_400)
_EXPIRES: Final = date(2031, 8, 15)
_PAID_PAISE: Final = 200_000
_KEY_ID: Final = "dop-bench"
_NAME: Final = "Bharat Stationers, Bengaluru"
_BATCH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What one file cost.

    Attributes:
        lines: Its length.
        octets: Its size.
        taken_s: Seconds from its octets to the commit.
        us_a_line: The same for each line, in microseconds.
        peak_mb: The most memory that the process ever had, in mebibytes.
    """

    lines: int
    octets: int
    taken_s: float
    us_a_line: float
    peak_mb: float


def run(
    say: Callable[[str], None],
    progress: Callable[[str], None],
    *,
    as_json: bool,
    quick: bool,
) -> int:
    """Measure, and print; see `rmfs bench funds`.

    Args:
        say: Prints a line.
        progress: Tells what goes on.
        as_json: End with one line of JSON.
        quick: Short files, and times are not judged.

    Returns:
        1 when the longest file misses a goal, else 0.
    """
    rows = []
    for lines in QUICK if quick else LENGTHS:
        progress(f"a fund file of {lines:,} lines")
        rows.append(_measured_apart(lines))
    longest = rows[-1]
    in_time = quick or longest.taken_s <= IMPORT_S_MAX
    good = in_time and longest.peak_mb <= MEMORY_MB_MAX
    say("   lines      octets  seconds   us a line  peak MB")
    for row in rows:
        say(
            f"{row.lines:8,} {row.octets:11,} {row.taken_s:8.2f} "
            f"{row.us_a_line:11.1f} {row.peak_mb:8.1f}"
        )
    say(f"allowed for the longest: {IMPORT_S_MAX:.0f} s and {MEMORY_MB_MAX:.0f} MB")
    if as_json:
        found: dict[str, Any] = {
            "files": [asdict(row) for row in rows],
            "seconds_max": IMPORT_S_MAX,
            "peak_mb_max": MEMORY_MB_MAX,
            "good": good,
        }
        say(json.dumps(found))
    return 0 if good else 1


def measure(lines: int) -> Taken:
    """Measure in this process, which must have done nothing before.

    Raises:
        InvariantError: A line was not taken as a deposit.
    """
    key = SigningKey.generate(SeededEntropy(b"bench of funds"))
    with TemporaryDirectory(prefix="bench-funds-") as folder:
        octets = sign_file(_written(lines), key, _KEY_ID, Realm.TEST)
        path = Path(folder) / "books.sqlite"
        with closing(open_store(f"sqlite:///{path}")) as store:
            migrate(store)
            _register(store, lines)
            began = time.perf_counter()
            signed = check_signature(octets, {_KEY_ID: key.public}, Realm.TEST)
            if not isinstance(signed, Signed):
                raise InvariantError(f"the file is not signed: {signed.name}")
            report = import_fund_file(store, octets, _NOW, signed.key_id)
            taken_s = time.perf_counter() - began
    if len(report.applied) != lines:
        raise InvariantError(f"{len(report.applied)} of {lines} lines were taken")
    return Taken(
        lines,
        len(octets),
        round(taken_s, 3),
        round(taken_s / lines * 1e6, 1),
        round(peak_mb(), 1),
    )


def _measured_apart(lines: int) -> Taken:
    program = (
        "import json; from dataclasses import asdict; "
        "from rmfs_tools.bench.funds import measure; "
        f"print(json.dumps(asdict(measure({lines}))))"
    )
    return Taken(**json.loads(run_apart(program)))


def _written(lines: int) -> bytes:
    """Write a file with a first deposit for each licence."""
    deposits = tuple(
        DetailLine(
            line_id=str(number + 1),
            licence=_identifier(number),
            licence_number=_number(number),
            licensee=_NAME,
            amount_paise=_PAID_PAISE,
            mode=PaymentMode.NETBANKING,
            value_date=_DAY,
            available_from=_DAY,
        )
        for number in range(lines)
    )
    return encode_fund_file(FundFile.by_hand("FND-N-BENCH", "N", _DAY, deposits))


def _register(store: Store, licences: int) -> None:
    """Put licences into empty books, with their accounts."""
    for first in range(0, licences, _BATCH):
        numbers = range(first, min(first + _BATCH, licences))
        with store.writing("licences of the bench") as connection:
            connection.execute(
                insert(schema.licence),
                [
                    {
                        "identifier": _identifier(number),
                        "number": _number(number),
                        "licensee": _NAME,
                        "kind": "COMMERCIAL",
                        "state": LicenceState.REGISTERED.name,
                        "expires_on": _EXPIRES,
                        "refund_allowed": False,
                        "created_at": _NOW,
                    }
                    for number in numbers
                ],
            )
            for number in numbers:
                ledger.open_accounts(connection, _identifier(number))


def _identifier(number: int) -> LicenceIdentifier:
    return LicenceIdentifier(f"N{number:06d}")


def _number(number: int) -> LicenceNumber:
    return LicenceNumber(f"KN{number // 100_000:02d}{number % 100_000:05d}")
