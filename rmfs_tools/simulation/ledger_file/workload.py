"""Real work for the books while their file is recorded: recharges, and what goes wrong.

Every move is the product's own and goes through its own store: fund files, STATEMENTs
judged, vouchers granted, usage, CONFIRMATIONs, GOODBYEs, a VOID, a refund. When a move
returns, what it was about to tell is told: a voucher counts as sent from then on.

Three kinds of recharge take turns: a plain one; one whose voucher was lost, so that a
person takes it back and the VOID is sent; one whose CONFIRMATION was lost, so that the
next STATEMENT settles it.
"""

from datetime import date
from pathlib import Path
from typing import Final

from hw.database import NoHook, Store, open_store
from hw.entropy import SeededEntropy
from protocol.dialogue.server import Closed, Delivered
from protocol.errors import InvariantError
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import CreditKey, Realm
from protocol.messages import Statement
from protocol.parameters import business_date
from protocol.registers import RequestKind
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.administration import Administration
from rmfs_server.books import Books, Turn
from rmfs_server.enrolling import NewLicence
from rmfs_server.funds import import_fund_file
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_tools.simulation.ledger_file.caller import Caller
from rmfs_tools.simulation.ledger_file.contents import digest_of_rows
from rmfs_tools.simulation.ledger_file.driver import recorded_url
from rmfs_tools.simulation.ledger_file.record import Commit, Record, Sent
from rmfs_tools.simulation.ledger_file.settings import Pragmas, settings_of
from rmfs_tools.simulation.ledger_file.vfs import RecordingVfs

BOOKS: Final = "books.sqlite"
CHECKPOINT_PAGES: Final = 40
"""Log pages after which SQLite checkpoints: every few commits, not every thousand."""

_BEGAN: Final = EpochSeconds(1_790_000_000)
_STEP_S: Final = 60
_LICENCE: Final = LicenceIdentifier("N123456")
_NUMBER: Final = LicenceNumber("KN0600065")
_LICENSEE: Final = "Bharat Stationers, Bengaluru"
_RECHARGE: Final = Paise(200_000)
_REFUND: Final = Paise(100_000)
_FRANK: Final = Paise(2_500)
_KINDS: Final = 3
_DEPOSIT: Final = Paise(4 * _RECHARGE)
"""What a turn of all kinds takes: the one whose CONFIRMATION is lost takes two."""


class AcknowledgeHook(NoHook):
    """Notes where each commit began and where it was acknowledged."""

    def __init__(self, record: Record) -> None:
        """Note it in a record."""
        self.store: Store | None = None
        self._record = record
        self._begun = 0

    def before_commit(self, name: str) -> None:
        """Everything is written, nothing is committed."""
        self._begun = len(self._record.operations)

    def after_commit(self, name: str) -> None:
        """The commit has returned: whoever asked may be told."""
        if self.store is None:
            raise InvariantError(f"{name} was committed before the books were open")
        acknowledged = len(self._record.operations)
        content = content_of(self.store)
        self._record.commits.append(Commit(name, self._begun, acknowledged, content))


def content_of(store: Store) -> bytes:
    """Digest all rows as an open store reads them."""
    with store.reading() as connection:
        return digest_of_rows(
            lambda query: [tuple(row) for row in connection.exec_driver_sql(query)]
        )


def record_books(
    folder: Path, recharges: int, seed: int, pragmas: tuple[str, ...]
) -> Record:
    """Make books in a folder, and record everything that recharges do to their file.

    The schema is there and durable before the record begins; enrolment is its first
    transaction, and closing the store its last act.

    Args:
        folder: Empty.
        recharges: How many.
        seed: Chooses keys and marks.
        pragmas: In place of the product's own.

    Raises:
        StoreError: The database failed.
        InvariantError: The books did not answer as they must.
    """
    path = folder / BOOKS
    made = open_store(f"sqlite:///{path}")
    try:
        migrate(made)
        record = Record(content=content_of(made))
    finally:
        made.close()
    record.files[path.name] = path.read_bytes()
    vfs = RecordingVfs(f"recorded {folder}", record)
    try:
        hook = AcknowledgeHook(record)
        hook.store = store = open_store(recorded_url(str(path), vfs.registered), hook)
        Pragmas((*pragmas, f"wal_autocheckpoint = {CHECKPOINT_PAGES}")).put(store)
        try:
            record.settings = settings_of(store)
            _Work(store, record, SeededEntropy(b"ledger file %d" % seed)).run(recharges)
        finally:
            store.close()
    finally:
        vfs.unregister()
    return record


