"""`rmfs bench sign`: what a voucher's signature costs, by where the credit key is.

The key of a file signs in this process; the key in an HSM is asked through PKCS#11, of
SoftHSM where nobody names another, and what it signs is verified each time, as a server
does. Each place is measured in processes of its own, one and then several at once: a
worker of a server has one session, and waits for each signature.

SoftHSM is a library and no HSM: it shows what PKCS#11 itself costs. An HSM of one's own
is measured with ``--hsm FILE``: a key is made in it for the measurement, and stays.
"""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hw.clock import SystemMonotonicClock
from hw.entropy import SystemEntropy
from hw.hsm import HsmPlace, HsmSigner, show_place
from protocol.errors import InvariantError
from protocol.keys import (
    Point,
    Realm,
    Signer,
    SigningKey,
    VerifyingKey,
    sign,
    verify,
)
from rmfs_server.key_files import open_hsm, read_place
from rmfs_tools.bench.apart import run_apart
from rmfs_tools.softhsm import throw_away_token

SIGNATURES: Final = 5_000
SIGNATURES_QUICK: Final = 200
WORKERS: Final = (1, 2)
CPU_US_MAX: Final = 300.0
"""CPU of a signature in SoftHSM, verified: measured at 125; a file takes 21."""

_OCTETS: Final = bytes(50)
"""As long as what a voucher's signature covers."""
_PURPOSE: Final = "BENCH"
_ID_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class Measured:
    """One process that signed.

    Attributes:
        a_second: Signatures in a second of real time.
        cpu_us: CPU of this process for each.
        median_us: Real time of one, the median.
        p99_us: The 99th percentile of it.
    """

    a_second: float
    cpu_us: float
    median_us: float
    p99_us: float


@dataclass(frozen=True, slots=True)
class Row:
    """One place, with so many processes at once.

    Attributes:
        where: ``file``, ``file, verified``, or ``hsm``.
        processes: How many signed at once.
        a_second: Signatures of all of them in a second.
        cpu_us: CPU of a process for each, the mean.
        median_us: Real time of one, the mean of the medians.
        p99_us: The worst 99th percentile.
    """

    where: str
    processes: int
    a_second: float
    cpu_us: float
    median_us: float
    p99_us: float


def run(
    say: Callable[[str], None],
    progress: Callable[[str], None],
    *,
    hsm: Path | None,
    as_json: bool,
    quick: bool,
) -> int:
    """Measure, and show it.

    Args:
        say: Told the table, and JSON at the end.
        progress: Told what is measured now.
        hsm: Where an HSM is; None: a throw-away token of SoftHSM.
        as_json: End with one line of JSON.
        quick: Measure little, and do not judge.

    Returns:
        1 when a signature in SoftHSM costs too much CPU, else 0.

    Raises:
        SoftHsmError: SoftHSM is missing, and no HSM was named.
        HsmError: The HSM made no key.
    """
    count = SIGNATURES_QUICK if quick else SIGNATURES
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="rmfs-sign-")))
        place = read_place(hsm) if hsm is not None else throw_away_token(folder / "hsm")
        key = _make_key(place, folder)
        rows = []
        for where in ("file", "file, verified", "hsm"):
            for processes in WORKERS:
                progress(f"{where}, {processes} at once")
                rows.append(_measure_all(where, key, count, processes))
    slow = hsm is None and rows[-len(WORKERS)].cpu_us > CPU_US_MAX
    say(
        f"{'':<16}{'at once':>8}{'a second':>12}"
        f"{'CPU us':>9}{'median us':>11}{'p99 us':>9}"
    )
    for row in rows:
        say(
            f"{row.where:<16}{row.processes:>8}{row.a_second:>12,.0f}{row.cpu_us:>9.1f}"
            f"{row.median_us:>11.1f}{row.p99_us:>9.1f}"
        )
    if slow and not quick:
        say(f"a signature in SoftHSM may cost {CPU_US_MAX:.0f} us of CPU")
    if as_json:
        found = {"signatures": count, "rows": [asdict(row) for row in rows]}
        say(json.dumps({**found, "passed": quick or not slow}))
    return int(slow and not quick)


def measure(where: str, key: Path, count: int) -> Measured:
    """Sign so often, in this process, and tell what it took."""
    signer = _signer(where, key)
    checks = where == "file, verified"
    taken = []
    _sign(signer, 0, checks=checks)
    cpu, begun = time.process_time(), time.perf_counter()
    for number in range(count):
        before = time.perf_counter()
        _sign(signer, number, checks=checks)
        taken.append(time.perf_counter() - before)
    passed, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Measured(
        count / passed,
        1e6 * cpu / count,
        1e6 * statistics.median(taken),
        1e6 * statistics.quantiles(taken, n=100)[-1],
    )


def _sign(signer: Signer, number: int, *, checks: bool) -> None:
    octets = number.to_bytes(4, "big") + _OCTETS
    signature = sign(signer, _PURPOSE, Realm.TEST, octets)
    if checks and not verify(signer.public, _PURPOSE, Realm.TEST, octets, signature):
        raise InvariantError("a signature of our own does not verify")


def _make_key(place: HsmPlace, folder: Path) -> Path:
    """Make a key in the HSM, and write down where it is, for other processes."""
    object_id = SystemEntropy().octets(_ID_OCTETS)
    point = open_hsm(place, SystemMonotonicClock()).make_key(object_id, "rmfs bench")
    (folder / "hsm.toml").write_text(show_place(place))
    key = folder / "key.json"
    found = {"object": object_id.hex(), "x": point.x.hex(), "y": point.y.hex()}
    key.write_text(json.dumps(found))
    return key


def _signer(where: str, key: Path) -> Signer:
    if where != "hsm":
        return SigningKey.generate(SystemEntropy())
    found: dict[str, str] = json.loads(key.read_text())
    hsm = open_hsm(read_place(key.with_name("hsm.toml")), SystemMonotonicClock())
    point = Point(bytes.fromhex(found["x"]), bytes.fromhex(found["y"]))
    return HsmSigner(hsm, bytes.fromhex(found["object"]), VerifyingKey(point))


def _measure_all(where: str, key: Path, count: int, processes: int) -> Row:
    program = (
        "import json; from dataclasses import asdict; from pathlib import Path; "
        "from rmfs_tools.bench.sign import measure; "
        f"print(json.dumps(asdict(measure({where!r}, Path({str(key)!r}), {count}))))"
    )
    with ThreadPoolExecutor(processes) as pool:
        said = list(pool.map(run_apart, [program] * processes))
    return _row(where, [Measured(**json.loads(one)) for one in said])


def _row(where: str, found: Sequence[Measured]) -> Row:
    return Row(
        where,
        len(found),
        sum(one.a_second for one in found),
        statistics.fmean(one.cpu_us for one in found),
        statistics.fmean(one.median_us for one in found),
        max(one.p99_us for one in found),
    )
