"""Two calls of one machine: the newest wins, and the older may write nothing more.

DLG-14.2: a server MUST NOT answer "busy" because an earlier call hangs. The call whose
STATEMENT verifies last wins; the older one's line is dropped with ERROR SUPERSEDED.
"""

from collections.abc import Callable
from typing import TypeVar

import pytest

from hw.lines.exchange import VirtualExchange, every_call
from hw.nvram import MemoryNvram
from protocol.channel import ServerChannel
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.errors import ErrorCode
from protocol.messages import Receipt, Refusal, RefusalCode, Voucher
from protocol.registers import VoucherKind
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from rmfs_server.writer import ImmediateWriter, Writer
from tests.situations import HandDialled
from tests.system import (
    IDENTITY,
    LICENCE,
    LINE,
    RUPEES_2000,
    RUPEES_3000,
    System,
)
from tests.unmoved import it_only_freezes, nothing_is_stored, open_states
from tests.witness.rogue_machine import Channelled, RogueMachine

T = TypeVar("T")
SUPERSEDED = bytes((0x0E, ErrorCode.SUPERSEDED))


def another_process(system: System, writer: Writer) -> VirtualExchange:
    """Let a second server process answer calls, on the same books."""
    exchange = Exchange(
        reactor=system.reactor,
        books=system.books,
        writer=writer,
        make_channel=lambda: ServerChannel(IDENTITY),
        wall_clock=system.wall,
        limits=Limits(),
    )
    lines = VirtualExchange(system.reactor, every_call(LINE))
    lines.listen(exchange.answer)
    return lines


