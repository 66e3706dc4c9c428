"""The two parties of a pair: their names, their keys, and how they begin.

All keys follow from seeds and are of the realm TEST: for simulations alone.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from fm_device.psd.device import manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import MemoryWallClock
from hw.database import Store, open_store
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import (
    CreditKey,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber
from rmfs_server.enrolling import NewLicence
from rmfs_server.funds import import_fund_file
from rmfs_server.store.migrations import migrate

LICENCE: Final = LicenceIdentifier("N123456")
NUMBER: Final = LicenceNumber("KN0600065")
LICENSEE: Final = "Bharat Stationers, Bengaluru"
SERIAL: Final = "PSD00001"
NEW_LICENCE: Final = NewLicence(NUMBER, LICENSEE, date(2031, 8, 15))
PIN_CODE: Final = 560001
BEGAN: Final = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a server and of the maker of its machines, of the realm TEST."""

    identity: ServerIdentity
    credit: CreditKey
    maker: MakerKey


def make_keys() -> Keys:
    """Draw the keys: the same ones at each call."""
    entropy = SeededEntropy(b"keys of the server")
    return Keys(
        ServerIdentity.generate("TEST-OEM", Realm.TEST, 1, entropy),
        CreditKey.generate(1, Realm.TEST, entropy),
        MakerKey.generate("MAKER", Realm.TEST, SeededEntropy(b"maker")),
    )


def new_parties(folder: Path, keys: Keys) -> MemoryNvram:
    """Make empty books in a folder, and a machine that knows their server.

    Args:
        folder: Will hold ``books.sqlite``.
        keys: The server's.

    Returns:
        The memory of the machine, which is not installed or enrolled yet.
    """
    store = open_store(f"sqlite:///{folder / 'books.sqlite'}")
    migrate(store)
    store.close()
    clock = MemoryWallClock(BEGAN)
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    credential = keys.identity.credential.with_credit_key(1, keys.credit.signing.public)
    manufacture(
        nvram,
        psd_serial=SERIAL,
        licence=LICENCE,
        realm=Realm.TEST,
        servers=[ServerProvisioning(credential, clock.now())],
        maker=keys.maker.public,
        entropy=SeededEntropy(b"keys of the machine"),
        clock=clock,
    )
    return nvram


def deposit(
    store: Store,
    amount_paise: int,
    now: EpochSeconds,
    *,
    available: date = date(2026, 11, 17),
    number: int = 1,
) -> None:
    """Import a fund file with one deposit for the machine."""
    line = DetailLine(
        line_id="1",
        licence=LICENCE,
        licence_number=NUMBER,
        licensee=LICENSEE,
        amount_paise=amount_paise,
        mode=PaymentMode.NETBANKING,
        value_date=min(available, date(2026, 11, 16)),
        available_from=available,
    )
    file = FundFile.by_hand(f"FND-N-{number:04d}", "N", date(2026, 11, 16), (line,))
    import_fund_file(store, encode_fund_file(file), now)
