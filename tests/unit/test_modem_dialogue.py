"""The dialogue with a modem: every state upon every event, and whole conversations."""

from typing import get_args

import pytest

from hw.lines.port import LineError, LineLoss, LossCause
from hw.modem import dialogue_states as states
from hw.modem.carrier_text import TEXT
from hw.modem.dialogue import ModemDialogue
from hw.modem.dialogue_states import (
    CallFailed,
    Connected,
    DialogueState,
    Effect,
    Over,
    PortEnded,
    Received,
    Send,
    SetCircuits,
)
from hw.modem.dialogue_table import DIALOGUE_TABLE, PROBE_S, SETTLE_S
from hw.modem.settings import INIT, CarrierWatch, ModemSettings
from hw.ports.port import ModemCircuits

LOSS = LineLoss(LossCause.NO_PORT, "unplugged")
EVENTS = {
    "PortOpened": states.PortOpened(),
    "TimedOut": states.TimedOut(),
    "RetriesExhausted": states.RetriesExhausted(),
    "OkReceived": states.OkReceived(),
    "ErrorReceived": states.ErrorReceived(),
    "ConnectReceived": states.ConnectReceived(9600),
    "RingReceived": states.RingReceived(),
    "CallFailed": CallFailed(LossCause.BUSY, "BUSY"),
    "DialDue": states.DialDue(),
    "WaitDue": states.WaitDue(),
    "AnswerDue": states.AnswerDue(),
    "CarrierFell": states.CarrierFell(),
    "CarrierTextBelieved": states.CarrierTextBelieved(),
    "HangUpOrdered": states.HangUpOrdered(),
    "Drained": states.Drained(),
    "DrainedWithoutCircuits": states.DrainedWithoutCircuits(),
    "PortEnded": PortEnded(LOSS),
}
CARRIER = ModemCircuits(clear_to_send=True, data_set_ready=True, carrier=True)
NO_CARRIER = ModemCircuits(clear_to_send=True, data_set_ready=True)


class Talk:
    """A dialogue, its clock, and what it did."""

    def __init__(
        self,
        settings: ModemSettings | None = None,
        *,
        answers: bool = False,
        circuits: ModemCircuits | None = NO_CARRIER,
    ) -> None:
        self.dialogue = ModemDialogue(
            settings or ModemSettings("0800 1930"), answers=answers
        )
        self.now = 0.0
        self.done: list[Effect] = []
        self.dialogue.port_up(circuits, self.now)
        self.take()
        self.wait(SETTLE_S)

    @property
    def state(self) -> DialogueState:
        return self.dialogue.state

    def take(self) -> None:
        self.done += self.dialogue.effects()

    def hear(self, *said: bytes) -> "Talk":
        for octets in said:
            self.dialogue.octets_received(octets, self.now)
            self.take()
        return self

    def see(self, circuits: ModemCircuits) -> "Talk":
        self.dialogue.circuits_changed(circuits, self.now)
        self.take()
        return self

    def wait(self, seconds: float, waiting_octets: int = 0) -> "Talk":
        until = self.now + seconds
        while (due := self.dialogue.deadline) is not None and due <= until:
            self.now = max(self.now, due)
            self.dialogue.handle_timer(self.now, waiting_octets)
            self.take()
        self.now = until
        return self

    def sent(self) -> bytes:
        return b"".join(done.octets for done in self.done if isinstance(done, Send))

    def received(self) -> bytes:
        return b"".join(done.octets for done in self.done if isinstance(done, Received))

    def loss(self) -> LineLoss:
        over = [done.loss for done in self.done if isinstance(done, Over)]
        assert len(over) == 1
        return over[0]

    def connected(self) -> "Talk":
        return self.hear(b"\r\nOK\r\n", b"\r\nOK\r\n", b"\r\nCONNECT 33600\r\n")


def test_the_table_knows_every_event_there_is() -> None:
    used = {row.event.__name__ for row in DIALOGUE_TABLE.rows}
    assert used == set(EVENTS)
    assert {type(event) for event in EVENTS.values()} == {
        row.event for row in DIALOGUE_TABLE.rows
    }


@pytest.mark.parametrize("state", DialogueState)
@pytest.mark.parametrize("name", EVENTS)
def test_every_state_heeds_an_event_as_the_table_says_or_not_at_all(
    state: DialogueState, name: str
) -> None:
    dialogue = ModemDialogue(ModemSettings("1"))
    dialogue.state = state
    event = EVENTS[name]
    rows = [
        row
        for row in DIALOGUE_TABLE.rows
        if row.state is state and isinstance(event, row.event)
    ]
    dialogue._feed(event)
    effects = dialogue.effects()
    assert all(isinstance(effect, get_args(Effect)) for effect in effects)
    if not rows:
        assert dialogue.state is state
        assert dialogue.unheeded == 1
        assert effects == []
        return
    followed = {row.to for row in DIALOGUE_TABLE.rows if row.state is rows[0].to}
    assert dialogue.state in {rows[0].to, *followed}
    # It ends with one word about why, and with no timer.
    over = [effect for effect in effects if isinstance(effect, Over)]
    assert len(over) == (dialogue.state is DialogueState.OVER)
    if over:
        assert dialogue.deadline is None


