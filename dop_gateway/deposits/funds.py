"""What makers are told of deposits: lines for the fund file, and their answers.

Each line has a number of its own, which is its line id in the file. A line that the
maker refused brings its deposit to suspense; when that is released, a correction names
the refused line again, with the names that fit (docs/exchange-files.md).

Source: RMFS-16, RMFS-34; domain notes, sections 7.4 and 8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.deposits import fund_lines, store
from dop_gateway.deposits.bouncing import first_told, tell_owed
from dop_gateway.deposits.fund_lines import (
    Answer,
    LineId,
    NewLine,
    SentLine,
    WaitingLine,
)
from dop_gateway.deposits.judging import Fault
from dop_gateway.deposits.model import (
    Deposit,
    DepositEvent,
    DepositId,
    DepositState,
    LineKind,
    LineState,
)
from dop_gateway.deposits.steps import Steps
from dop_gateway.errors import ConflictError
from dop_gateway.identity.model import By
from dop_gateway.ledger import Movement, movements
from protocol.errors import InvariantError
from protocol.exchange import Line, Value

LAYOUT: Final = "fund"
LINES_MAX: Final = 100_000
"""Most lines that a fund file of ours has; the others go into the next one."""

_S = DepositState
_E = DepositEvent
_RECALL: Final = {_S.BOUNCED: _E.RECALL_BOUNCED, _S.REVERSED: _E.RECALL_REVERSED}
_CLAIMED: Final = frozenset({_S.RECALLED, _S.RECALLED_UNANSWERED})


@dataclass(frozen=True, slots=True)
class FundLine:
    """A line that goes into a fund file.

    Attributes:
        id: By which `put_in_file` and `answered` know it; its line id is this number.
        line: As the layout ``fund`` writes it.
    """

    id: LineId
    line: Line


def waiting(
    connection: Connection, maker: str, limit: int = LINES_MAX
) -> list[FundLine]:
    """List the lines of the next fund file of a maker, in its order; there may be none.

    Args:
        connection: To the database.
        maker: Its letter.
        limit: At most so many.
    """
    found = fund_lines.waiting(connection, maker, limit)
    return [FundLine(one.id, _line(one)) for one in found]


def put_in_file(
    connection: Connection, ids: Sequence[LineId], file_id: str, by: By
) -> None:
    """Say that lines are in a file, in the transaction that keeps its octets.

    Raises:
        ConflictError: One of them is in a file already, or is not sent any more.
    """
    lines = fund_lines.lock(connection, ids)
    wrong = [one.id for one in lines if one.state is not LineState.WAITING]
    if wrong or len(lines) != len(set(ids)):
        found = wrong[0] if wrong else "one of them"
        raise ConflictError(f"line {found} does not wait for a fund file: list again")
    bringing = {one.deposit for one in lines if one.kind is not LineKind.TAKE_BACK}
    steps = Steps(by)
    for deposit in store.lock_ids(connection, bringing):
        steps.move(deposit, _E.SENT)
    fund_lines.send(connection, ids, file_id)
    steps.write(connection, f"send in {file_id}")


def answered(
    connection: Connection,
    file_id: str,
    refused: Mapping[str, tuple[str, str]],
    by: By,
) -> None:
    """Take over what a maker says to a fund file; again changes nothing.

    Args:
        connection: A writing transaction.
        file_id: The file that it took, whole or in part.
        refused: Code and words of each line that it refused, by line id.
        by: Who brought the answer.
    """
    lines = fund_lines.lock_file(connection, file_id)
    open_lines = [one for one in lines if one.state is LineState.SENT]
    found = store.lock_ids(connection, (one.deposit for one in open_lines))
    deposits = {one.id: one for one in found}
    steps = Steps(by)
    answers: list[Answer] = []
    back: list[tuple[SentLine, bool]] = []
    for line in open_lines:
        no = refused.get(str(line.id))
        became = LineState.TAKEN if no is None else LineState.REFUSED
        answers.append(Answer(line.id, became, *(no or ("", ""))))
        if line.kind is LineKind.TAKE_BACK:
            back.append((line, no is None))
        elif no is None:
            _taken(connection, steps, deposits, line)
        else:
            _refused(connection, steps, deposits, (line, no))
    fund_lines.answer(connection, answers, by.now)
    steps.write(connection, f"answer to {file_id}")
    for line, given_back in back:
        _answer_to_take_back(connection, line, by, given_back=given_back)


def _taken(
    connection: Connection,
    steps: Steps,
    deposits: dict[DepositId, Deposit],
    line: SentLine,
) -> None:
    deposit = deposits[line.deposit]
    if deposit.state not in {_S.SENT_TO_OEM, _S.RECALLED_UNANSWERED}:
        return
    money = partial(_move, movements.acknowledged, deposit, "the maker took it")
    moved = steps.move(deposit, _E.ACKNOWLEDGED, money)
    deposits[line.deposit] = moved
    if moved.state is _S.RECALLED and not _is_asked_back(connection, deposit):
        # The maker was asked before it knew of the deposit, and had none to give.
        back, amount = LineKind.TAKE_BACK, -deposit.amount_paise
        first = line.id if line.corrects is None else line.corrects
        steps.line(NewLine(deposit.id, line.licence, back, amount, amount, first))


def _is_asked_back(connection: Connection, deposit: Deposit) -> bool:
    return any(
        one.kind is LineKind.TAKE_BACK
        and one.licence == deposit.licence
        and one.state in {LineState.WAITING, LineState.SENT}
        for one in fund_lines.of_deposit(connection, deposit.id)
    )


def _refused(
    connection: Connection,
    steps: Steps,
    deposits: dict[DepositId, Deposit],
    answer: tuple[SentLine, tuple[str, str]],
) -> None:
    line, no = answer
    deposit = deposits[line.deposit]
    words = f"{no[0]}: {no[1]}"
    if deposit.state is _S.SENT_TO_OEM:
        deposits[line.deposit] = steps.move(
            deposit,
            _E.REFUSED,
            partial(_move, movements.refused_by_maker, deposit, words),
            objection=Fault.REFUSED_BY_MAKER.objection(words),
            suspended_at=steps.by.now,
        )
        return
    if deposit.state is _S.RECALLED_UNANSWERED:
        deposits[line.deposit] = _end_recall(steps, deposit, words)
    fund_lines.only_clears(connection, line.deposit, line.licence)


def _answer_to_take_back(
    connection: Connection, line: SentLine, by: By, *, given_back: bool
) -> None:
    """Meet a claim, or tell that the licensee owes it."""
    deposit = store.lock(connection, line.deposit)
    # A deposit that the maker only held in suspense is over here already.
    if deposit is None or deposit.state not in _CLAIMED or deposit.licence is None:
        return
    first = first_told(connection, deposit)
    if first is None or first.id != line.corrects:
        return
    steps = Steps(by)
    if deposit.state is _S.RECALLED_UNANSWERED and not given_back:
        # The answer to the line that brought it decides.
        return
    there = ledger.balances(connection, deposit.licence).remaining
    short = deposit.state is _S.RECALLED and there < deposit.amount_paise
    if given_back and not short:
        words = "the maker gave it back"
        _end_recall(steps, deposit, words)
        steps.write(connection, "end recall")
        return
    if deposit.recalled_for is _S.REVERSED:
        steps.move(deposit, _E.KEPT, recalled_for=None)
        steps.write(connection, "refuse recall")
        return
    owed = steps.move(deposit, _E.RECALL_REFUSED)
    steps.write(connection, "refuse recall")
    tell_owed(connection, owed, by)


def _end_recall(steps: Steps, deposit: Deposit, words: str) -> Deposit:
    if deposit.recalled_for is None:
        raise InvariantError(f"deposit {deposit.id} is recalled for nothing")
    at_maker = deposit.state is _S.RECALLED
    of = movements.met_by_maker if at_maker else movements.met_unanswered
    if deposit.recalled_for is _S.REVERSED:
        back = movements.reversed_at_maker if at_maker else movements.reversed_unsent
        of = partial(back, deposit.payment.source)
    money = partial(_move, of, deposit, words)
    return steps.move(deposit, _RECALL[deposit.recalled_for], money)


def _move(of: ledger.MovementOf, deposit: Deposit, words: str, key: str) -> Movement:
    if deposit.licence is None:
        raise InvariantError(f"deposit {deposit.id} belongs to no licence")
    reason = f"{deposit.payment.reference}: {words}"
    return of(deposit.licence, deposit.amount_paise, key, reason)


def _line(one: WaitingLine) -> Line:
    values: dict[str, Value] = {
        "line_id": str(one.id),
        "licence": one.licence,
        "licence_number": one.licence_number,
        "licensee": one.licensee,
        "amount_paise": one.told_paise,
        "mode": one.mode,
        "value_date": one.value_date,
        "available_from": one.available_from,
    }
    if one.kind is LineKind.DEPOSIT:
        return Line("deposit", values)
    values["corrects_file_id"] = one.corrects_file
    values["corrects_line_id"] = str(one.corrects_line)
    return Line("correction", values)
