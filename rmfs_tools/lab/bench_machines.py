"""The machines that the bench is, when a server is tested: keys, papers and money.

Each case is played by a machine that has never dialled, so that no case depends on
another. They are made before: the server's operator enrols and funds them as any other.

    maker.pem            private key of the bench's own maker
    maker-public.pem     to be known at the server under test
    machines/*.pem       keys of each machine: its DH scalar, then its signing scalar
    machines/*.json      its provisioning file, to be enrolled
    funds.txt            the fund file that pays for all of them
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hw.clock import WallClock
from hw.lab.account import FUNDED_PAISE
from hw.lab.machine_side import MachineSide
from protocol.errors import RmfsError
from protocol.exchange import DetailLine, FundFile, encode_fund_file
from protocol.keys import (
    MachineIdentity,
    MakerKey,
    Realm,
    ServerCredential,
    SigningKey,
    read_private_key,
    write_private_key,
    write_provisioning,
    write_public_key,
)
from protocol.parameters import business_date
from protocol.ports import Entropy
from protocol.values import LicenceIdentifier
from rmfs_tools.lab.bench_papers import funding_of, provisioning_of

FIRST_NUMBER: Final = 900_001
_MAKER: Final = "bench"
_OWNER_ONLY: Final = 0o600
_OWNERS_FOLDER: Final = 0o700
_IMAGE: Final = ".identity"


class BenchMachinesError(RmfsError):
    """The bench has no machines, or none that has not dialled."""


class BenchMachines:
    """Hands out machines that have never dialled, each once."""

    def __init__(self, folder: Path) -> None:
        """Look which there are.

        Args:
            folder: The bench's keys.

        Raises:
            BenchMachinesError: There are none.
        """
        self._folder = folder / "machines"
        self._waiting: Iterator[Path] = iter(
            sorted(
                path
                for path in self._folder.glob(f"*{_IMAGE}")
                if not self._used(path).exists()
            )
        )
        if not self._folder.is_dir():
            raise BenchMachinesError(
                f"there are no machines in {folder}: make them with "
                f"rmfs certify machines {folder}"
            )

    def next(self, server: ServerCredential, clock: WallClock) -> MachineSide:
        """Take the next one; it is never taken again.

        Raises:
            BenchMachinesError: All have dialled.
        """
        path = next(self._waiting, None)
        if path is None:
            raise BenchMachinesError(
                f"all machines of {self._folder} have dialled: make further ones with "
                f"rmfs certify machines, and have them enrolled"
            )
        self._used(path).touch()
        identity = MachineIdentity.decode(path.read_bytes())
        return MachineSide(identity, server, clock=clock)

    @staticmethod
    def _used(path: Path) -> Path:
        return path.with_suffix(".dialled")


def make_machines(
    folder: Path, count: int, *, letter: str, clock: WallClock, entropy: Entropy
) -> Path:
    """Make machines, their papers, and the fund file that pays for them.

    Args:
        folder: The bench's keys; machines that are there stay, further ones follow.
        count: How many.
        letter: First letter of their licence identifiers: the maker's, at the server.
        clock: Time of issue.
        entropy: Draws the keys.

    Returns:
        The fund file.

    Raises:
        BenchMachinesError: It cannot be written.
    """
    machines = folder / "machines"
    try:
        machines.mkdir(mode=_OWNERS_FOLDER, parents=True, exist_ok=True)
        maker = _maker(folder, entropy)
        first = FIRST_NUMBER + len(list(machines.glob(f"*{_IMAGE}")))
        lines = [
            _made(machines, f"{letter}{number}", maker, clock, entropy)
            for number in range(first, first + count)
        ]
        today = business_date(clock.now())
        file = FundFile.by_hand(f"FND-{letter}-{first}", letter, today, tuple(lines))
        path = folder / f"funds-{first}.txt"
        path.write_bytes(encode_fund_file(file))
    except OSError as error:
        raise BenchMachinesError(
            f"{folder} cannot be written: {error.strerror}"
        ) from error
    return path


def _maker(folder: Path, entropy: Entropy) -> MakerKey:
    path = folder / "maker.pem"
    if path.exists():
        scalar = read_private_key(path.read_bytes())
        return MakerKey(_MAKER, Realm.TEST, SigningKey(scalar))
    maker = MakerKey.generate(_MAKER, Realm.TEST, entropy)
    _write_private(path, write_private_key(maker.signing.scalar).encode())
    public = write_public_key(maker.public.verifying.point)
    (folder / "maker-public.pem").write_text(public, "ascii")
    return maker


def _made(
    folder: Path, name: str, maker: MakerKey, clock: WallClock, entropy: Entropy
) -> DetailLine:
    licence = LicenceIdentifier(name)
    identity = MachineIdentity.generate(licence, f"LB{name[1:]}", Realm.TEST, entropy)
    _write_private(folder / f"{name}{_IMAGE}", identity.encode())
    papers = write_provisioning(
        provisioning_of(identity.credential, clock.now()), maker
    )
    (folder / f"{name}.json").write_text(papers, "utf-8")
    today = business_date(clock.now())
    return funding_of(licence, name, FUNDED_PAISE, today)


def _write_private(path: Path, octets: bytes) -> None:
    path.touch(mode=_OWNER_ONLY, exist_ok=False)
    path.write_bytes(octets)
