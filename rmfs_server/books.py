"""The books: what a dial-in asks of them; what waits is answered in one transaction.

- The machines' rows are locked first; everything else is read after it, and what was
  judged on it is written before the lock is let go.
- What is sent has been stored and is read back from there. A message that was judged
  before gets the answer that it got, octet for octet.
- A STATEMENT that is judged raises the machine's call generation. Every later question
  of a call names its own, and is answered `Superseded` when it is not the newest.
- When a question raises `StoreError`, whether it was committed is unknown: ask again.

Source: SPEC.md REG-5 to REG-9, DLG-7 to DLG-10, DLG-14.2; design section 4.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from hw.database import Store
from protocol.dialogue.server import (
    ContentFound,
    CredentialFound,
    CredentialMissing,
    Frozen,
    SignedOctets,
    Stored,
    Superseded,
)
from protocol.keys import CreditKey
from protocol.messages import (
    Confirmation,
    ContentPart,
    Disposition,
    Goodbye,
    Refusal,
    RefusalCode,
    Statement,
    UsageRow,
)
from protocol.parameters import parameter
from protocol.ports import Entropy
from protocol.settling import judge, judge_confirmation
from protocol.usage import usage_digest
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    Paise,
    RechargeNumber,
)
from rmfs_server.judging import (
    Message,
    Signers,
    Wanted,
    acknowledge_orders,
    carry_out,
    freeze,
    open_cases,
)
from rmfs_server.keyring import CreditKeys, FindKey, no_later_key
from rmfs_server.questions import Found, Question
from rmfs_server.store import (
    contents,
    machines,
    messages,
    recharges,
    told_items,
    usage,
)
from rmfs_server.store.gathered import gathering
from rmfs_server.store.machines import Enrolled, Machine
from rmfs_server.store.messages import Answer
from rmfs_server.store.schema import SignedKind


@dataclass(frozen=True, slots=True)
class Turn:
    """A call whose STATEMENT was judged: its machine, and which call of it this is."""

    licence: LicenceIdentifier
    generation: int


class Books:
    """What the server knows and owes; several processes may share one store."""

    def __init__(
        self,
        store: Store,
        credit_key: CreditKey,
        entropy: Entropy,
        later_keys: FindKey = no_later_key,
    ) -> None:
        """Keep books.

        Args:
            store: Where.
            credit_key: The key with which machines are enrolled; it signs vouchers.
            entropy: Draws the marks.
            later_keys: Finds the credit keys that sign for machines that know them.
        """
        self._store = store
        self._signers = Signers(CreditKeys(credit_key, later_keys), entropy)

    def answer(self, questions: Sequence[Question[Any]]) -> list[Any]:
        """Answer questions about machines of which each is named once, or none of them.

        Raises:
            StoreError: The database failed; ask again.
            InvariantError: Money does not add up; nothing was changed.
        """
        name = questions[0].name if len(questions) == 1 else "dial-ins"
        with self._store.writing(name) as connection:
            page = gathering(connection)
            locked = machines.lock_all(connection, [one.licence for one in questions])
            wanted = [
                Wanted(locked[one.licence], one.now, one.digest)
                for one in questions
                if one.digest is not None and one.licence in locked
            ]
            cases = open_cases(page, wanted)
            answers = [
                one.decide(Found(page, locked.get(one.licence), cases.get(one.licence)))
                for one in questions
            ]
            page.write()
        return answers

    def find_credentials(
        self, licences: Sequence[LicenceIdentifier]
    ) -> list[CredentialFound | CredentialMissing]:
        """Look machines up by the identifiers that they have not proved yet.

        Raises:
            StoreError: The database failed.
        """
        with self._store.asking() as connection:
            found = machines.find_all_enrolled(connection, licences)
        return [_credential(found.get(licence)) for licence in licences]

    def find_credential(
        self, licence: LicenceIdentifier
    ) -> CredentialFound | CredentialMissing:
        """Look one machine up, as `find_credentials` does."""
        return self.find_credentials([licence])[0]

    def judge_statement(
        self,
        statement: Statement,
        signed: SignedOctets,
        now: EpochSeconds,
        begun: EpochSeconds | None = None,
    ) -> tuple[Turn, Answer] | CredentialMissing | Superseded:
        """Settle what is outstanding, judge the request, and store the answer.

        Args:
            statement: A STATEMENT whose signature and identity were verified.
            signed: The same message as it came.
            now: Wall time.
            begun: When the link of the call came up, or None: just now.

        Returns:
            The turn of this call with the stored answer; `CredentialMissing` when the
            credential was revoked meanwhile; `Superseded` when a later dial-in of the
            machine has been judged already.

        Raises:
            StoreError: The database failed; ask again.
            InvariantError: Money does not add up; nothing was changed.
        """
        return self.about_statement(statement, signed, now, begun)()

    def about_statement(
        self,
        statement: Statement,
        signed: SignedOctets,
        now: EpochSeconds,
        begun: EpochSeconds | None = None,
    ) -> Question[tuple[Turn, Answer] | CredentialMissing | Superseded]:
        """Ask what `judge_statement` answers."""

        def decide(
            found: Found,
        ) -> tuple[Turn, Answer] | CredentialMissing | Superseded:
            case = found.case
            if case is None or not case.enrolled.active:
                return CredentialMissing()
            machine = case.machine
            if case.answered is not None:
                if case.answered.call_generation != machine.call_generation:
                    return Superseded()
                turn = Turn(machine.licence, machine.call_generation)
                return turn, messages.decode_answer(case.answered.answer)
            step = Paise(parameter("download.step_paise", case.today))
            judgement = judge(case.account, statement, step)
            if statement.dial_in < machine.dial_in and (
                judgement.registers is not None or _overtaken(machine, begun)
            ):
                # Its line was slow: a later dial-in has been answered. To judge it now
                # would replace the mark that the machine has stored since, or freeze
                # the account of a machine that only was what it says.
                return Superseded()
            turn = Turn(machine.licence, machine.call_generation + 1)
            message = Message(
                SignedKind.STATEMENT,
                signed,
                statement.state,
                statement.order_serial,
                statement.dial_in,
                turn.generation,
                statement.capabilities,
            )
            return turn, carry_out(case, judgement, message, self._signers)

        digest = messages.digest_of(signed)
        return Question(self, "judge_statement", statement.licence, now, digest, decide)

    def judge_confirmation(
        self,
        turn: Turn,
        confirmation: Confirmation,
        signed: SignedOctets,
        now: EpochSeconds,
    ) -> Answer | Superseded:
        """Post what a CONFIRMATION confirms and close the books on the dial-in.

        Raises:
            StoreError: The database failed; ask again.
            InvariantError: Money does not add up; nothing was changed.
        """
        return self.about_confirmation(turn, confirmation, signed, now)()

    def about_confirmation(
        self,
        turn: Turn,
        confirmation: Confirmation,
        signed: SignedOctets,
        now: EpochSeconds,
    ) -> Question[Answer | Superseded]:
        """Ask what `judge_confirmation` answers."""

        def decide(found: Found) -> Answer | Superseded:
            case = found.case
            if case is None or case.machine.call_generation != turn.generation:
                return Superseded()
            if case.answered is not None:
                return messages.decode_answer(case.answered.answer)
            message = Message(
                SignedKind.CONFIRMATION,
                signed,
                confirmation.state,
                case.machine.order_serial,
                case.machine.dial_in,
                turn.generation,
                case.machine.capabilities or 0,
            )
            judgement = judge_confirmation(case.account, confirmation)
            return carry_out(case, judgement, message, self._signers)

        digest = messages.digest_of(signed)
        return Question(self, "judge_confirmation", turn.licence, now, digest, decide)

    def find_content(
        self, turn: Turn, content_id: int, offset: int
    ) -> ContentFound | Superseded:
        """Look up a part of a content that was ordered for this machine (DLG-16).

        Raises:
            StoreError: The database failed; ask again.
        """
        with self._store.reading() as connection:
            machine = machines.find(connection, turn.licence)
            if machine is None or machine.call_generation != turn.generation:
                return Superseded()
            content = contents.ordered_for(connection, turn.licence, content_id)
        return ContentFound(ContentPart.cut(content_id, offset, content))

    def store_usage(
        self,
        turn: Turn,
        statement: Statement,
        rows: Sequence[UsageRow],
        now: EpochSeconds,
    ) -> Stored | Frozen | Superseded:
        """Merge reported rows into the usage table if they fit digest and AR (DLG-9.3).

        Raises:
            StoreError: The database failed; ask again.
        """
        return self.about_usage(turn, statement, rows, now)()

    def about_usage(
        self,
        turn: Turn,
        statement: Statement,
        rows: Sequence[UsageRow],
        now: EpochSeconds,
    ) -> Question[Stored | Frozen | Superseded]:
        """Ask what `store_usage` answers."""

        def decide(found: Found) -> Stored | Frozen | Superseded:
            machine = _on_turn(found, turn)
            if machine is None:
                return Superseded()
            connection = found.page.connection
            before = usage.read(connection, turn.licence)
            reported = _reported(statement, before, rows)
            misfit = _misfit(machine, statement, before, reported)
            if misfit is not None:
                return self._freeze_usage(connection, machine, misfit, now)
            usage.write(connection, turn.licence, reported)
            told_items.report_usage(
                connection, turn.licence, statement.usage_digest, reported
            )
            ascending = statement.registers.ascending_paise
            machines.change(
                connection, machine._replace(usage_ascending_paise=ascending)
            )
            return Stored()

        return Question(self, "store_usage", turn.licence, now, None, decide)

    def store_last_voucher(
        self, turn: Turn, voucher: bytes, now: EpochSeconds
    ) -> Stored | Superseded:
        """Keep a presented voucher for the person who resolves (DLG-8.3).

        Raises:
            StoreError: The database failed; ask again.
        """
        return self.about_last_voucher(turn, voucher, now)()

    def about_last_voucher(
        self, turn: Turn, voucher: bytes, now: EpochSeconds
    ) -> Question[Stored | Superseded]:
        """Ask what `store_last_voucher` answers."""

        def decide(found: Found) -> Stored | Superseded:
            machine = _on_turn(found, turn)
            if machine is None:
                return Superseded()
            presented = machine._replace(presented_voucher=voucher, presented_at=now)
            machines.change(found.page, presented)
            return Stored()

        return Question(self, "store_last_voucher", turn.licence, now, None, decide)

    def store_goodbye(
        self, turn: Turn, goodbye: Goodbye, now: EpochSeconds
    ) -> Stored | Superseded:
        """Note the mark and the orders that the machine has stored (DLG-7.3).

        Raises:
            StoreError: The database failed; the next STATEMENT says the same.
        """
        return self.about_goodbye(turn, goodbye, now)()

    def about_goodbye(
        self, turn: Turn, goodbye: Goodbye, now: EpochSeconds
    ) -> Question[Stored | Superseded]:
        """Ask what `store_goodbye` answers."""

        def decide(found: Found) -> Stored | Superseded:
            machine = _on_turn(found, turn)
            if machine is None:
                return Superseded()
            acknowledged, issued = machine.mark_acknowledged, machine.mark_issued
            if goodbye.mark == issued:
                acknowledged, issued = goodbye.mark, None
            before = machine
            machine = machine._replace(
                mark_acknowledged=acknowledged,
                mark_issued=issued,
                order_serial=max(machine.order_serial, goodbye.order_serial),
            )
            if machine.order_serial > before.order_serial:
                acknowledge_orders(found.page.connection, machine, now)
            machines.change(found.page, machine)
            return Stored()

        return Question(self, "store_goodbye", turn.licence, now, None, decide)

    def _freeze_usage(
        self,
        connection: Connection,
        machine: Machine,
        misfit: dict[str, Any],
        now: EpochSeconds,
    ) -> Frozen:
        heard = messages.last_call(connection, machine.licence)
        digest = heard[0].digest if heard else None
        code = RefusalCode.USAGE_MISMATCH
        freeze(connection, machine, code, digest, detail=misfit, now=now)
        machines.change(connection, machine._replace(frozen=True))
        kept = recharges.find_open(connection, machine.licence) is not None
        return Frozen(
            Refusal(
                recharge_number=RechargeNumber(machine.number + 1),
                code=code,
                disposition=Disposition.KEPT if kept else Disposition.CLEARED,
                allowed_paise=Paise(0),
                receipt_follows=0,
            )
        )


def _credential(enrolled: Enrolled | None) -> CredentialFound | CredentialMissing:
    if enrolled is None or not enrolled.active:
        return CredentialMissing()
    return CredentialFound(enrolled.credential)


def _on_turn(found: Found, turn: Turn) -> Machine | None:
    """Give the machine of a call that is still its newest."""
    machine = found.machine
    if machine is None or machine.call_generation != turn.generation:
        return None
    return machine


def _overtaken(machine: Machine, begun: EpochSeconds | None) -> bool:
    """Say whether a later dial-in was judged after this call had begun.

    An old image of a memory is no such case: it has to dial, and so begins later. In
    the same second neither is certain; the call is overtaken then, since an old image
    is found when it dials again, and an honest machine would be frozen for good.
    """
    stated_at = machine.stated_at
    return begun is not None and stated_at is not None and begun <= stated_at


def _reported(
    statement: Statement, before: Sequence[UsageRow], rows: Sequence[UsageRow]
) -> Sequence[UsageRow]:
    """Give the table that a machine reports: its rows, with ours where it sent none.

    Rows that are the whole table of the STATEMENT by themselves stand alone: a row of
    ours that it does not have then shows as one that fell.
    """
    if usage_digest(rows) == statement.usage_digest:
        return sorted(rows, key=lambda row: row.product_class)
    return usage.merge(before, rows)


def _misfit(
    machine: Machine,
    statement: Statement,
    before: Sequence[UsageRow],
    reported: Sequence[UsageRow],
) -> dict[str, Any] | None:
    """Say what does not fit in a usage table, or None when all of it does."""
    ascending = statement.registers.ascending_paise
    expected = ascending - machine.usage_base_paise
    total = usage.total_paise(reported)
    fell = usage.fell(before, reported)
    digest_fits = usage_digest(reported) == statement.usage_digest
    if digest_fits and total == expected and not fell:
        return None
    return {
        "reported": [asdict(row) for row in reported],
        "ascending_paise": ascending,
        "expected_paise": expected,
        "total_paise": total,
        "fell": fell,
        "digest_fits": digest_fits,
    }