class HoldingWriter:
    """Keeps every job until it is told to run the next one."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.jobs.append(lambda: done(job()))

    def holds(self, jobs: int) -> Callable[[], bool]:
        return lambda: len(self.jobs) == jobs

    def run_next(self) -> None:
        self.jobs.pop(0)()


# An honest redial on a second line: the first call hangs, half open.


def hangs_before_its_statement(system: System) -> HandDialled:
    return HandDialled(system, RUPEES_2000)


def hangs_before_its_voucher_arrives(system: System) -> HandDialled:
    call = HandDialled(system, RUPEES_2000)
    call.state_registers()
    return call


def hangs_before_its_confirmation(system: System) -> HandDialled:
    call = HandDialled(system, RUPEES_2000)
    call.apply_voucher()
    return call


def hangs_before_its_receipt_arrives(system: System) -> HandDialled:
    call = HandDialled(system, RUPEES_2000)
    call.wire.send(call.apply_voucher().packet)
    assert call.wire.take() is not None
    return call


HALF_OPEN = {
    "STATEMENT": (hangs_before_its_statement, 0),
    "VOUCHER": (hangs_before_its_voucher_arrives, 1),
    "CONFIRMATION": (hangs_before_its_confirmation, 1),
    "RECEIPT": (hangs_before_its_receipt_arrives, 1),
}


@pytest.mark.parametrize(("hang", "dropped"), HALF_OPEN.values(), ids=HALF_OPEN.keys())
def test_an_honest_redial_wins_at_once_while_the_first_call_hangs_half_open(
    system: System, hang: Callable[[System], HandDialled], dropped: int
) -> None:
    """DLG-14.2: no time-out is waited for, and Rs 2,000 are credited once."""
    first = hang(system)
    first.wire.fall_silent()
    report = system.dial(RUPEES_2000 if first.applied is None else INSPECTION)
    assert report.failure is None
    assert report.receipt is not None
    assert report.duration_s < 3
    system.check_quiet(400_000)
    assert system.exchange.records.figures.superseded == dropped
    assert system.exchange.records.figures.errors == (
        {"SUPERSEDED": 1} if dropped else {}
    )


@pytest.mark.parametrize(
    "hang",
    [hangs_before_its_voucher_arrives, hangs_before_its_confirmation],
    ids=["VOUCHER", "CONFIRMATION"],
)
def test_the_first_line_is_told_superseded_and_dropped(
    system: System, hang: Callable[[System], HandDialled]
) -> None:
    """CHAN-9: ERROR 8."""
    first = hang(system)
    assert system.dial(INSPECTION).receipt is not None
    assert first.wire.take() == SUPERSEDED
    assert first.wire.take() is None
    assert first.wire.over
    system.check_quiet(400_000)


def test_each_redial_beats_the_one_before(system: System) -> None:
    """DLG-14.2: five lines hang; only the last counts."""
    hanging = []
    for _ in range(5):
        call = hangs_before_its_voucher_arrives(system)
        call.wire.fall_silent()
        hanging.append(call)
    assert system.dial(RUPEES_3000).outcome is Outcome.CONFIRMED
    assert system.exchange.records.figures.superseded == 5
    system.check_quiet(400_000)


# Late writes of the older call, which another server process still holds.

Late = Callable[[RogueMachine, Channelled], bytes]


def _late_usage(machine: RogueMachine, _call: Channelled) -> bytes:
    return machine.usage()[0]


def _late_last_voucher(machine: RogueMachine, _call: Channelled) -> bytes:
    return machine.present(bytes(114))


LATE: dict[str, tuple[dict[str, bytes], Late]] = {
    "USAGE": ({}, _late_usage),
    "LAST_VOUCHER": ({"mark": b"not mine"}, _late_last_voucher),
}


def test_a_late_confirmation_of_an_older_call_posts_nothing(system: System) -> None:
    """DLG-14.2: its process knows nothing of the newer call; the books do."""
    elsewhere = another_process(system, ImmediateWriter())
    first = HandDialled(system, RUPEES_2000, exchange=elsewhere)
    confirmation = first.apply_voucher().packet
    first.psd.hang_up()
    second = HandDialled(system, INSPECTION)
    second.state_registers()
    with nothing_is_stored(system):
        first.wire.send(confirmation)
        assert first.wire.take() == SUPERSEDED
        assert first.wire.take() is None
    second.hang_up()
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    system.check_quiet(400_000)


@pytest.mark.parametrize(("bent", "make"), LATE.values(), ids=LATE.keys())
def test_what_an_older_call_says_late_is_not_stored(
    system: System, bent: dict[str, bytes], make: Late
) -> None:
    """DLG-14.2."""
    elsewhere = another_process(system, ImmediateWriter())
    machine = RogueMachine(system)
    first = machine.dial(elsewhere)
    assert isinstance(machine.state_in(first, INSPECTION, **bent), Receipt | Refusal)
    body = make(machine, first)
    second, _ = machine.ask_for(INSPECTION, **bent)
    with nothing_is_stored(system):
        assert first.ask(body) is ErrorCode.SUPERSEDED
    second.wire.end()


def test_a_late_goodbye_of_an_older_call_acknowledges_no_mark(system: System) -> None:
    """DLG-14.2, DLG-7.3: nothing follows a GOODBYE, so it is not even answered."""
    elsewhere = another_process(system, ImmediateWriter())
    machine = RogueMachine(system)
    first = machine.dial(elsewhere)
    receipt = machine.state_in(first, INSPECTION)
    assert isinstance(receipt, Receipt)
    second, _ = machine.ask_for(INSPECTION)
    with nothing_is_stored(system):
        first.say(machine.goodbye(mark=receipt.mark))
        first.wire.end()
    second.wire.end()


def test_a_statement_older_than_the_last_one_judged_is_superseded(
    system: System,
) -> None:
    """DLG-4.4, DLG-14.2: its line was slow; a later dial-in has been answered."""
    first = HandDialled(system, RUPEES_2000)
    second = hangs_before_its_voucher_arrives(system)
    with nothing_is_stored(system):
        first.wire.send(first.greeting_3)
        assert first.wire.take() == SUPERSEDED
    first.hang_up()
    second.hang_up()
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    system.check_quiet(400_000)


@pytest.mark.parametrize("asked", [INSPECTION, RUPEES_2000], ids=["ins", "rec"])
def test_a_statement_that_arrives_after_a_whole_redial_freezes_nobody(
    system: System, asked: Request
) -> None:
    """DLG-14.2: the machine was what it says when it said so; now it is another.

    Mark and number have moved on with the redial. An old image of the memory says the
    same, but has to begin a call of its own to say it.
    """
    first = HandDialled(system, asked)
    system.wall.advance(5)
    assert system.dial(asked).receipt is not None
    with nothing_is_stored(system):
        first.wire.send(first.greeting_3)
        assert first.wire.take() == SUPERSEDED
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED


def test_an_old_image_that_dials_after_the_machine_is_not_taken_for_a_slow_line(
    system: System,
) -> None:
    """DLG-7.2, REG-3: its call has begun after the machine's was judged."""
    image = MemoryNvram(system.nvram.image())
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    system.wall.advance(5)
    with it_only_freezes(system, RefusalCode.NUMBER_BEHIND):
        assert system.dial(INSPECTION, nvram=image).outcome is Outcome.REFUSED