@pytest.mark.parametrize(
    "state", [state for state in DialogueState if state is not DialogueState.OVER]
)
def test_every_state_ends_by_itself_or_is_quiet_for_a_reason(
    state: DialogueState,
) -> None:
    rows = {row.event for row in DIALOGUE_TABLE.rows if row.state is state}
    without_time_out = {
        DialogueState.CLOSED,
        DialogueState.READY,
        DialogueState.CONNECTED,
    }
    assert (states.TimedOut in rows) is (state not in without_time_out)
    assert states.PortEnded in rows
    hanging_up = {"DRAINING", "DROPPING", "HUSHED", "INTERRUPTING", "HANGING_UP"}
    assert (states.HangUpOrdered in rows) is (state.name not in hanging_up)


def test_a_call_from_waking_to_the_end_by_dcd() -> None:
    talk = Talk()
    assert talk.sent() == b"ATE0Q0V1\r"
    talk.hear(b"ATE0Q0V1\r\r\nOK\r\n")
    assert talk.sent().endswith(INIT.encode() + b"\r")
    talk.hear(b"\r\nO", b"K\r\n")
    assert talk.sent().endswith(b"ATD08001930\r")
    talk.see(CARRIER).hear(b"\r\nCONNECT 33600\r\nda", b"ta")
    assert Connected(33_600, "", "") in talk.done
    assert talk.received() == b"data"
    talk.see(NO_CARRIER).hear(b"rest", b"\r\nNO CARRIER\r\n").wait(2)
    assert talk.received() == b"datarest"
    assert talk.loss().cause is LossCause.DROPPED_BY_PEER


@pytest.mark.parametrize(
    ("said", "bit_s", "more"),
    [
        (b"\r\nCONNECT\r\n", None, ""),
        (b"\r\nCONNECT 1200\r\n", 1200, ""),
        (b"\r\nCONNECT 33600/V42BIS\r\n", 33_600, "V42BIS"),
        (b"\r\nCONNECT 14400/ARQ/V32/LAPM\r\n", 14_400, "ARQ/V32/LAPM"),
        (b"\r\nCONNECT 115200 V42bis\r\n", 115_200, "V42bis"),
        (b"\r\nCONNECT FAX\r\n", None, "FAX"),
        (b"CARRIER 9600\r\nCONNECT 9600\r\n", 9600, ""),
        (b"1\r", None, ""),
        (b"12\r", 9600, ""),
        (b"199\r", None, ""),
    ],
)
def test_connect_is_understood_with_whatever_is_told_besides(
    said: bytes, bit_s: int | None, more: str
) -> None:
    talk = Talk().hear(b"OK\r\n", b"OK\r\n", said + b"\x7edata")
    assert Connected(bit_s, more, "") in talk.done
    assert talk.received() == b"\x7edata"


def test_a_line_feed_behind_digits_is_data() -> None:
    assert Talk().hear(b"0\r", b"0\r", b"1\r\ndata").received() == b"\ndata"


@pytest.mark.parametrize(
    ("said", "cause", "words"),
    [
        (b"\r\nBUSY\r\n", LossCause.BUSY, "busy: 08001930 (BUSY)"),
        (b"7\r", LossCause.BUSY, "busy: 08001930 (BUSY)"),
        (b"\r\nNO ANSWER\r\n", LossCause.NO_ANSWER, "no answer: 08001930 (NO ANSWER)"),
        (b"8\r", LossCause.NO_ANSWER, "no answer: 08001930 (NO ANSWER)"),
        (b"\r\nNO DIALTONE\r\n", LossCause.NO_DIALTONE, "no dial tone"),
        (b"\r\nNO DIAL TONE\r\n", LossCause.NO_DIALTONE, "no dial tone"),
        (b"6\r", LossCause.NO_DIALTONE, "no dial tone"),
        (b"\r\nNO CARRIER\r\n", LossCause.NO_CARRIER, "did not agree: 08001930"),
        (b"3\r", LossCause.NO_CARRIER, "did not agree: 08001930"),
        (b"\r\nERROR\r\n", LossCause.MODEM_REFUSED, "it does not dial 08001930"),
        (b"\r\nBLACKLISTED\r\n", LossCause.MODEM_REFUSED, "BLACKLISTED"),
        (b"\r\nDELAYED\r\n", LossCause.MODEM_REFUSED, "DELAYED"),
        (b"\r\nOK\r\n", LossCause.NO_CARRIER, "broken the attempt off"),
    ],
)
def test_why_a_call_failed_is_told_in_words(
    said: bytes, cause: LossCause, words: str
) -> None:
    loss = Talk().hear(b"OK\r\n", b"OK\r\n", said).loss()
    assert loss.cause is cause
    assert words in str(loss)


