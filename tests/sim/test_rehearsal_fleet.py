"""The machines of a rehearsal are real: they dial in, are credited, and frank."""

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from fm_device.psd.franking import Frank, FrankRefusal
from hw.clock import MemoryWallClock
from hw.database import open_store
from protocol.dialogue.machine import Outcome
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.administration import Administration
from rmfs_server.enrolling import NewLicence
from rmfs_server.funds import import_fund_file
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_server.store.verify import verify_books
from rmfs_tools.rehearsal.fleet import Fleet, draw_keys

BEGAN = MemoryWallClock(datetime(2026, 11, 2, 4, 0, tzinfo=UTC))
LICENCE = LicenceIdentifier("P123456")
NEW = NewLicence(LicenceNumber("KN0600065"), "Bharat Stationers", date(2031, 1, 1))


def test_a_machine_is_credited_and_franks_what_it_has(tmp_path: Path) -> None:
    keys = draw_keys("P", 1)
    with closing(open_store(f"sqlite:///{tmp_path / 'books.sqlite'}")) as store:
        migrate(store)
        fleet = Fleet(keys, store, BEGAN)
        made = fleet.make(LICENCE, "PSD00001", 560001)
        now = BEGAN.now()
        Administration(store, keys.credit).enrol(
            made.provisioning(now), NEW, By("a maker", "it was sold", now)
        )
        line = DetailLine(
            line_id="1",
            licence=LICENCE,
            licence_number=NEW.number,
            licensee=NEW.licensee,
            amount_paise=200_000,
            mode=PaymentMode.NETBANKING,
            value_date=date(2026, 11, 1),
            available_from=date(2026, 11, 2),
        )
        file = FundFile.by_hand("FND-P-1", "P", date(2026, 11, 2), (line,))
        import_fund_file(store, encode_fund_file(file), now)
        assert fleet.dial(LICENCE).outcome is Outcome.INSPECTED
        assert fleet.dial(LICENCE, 200_000).outcome is Outcome.CONFIRMED
        assert isinstance(fleet.frank(LICENCE, 150_000, 3), Frank)
        assert fleet.frank(LICENCE, 60_000, 3) is FrankRefusal.FUNDS_SHORT
        assert fleet.dial(LICENCE).outcome is Outcome.INSPECTED
        assert made.record.registers.ascending_paise == 150_000
        assert (fleet.dial_ins, fleet.franks) == (3, 1)
        with store.reading() as connection:
            assert verify_books(connection) == []