class _Work:
    """The people and the machine that keep the books busy."""

    def __init__(self, store: Store, record: Record, entropy: SeededEntropy) -> None:
        credit_key = CreditKey.generate(1, Realm.TEST, entropy)
        self._store = store
        self._record = record
        self._books = Books(store, credit_key, entropy)
        self._administration = Administration(store, credit_key)
        self._caller = Caller(_LICENCE, "PSD00001", entropy)
        self._now = _BEGAN
        self._files = 0

    def run(self, recharges: int) -> None:
        self._administration.enrol(
            self._caller.provisioning(self._now),
            NewLicence(_NUMBER, _LICENSEE, date(2050, 12, 31)),
            self._by("enrolled"),
        )
        for number in range(recharges):
            if number % _KINDS == 0:
                self._deposit(_DEPOSIT)
            if number % _KINDS == 1:
                self._lose_voucher()
            elif number % _KINDS == 2:  # noqa: PLR2004 - the third kind
                self._lose_confirmation()
            self._complete(RequestKind.RECHARGE, _RECHARGE)
            self._caller.frank(_FRANK)
        self._administration.set_licence(
            _LICENCE, self._by("refund"), refund_allowed=True
        )
        self._complete(RequestKind.REFUND, _REFUND)

    def _complete(self, request: RequestKind, amount: Paise) -> None:
        """Do a whole dial-in: voucher, usage, CONFIRMATION, RECEIPT, GOODBYE."""
        turn, statement, octets = self._ask(request, amount)
        self._caller.apply(octets)
        self._books.store_usage(turn, statement, (self._caller.usage,), self._now)
        closed = self._books.judge_confirmation(
            turn, *self._caller.confirm(), self._now
        )
        if not isinstance(closed, Closed):
            raise InvariantError(f"a CONFIRMATION was answered {closed}")
        self._books.store_goodbye(turn, self._caller.take(closed), self._now)

    def _lose_voucher(self) -> None:
        """A voucher never arrives; it is taken back, and the VOID is applied."""
        self._ask(RequestKind.RECHARGE, _RECHARGE)
        void = self._administration.void(_LICENCE, self._by("taken back"))
        _, _, octets = self._ask(RequestKind.RECHARGE, _RECHARGE)
        if octets != void:
            raise InvariantError("a voucher was sent after it was taken back")
        self._caller.apply(octets)

    def _lose_confirmation(self) -> None:
        """A voucher is applied and nobody hears of it until the next STATEMENT."""
        _, _, octets = self._ask(RequestKind.RECHARGE, _RECHARGE)
        self._caller.apply(octets)

    def _ask(
        self, request: RequestKind, amount: Paise
    ) -> tuple[Turn, Statement, bytes]:
        """Have a STATEMENT judged and send the voucher that answers it."""
        self._now = EpochSeconds(self._now + _STEP_S)
        statement, signed = self._caller.state(request, amount, self._now)
        answer = self._books.judge_statement(statement, signed, self._now)
        if isinstance(answer, tuple):
            turn, told = answer
            if isinstance(told, Delivered):
                octets = told.voucher
                sent = Sent(len(self._record.operations), octets)
                self._record.sent.append(sent)
                return turn, statement, octets
        raise InvariantError(f"a {request.name} was answered {answer}")

    def _deposit(self, amount: Paise) -> None:
        """Import a fund file with one deposit."""
        self._files += 1
        self._now = EpochSeconds(self._now + _STEP_S)
        today = business_date(self._now)
        line = DetailLine(
            line_id="1",
            licence=_LICENCE,
            licence_number=_NUMBER,
            licensee=_LICENSEE,
            amount_paise=amount,
            mode=PaymentMode.NETBANKING,
            value_date=today,
            available_from=today,
        )
        file = FundFile.by_hand(f"FND-N-{self._files:04d}", "N", today, (line,))
        report = import_fund_file(self._store, encode_fund_file(file), self._now)
        if report.suspended:
            raise InvariantError(f"a deposit waits in suspense: {report.show()}")

    def _by(self, reason: str) -> By:
        return By("rmfs simulate", reason, self._now)