def test_nobody_answers_in_time() -> None:
    talk = Talk(ModemSettings("1930", wait_s=45)).hear(b"OK\r\n", b"OK\r\n").wait(46)
    assert str(talk.loss()) == "no answer: 1930 within 45 s"
    assert talk.sent().endswith(b"ATD1930\r\r")


def test_a_modem_that_says_nothing_is_escaped_from_and_given_up() -> None:
    talk = Talk().wait(20)
    assert talk.sent() == b"ATE0Q0V1\rATE0Q0V1\r+++ATH\r"
    assert talk.loss().cause is LossCause.NO_MODEM
    assert "is it on" in str(talk.loss())


def test_a_modem_in_a_call_that_a_crash_left_behind_is_brought_back() -> None:
    talk = Talk()
    talk.hear(b"old data \x7e\x00\xff\r\n of a call").wait(5.2)
    assert talk.sent().endswith(b"+++")
    talk.hear(b"\r\nOK\r\n")
    assert talk.sent().endswith(b"+++ATH\r")
    talk.hear(b"\r\nNO CARRIER\r\n", b"\r\nOK\r\n")
    assert talk.sent().endswith(INIT.encode() + b"\r")
    talk.hear(b"\r\nOK\r\n")
    assert talk.state is DialogueState.DIALLING


def test_nothing_is_sent_for_the_guard_time_before_and_after_an_escape() -> None:
    talk = Talk(ModemSettings("1", guard_s=2.0))
    talk.wait(4.0 + 1.9)
    assert b"+++" not in talk.sent()
    talk.wait(0.2)
    assert talk.sent().endswith(b"+++")
    talk.wait(3.7)
    assert talk.sent().endswith(b"+++")


def test_a_modem_that_refuses_its_setting_up_says_what_to_change() -> None:
    talk = Talk(ModemSettings("1", init="AT&Q9")).hear(b"OK\r\n", b"ERROR\r\n")
    assert "AT&Q9" in str(talk.loss())
    assert "init=" in str(talk.loss())


def test_text_within_data_is_data_where_there_is_a_carrier_circuit() -> None:
    talk = Talk().hear(b"OK\r\n", b"OK\r\n").see(CARRIER)
    talk.hear(b"CONNECT 9600\r\n", TEXT).wait(10)
    assert talk.received() == TEXT
    assert talk.state is DialogueState.CONNECTED


@pytest.mark.parametrize("cut", range(1, len(TEXT)))
def test_text_within_data_is_data_without_one_unless_silence_follows(cut: int) -> None:
    talk = Talk(circuits=None).connected()
    talk.hear(b"abc" + TEXT[:cut], TEXT[cut:], b"more").wait(5)
    assert talk.received() == b"abc" + TEXT + b"more"
    talk.hear(TEXT[:cut]).wait(5)
    assert talk.received().endswith(TEXT[:cut])
    talk.hear(b"x" + TEXT[:cut], TEXT[cut:]).wait(0.9)
    assert talk.state is DialogueState.CONNECTED
    talk.wait(0.2)
    assert talk.received().endswith(b"x")
    assert talk.loss().cause is LossCause.DROPPED_BY_PEER


def test_a_circuit_that_comes_up_late_ends_the_reading_of_text() -> None:
    talk = Talk().connected()
    talk.hear(b"\r\nNO CARR")
    assert talk.received() == b""
    talk.see(CARRIER).hear(b"IER\r\n").wait(10)
    assert talk.received() == TEXT


def test_the_carrier_is_watched_as_it_is_set() -> None:
    by_text = ModemSettings("1", carrier=CarrierWatch.TEXT)
    talk = Talk(by_text).hear(b"OK\r\n", b"OK\r\n").see(CARRIER)
    talk.hear(b"CONNECT\r\n").see(NO_CARRIER).wait(5)
    assert talk.state is DialogueState.CONNECTED
    assert talk.hear(TEXT).wait(2).state is DialogueState.OVER
    by_circuit = ModemSettings("1", carrier=CarrierWatch.CIRCUIT)
    talk = Talk(by_circuit).connected().hear(TEXT).wait(5)
    assert talk.state is DialogueState.CONNECTED


