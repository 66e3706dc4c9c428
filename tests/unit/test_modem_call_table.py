"""The telephone side of the emulated modem: every state upon every event."""

import pytest
from twisted.internet.task import Clock

from hw.lines.port import LineLoss, LossCause
from hw.modem import call_table as table
from hw.modem.call_table import CALL_TABLE, CallState
from hw.modem.dial_string import DialString
from hw.modem.modem_call import ModemCall
from hw.modem.network import PhoneNetwork
from hw.modem.profile import Profile
from hw.modem.results import ResultCode

EVENTS = (
    table.DialOrdered(DialString("1", 0.1)),
    table.AnswerOrdered(),
    table.OffHookOrdered(),
    table.HangUpOrdered(),
    table.KeyTyped(),
    table.ToneHeard(),
    table.ToneMissed(),
    table.DialEnded(),
    table.DialPaused(),
    table.LineCameUp(),
    table.CallRefused(LineLoss(LossCause.BUSY)),
    table.ToneUnheard(),
    table.LineEnded(),
    table.TrainingEnded(),
    table.TimeRanOut(),
)
NO_RESULT = {CallState.ON_HOOK, CallState.OFF_HOOK}
BY_THE_TERMINAL = {table.HangUpOrdered, table.DialPaused, table.OffHookOrdered}


class Host:
    """What stands around a call: it writes down what it is told."""

    bit_s_max = 33_600

    def __init__(self) -> None:
        self.profile = Profile()
        self.results: list[ResultCode] = []

    def call_result(self, code: ResultCode, bit_s: int | None = None) -> None:
        self.results.append(code)

    def call_paused(self) -> None:
        pass

    def call_changed(self, state: CallState) -> None:
        pass

    def data_received(self, octets: bytes) -> None:
        pass


def test_the_table_knows_every_event_there_is() -> None:
    assert {row.event for row in CALL_TABLE.rows} == {type(one) for one in EVENTS}


@pytest.mark.parametrize("state", CallState)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_state_heeds_an_event_as_the_table_says_or_not_at_all(
    state: CallState, event: object
) -> None:
    clock = Clock()
    host = Host()
    call = ModemCall(clock, PhoneNetwork(clock).line("1"), host)
    call.state = state
    rows = [
        row
        for row in CALL_TABLE.rows
        if row.state is state and isinstance(event, row.event)
    ]
    assert call.feed(event) is bool(rows)
    if not rows:
        assert call.state is state
        assert not host.results
        assert not clock.getDelayedCalls()
        return
    assert call.state is rows[0].to
    # An attempt that ends by itself has one result; what the terminal ended has none.
    ended = rows[0].to is CallState.ON_HOOK and type(event) not in BY_THE_TERMINAL
    connected = rows[0].to is CallState.CONNECTED
    assert len(host.results) == (ended or connected)
    if rows[0].to in NO_RESULT:
        assert not clock.getDelayedCalls()


@pytest.mark.parametrize(
    "state", [state for state in CallState if state not in NO_RESULT]
)
def test_no_state_lasts_for_ever_and_every_one_can_be_hung_up(state: CallState) -> None:
    events = {row.event for row in CALL_TABLE.rows if row.state is state}
    assert table.HangUpOrdered in events
    by_time = {table.ToneHeard, table.DialEnded, table.TimeRanOut}
    assert events & by_time