def test_a_new_dialogue_on_the_first_line_is_not_dropped_for_the_old_one(
    system: System,
) -> None:
    """LINK-5.9, CHAN-1.4: nothing of a dialogue survives its link, nor its turn."""
    machine = RogueMachine(system)
    first, _ = machine.ask_for(RUPEES_2000)
    first.wire.set_up_again()
    report = system.dial(INSPECTION)
    assert report.receipt is not None
    assert not first.wire.over
    system.check_quiet(400_000)


def test_what_was_judged_for_a_dialogue_that_is_over_wins_nothing_for_the_next(
    system: System,
) -> None:
    """CHAN-1.4, DLG-14.2: the books answer late, to a link that was set up anew."""
    writer = HoldingWriter()
    lines = another_process(system, writer)
    machine = RogueMachine(system)
    first = machine.dial(lines)
    first.say(machine.sign(machine.statement(RUPEES_2000), first.channel.binding))
    system.run(writer.holds(1))
    writer.run_next()
    first.wire.set_up_again()
    writer.run_next()
    second = machine.dial(lines)
    second.say(machine.sign(machine.statement(RUPEES_2000), second.channel.binding))
    system.run(writer.holds(1))
    while writer.jobs:
        writer.run_next()
    assert isinstance(second.answer(), Voucher)
    assert not first.wire.over


# Revoked in between, and taken away in between: KEY-9.2, REG-8.


def test_a_machine_revoked_while_its_statement_waits_is_granted_nothing(
    system: System,
) -> None:
    """KEY-9.2: the row is checked again in the transaction that grants."""
    writer = HoldingWriter()
    machine = RogueMachine(system)
    call = machine.dial(another_process(system, writer))
    statement = machine.statement(RUPEES_2000)
    call.say(machine.sign(statement, call.channel.binding))
    system.run(writer.holds(1))
    writer.run_next()
    assert len(writer.jobs) == 1, "the credential was found; the STATEMENT waits"
    system.administration.revoke(LICENCE, system.by("stolen"))
    with nothing_is_stored(system):
        writer.run_next()
        assert call.answer() is ErrorCode.UNKNOWN_MACHINE
    assert open_states(system) == []


def test_a_machine_revoked_before_its_confirmation_is_not_posted(
    system: System,
) -> None:
    """KEY-9.3: what it may have applied stays reserved for a person."""
    first = hangs_before_its_confirmation(system)
    assert first.applied is not None
    system.administration.revoke(LICENCE, system.by("stolen"))
    with nothing_is_stored(system):
        first.wire.send(first.applied.packet)
        assert first.wire.take() == SUPERSEDED
    assert open_states(system) == ["RESERVED"]


def test_two_statements_that_wait_together_are_granted_one_voucher(
    system: System,
) -> None:
    """REG-8, REG-5.1: the second is answered with the octets of the first."""
    writer = HoldingWriter()
    lines = another_process(system, writer)
    machine = RogueMachine(system)
    calls: list[Channelled] = []
    for request in (RUPEES_2000, RUPEES_3000):
        call = machine.dial(lines)
        statement = machine.statement(request)
        call.say(machine.sign(statement, call.channel.binding))
        calls.append(call)
        system.run(writer.holds(len(calls)))
    while writer.jobs:
        writer.run_next()
    voucher = calls[1].answer()
    assert isinstance(voucher, Voucher)
    assert (voucher.kind, voucher.amount_paise) == (VoucherKind.RECHARGE, 200_000)
    assert calls[0].answer() == voucher
    assert calls[0].answer() is ErrorCode.SUPERSEDED
    assert open_states(system) == ["RESERVED"]
    assert len(system.dump()["recharge"]) == 2
    system.check_money()


def test_a_dialogue_that_the_books_never_answer_ends_unavailable(
    system: System,
) -> None:
    """DLG-13: 30 s, then the machine dials later; what comes after is stored once."""
    writer = HoldingWriter()
    machine = RogueMachine(system)
    call = machine.dial(another_process(system, writer))
    statement = machine.statement(RUPEES_2000)
    with nothing_is_stored(system):
        call.say(machine.sign(statement, call.channel.binding))
        system.run(writer.holds(1))
        writer.run_next()
        assert call.answer() is ErrorCode.UNAVAILABLE
    writer.run_next()
    assert open_states(system) == ["RESERVED"]
    assert system.dial(RUPEES_3000).outcome is Outcome.CONFIRMED
    system.check_quiet(400_000)