def test_hanging_up_lets_what_was_sent_leave_and_drops_dtr() -> None:
    talk = Talk().connected().see(CARRIER)
    talk.dialogue.hang_up(talk.now, 100)
    talk.wait(0.5, 100)
    assert talk.state is DialogueState.DRAINING
    talk.wait(0.1)
    assert isinstance(talk.done[-1], SetCircuits)
    assert not talk.done[-1].circuits.terminal_ready
    talk.see(NO_CARRIER)
    assert talk.loss() == LineLoss(LossCause.DROPPED_HERE)


def test_a_modem_that_does_not_heed_dtr_is_escaped_and_hung_up() -> None:
    talk = Talk().connected().see(CARRIER)
    talk.dialogue.hang_up(talk.now)
    talk.wait(6.5)
    assert talk.sent().endswith(b"+++")
    talk.hear(b"late data\r\nOK\r\n")
    assert talk.sent().endswith(b"+++ATH\r")
    talk.hear(b"\r\nOK\r\n")
    assert talk.loss().cause is LossCause.DROPPED_HERE


def test_a_modem_without_circuits_is_escaped_and_one_that_is_mute_is_left() -> None:
    talk = Talk(circuits=None).connected()
    talk.dialogue.hang_up(talk.now)
    talk.wait(20)
    assert talk.sent().endswith(b"+++ATH\r")
    assert talk.loss().cause is LossCause.DROPPED_HERE


def test_an_attempt_that_is_given_up_is_broken_off() -> None:
    talk = Talk().hear(b"OK\r\n", b"OK\r\n")
    talk.dialogue.hang_up(talk.now)
    assert talk.dialogue.effects() == [Send(b"\r")]
    talk.hear(b"\r\nNO CARRIER\r\n")
    assert talk.loss().cause is LossCause.DROPPED_HERE


def answering(**more: object) -> Talk:
    settings = ModemSettings(**more)  # type: ignore[arg-type]
    return Talk(settings, answers=True).hear(b"OK\r\n", b"OK\r\n")


def test_a_call_is_answered_after_the_rings_and_its_caller_is_told() -> None:
    talk = answering(rings=2)
    talk.hear(b"\r\nRING\r\n", b"\r\nDATE = 1122\r\nNMBR = 08025550199\r\n")
    assert talk.state is DialogueState.RINGING
    talk.wait(6).hear(b"\r\nRING\r\n")
    assert talk.sent().endswith(b"ATA\r")
    talk.hear(b"\r\nCONNECT 9600\r\n")
    assert Connected(9600, "", "08025550199") in talk.done


def test_a_caller_who_gives_up_leaves_no_trace() -> None:
    talk = answering(rings=2).hear(b"RING\r\n", b"NMBR=111\r\n").wait(8.1)
    seen = [talk.state]
    seen.append(talk.hear(b"RING\r\n").state)
    seen.append(talk.hear(b"RING 2\r\n", b"\r\nNO CARRIER\r\n").state)
    seen.append(talk.hear(b"RING\r\n", b"RING\r\n").wait(61).state)
    waiting = DialogueState.WAITING
    assert seen == [waiting, DialogueState.RINGING, waiting, waiting]
    talk.hear(b"CONNECT 300\r\n")
    assert Connected(300, "", "") in talk.done


def test_a_modem_that_answers_by_itself_is_told_so_and_not_told_to_answer() -> None:
    talk = answering(rings=3, answers_itself=True)
    assert talk.sent().endswith(b"S0=3\r")
    talk.hear(*[b"RING\r\n"] * 3)
    assert b"ATA" not in talk.sent()
    assert talk.hear(b"CONNECT 2400\r\n").state is DialogueState.CONNECTED


def test_a_modem_that_waits_is_asked_whether_it_is_there() -> None:
    talk = answering().wait(PROBE_S + 0.1)
    assert talk.sent().endswith(b"AT\r")
    talk.hear(b"\r\nOK\r\n").wait(PROBE_S + 0.1)
    assert talk.sent().endswith(b"AT\rAT\r")
    assert talk.wait(3).loss().cause is LossCause.NO_MODEM


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "0800-RECHARGE"},
        {"number": "1" * 65},
        {"number": "1;H"},
        {"number": "1\rATH"},
        {"init": "&F"},
        {"init": "AT\rATD1"},
        {"init": "AT" + "x" * 300},
        {"rings": 0},
        {"rings": 256},
        {"wait_s": 0},
        {"guard_s": -1.0},
        {"command_s": float("nan")},
    ],
)
def test_settings_that_no_modem_understands_are_refused(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(LineError):
        ModemSettings(**wrong)  # type: ignore[arg-type]
