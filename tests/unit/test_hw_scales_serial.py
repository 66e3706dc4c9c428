"""A serial scale that is late, noisy or gone gives faults, never a wrong weight.

In memory first, where no time passes; then the same over real terminals.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.clock import MemoryMonotonicClock, SystemMonotonicClock
from hw.ports.settings import BAUD_RATES, Parity
from hw.scales.port import Scale, ScaleFault, Weight
from hw.scales.responder import ScaleResponder
from hw.scales.serial import DEFAULT, ScaleTimeouts, SerialScale
from hw.scales.serial_port import (
    MemoryPort,
    PortError,
    SerialSettings,
    SystemPort,
)
from hw.scales.simulated import SimulatedScale
from tests.scale_terminal import FarEnd, ScaleTerminal

NUMBER = b'I4 A "B021002593"\r\n'
LONG = ScaleTimeouts(answer_s=60.0, rest_s=60.0, cancel_s=60.0)
SHORT = ScaleTimeouts(answer_s=0.05, rest_s=0.05, cancel_s=0.05)


class Script:
    """A far end that gives prepared answers, one for each command, and keeps these."""

    def __init__(self, answers: Iterable[bytes]) -> None:
        self._answers = list(answers)
        self.asked: list[bytes] = []

    def receive(self, octets: bytes) -> bytes:
        self.asked.append(octets)
        return self._answers.pop(0) if self._answers else b""


class Bench:
    """A scale over a port in memory, and what happens at both ends."""

    def __init__(self, *answers: bytes) -> None:
        self.script = Script(answers)
        self.clock = MemoryMonotonicClock()
        self.ports: list[MemoryPort] = []
        self.scale = SerialScale(self._open, self.clock)

    def _open(self) -> MemoryPort:
        self.ports.append(MemoryPort(self.script.receive, self.clock))
        return self.ports[-1]


def test_a_scale_is_asked_who_it_is_and_then_only_for_weights() -> None:
    bench = Bench(NUMBER, b"S S      18.40 g\r\n", b"S S      19.40 g\r\n", b"Z A\r\n")
    assert bench.scale.serial_number is None
    assert bench.scale.weigh() == Weight(19, stable=True)
    assert bench.scale.serial_number == "B021002593"
    assert bench.scale.weigh_stable() == Weight(20, stable=True)
    assert bench.scale.zero() is None
    assert bench.script.asked == [b"@\r\n", b"SI\r\n", b"S\r\n", b"Z\r\n"]
    assert bench.clock.now() == 0.0


def test_nothing_is_opened_before_the_scale_is_asked() -> None:
    assert Bench().ports == []


def test_an_answer_that_comes_too_late_is_not_the_weight_of_the_next_letter() -> None:
    late = b"S S      18.40 g\r\n"
    bench = Bench(NUMBER, b"", late + NUMBER, b"S S     250.00 g\r\n")
    assert bench.scale.weigh() is ScaleFault.NO_ANSWER
    assert bench.clock.now() == DEFAULT.answer_s
    assert bench.scale.weigh() == Weight(250, stable=True)
    assert bench.script.asked == [b"@\r\n", b"SI\r\n", b"@\r\n", b"SI\r\n"]


def test_an_old_serial_number_is_no_weight_either() -> None:
    bench = Bench(b"", NUMBER, NUMBER, NUMBER, b"S S     250.00 g\r\n")
    assert bench.scale.weigh() is ScaleFault.NO_ANSWER
    assert bench.scale.weigh() is ScaleFault.GARBLED
    assert bench.scale.weigh() == Weight(250, stable=True)


def test_what_was_printed_with_a_key_of_the_scale_is_not_the_answer() -> None:
    bench = Bench(NUMBER, b"S S      18.40 g\r\n", b"S S     250.00 g\r\n")
    assert bench.scale.weigh() == Weight(19, stable=True)
    bench.ports[0].arrive(b"S S      99.00 g\r\n")
    assert bench.scale.weigh() == Weight(250, stable=True)


def test_after_two_answers_for_one_the_scale_is_cancelled() -> None:
    # A key of the scale was pressed while it was asked.
    two = b"S S      18.40 g\r\nS S      18.40 g\r\n"
    bench = Bench(NUMBER, two, NUMBER, b"S S     250.00 g\r\n")
    assert bench.scale.weigh() == Weight(19, stable=True)
    assert bench.scale.weigh() == Weight(250, stable=True)
    assert bench.script.asked == [b"@\r\n", b"SI\r\n", b"@\r\n", b"SI\r\n"]


def test_after_garbage_the_scale_is_cancelled_before_it_is_asked_again() -> None:
    bench = Bench(NUMBER, b"S S  18\xb3.40 g\r\n", NUMBER, b"S S      18.40 g\r\n")
    assert bench.scale.weigh() is ScaleFault.GARBLED
    assert bench.scale.weigh() == Weight(19, stable=True)
    assert bench.script.asked == [b"@\r\n", b"SI\r\n", b"@\r\n", b"SI\r\n"]


def test_half_an_answer_is_garbled_when_the_time_is_over() -> None:
    bench = Bench(NUMBER, b"S S      18.4")
    assert bench.scale.weigh() is ScaleFault.GARBLED
    assert bench.clock.now() == DEFAULT.answer_s


def test_a_fault_of_the_scale_leaves_it_in_step() -> None:
    bench = Bench(NUMBER, b"S +\r\n", b"S I\r\n", b"S S Error 10b\r\n", b"EL\r\n")
    assert bench.scale.weigh() is ScaleFault.OVERLOAD
    assert bench.scale.weigh_stable() is ScaleFault.UNSTABLE
    assert bench.scale.weigh() is ScaleFault.DEFECTIVE
    assert bench.scale.zero() is ScaleFault.REFUSED
    assert bench.script.asked.count(b"@\r\n") == 1


def test_a_stable_weight_that_is_not_stable_is_not_believed() -> None:
    bench = Bench(NUMBER, b"S D      18.40 g\r\n")
    assert bench.scale.weigh_stable() is ScaleFault.UNSTABLE


def test_a_port_that_echoes_is_no_scale() -> None:
    clock = MemoryMonotonicClock()
    scale = SerialScale(lambda: MemoryPort(lambda octets: octets, clock), clock)
    assert scale.weigh() is ScaleFault.GARBLED


@pytest.mark.parametrize("noise", [b"x" * 100, b"\n", b"S S 18.40 g\r\n"])
def test_a_port_that_never_falls_silent_is_given_up(noise: bytes) -> None:
    class Endless(MemoryPort):
        def read(self, timeout_s: float) -> bytes:
            return noise

    clock = MemoryMonotonicClock()
    scale = SerialScale(lambda: Endless(lambda _: b"", clock), clock)
    assert scale.weigh() is ScaleFault.GARBLED
    assert scale.zero() is ScaleFault.GARBLED


def test_a_scale_that_is_pulled_out_and_put_back_weighs_again() -> None:
    bench = Bench(NUMBER, b"S S 18 g\r\n", NUMBER, b"S S 18 g\r\n")
    assert bench.scale.weigh() == Weight(18, stable=True)
    bench.ports[0].pull_out()
    assert bench.scale.weigh() is ScaleFault.NO_ANSWER
    assert bench.scale.trouble == "the port in memory was pulled out"
    assert bench.scale.weigh() == Weight(18, stable=True)
    assert bench.scale.trouble == ""
    assert len(bench.ports) == 2


def test_a_port_that_cannot_be_opened_is_a_scale_that_does_not_answer() -> None:
    def open_port() -> MemoryPort:
        message = "there is none"
        raise PortError(message)

    scale = SerialScale(open_port, MemoryMonotonicClock())
    assert scale.weigh() is ScaleFault.NO_ANSWER
    assert scale.zero() is ScaleFault.NO_ANSWER
    assert scale.trouble == "there is none"
    scale.close()


ANSWERS = st.lists(
    st.binary(max_size=60)
    | st.sampled_from([NUMBER, b"S S 18.40 g\r\n", b"S S 1", b"ET\r\n", b"Z A\r\n"]),
    max_size=12,
)
ASKS: list[Callable[[Scale], object]] = [
    lambda scale: scale.weigh(),
    lambda scale: scale.weigh_stable(),
    lambda scale: scale.zero(),
]


@given(ANSWERS, st.lists(st.sampled_from(ASKS), max_size=8))
def test_whatever_a_scale_sends_is_a_reading_in_bounded_time(
    answers: list[bytes], asks: list[Callable[[Scale], object]]
) -> None:
    bench = Bench(*answers)
    for ask in asks:
        began = bench.clock.now()
        assert isinstance(ask(bench.scale), Weight | ScaleFault | None)
        assert bench.clock.now() - began <= DEFAULT.cancel_s + DEFAULT.rest_s


def real_scale(device: str | Path, timeouts: ScaleTimeouts = LONG) -> SerialScale:
    settings = SerialSettings(str(device))
    return SerialScale(lambda: SystemPort(settings), SystemMonotonicClock(), timeouts)


def test_a_terminal_that_is_pulled_out_and_put_back_weighs_again(
    tmp_path: Path,
) -> None:
    pan = SimulatedScale()
    pan.put(18)
    device = tmp_path / "scale"
    scale = real_scale(device)
    assert scale.weigh() is ScaleFault.NO_ANSWER
    assert "No such file" in scale.trouble
    for _ in range(2):
        with ScaleTerminal(ScaleResponder(pan)) as terminal:
            device.symlink_to(terminal.device)
            assert scale.weigh() == Weight(18, stable=True)
        assert scale.weigh() is ScaleFault.NO_ANSWER
        assert scale.trouble
        device.unlink()
    scale.close()


@pytest.mark.parametrize("name", ["folder", "file"])
def test_what_is_no_serial_port_is_a_scale_that_does_not_answer(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    scale = real_scale(tmp_path / name)
    assert scale.weigh() is ScaleFault.NO_ANSWER
    assert str(tmp_path / name) in scale.trouble


def test_a_port_that_another_program_has_is_not_shared() -> None:
    with ScaleTerminal(ScaleResponder(SimulatedScale())) as terminal:
        first, second = real_scale(terminal.device), real_scale(terminal.device)
        assert first.weigh() == Weight(0, stable=True)
        assert second.weigh() is ScaleFault.NO_ANSWER
        assert "lock" in second.trouble
        first.close()
        assert second.weigh() == Weight(0, stable=True)
        second.close()


@pytest.mark.parametrize("baud", BAUD_RATES)
def test_a_port_takes_every_rate_that_a_scale_may_have(baud: int) -> None:
    with ScaleTerminal(ScaleResponder(SimulatedScale())) as terminal:
        settings = SerialSettings(terminal.device, baud)
        scale = SerialScale(lambda: SystemPort(settings), SystemMonotonicClock(), LONG)
        assert scale.weigh() == Weight(0, stable=True)
        scale.close()


@pytest.mark.parametrize("settings", [{"data_bits": 7}, {"parity": Parity.EVEN}])
def test_a_port_that_cannot_be_set_so_is_a_scale_that_does_not_answer(
    settings: dict[str, Any],
) -> None:
    # A pseudo-terminal has neither seven bits nor parity, and says so.
    with ScaleTerminal(ScaleResponder(SimulatedScale())) as terminal:
        wrong = SerialSettings(terminal.device, **settings)
        scale = SerialScale(lambda: SystemPort(wrong), SystemMonotonicClock(), LONG)
        assert scale.weigh() is ScaleFault.NO_ANSWER
        assert terminal.device in scale.trouble


@pytest.mark.parametrize(
    "noise",
    [
        b"x" * 3000,
        b"\n" * 3000,
        b"S S      18.40 g\r\n" * 200,
        b"\x11\x13\x00\xff\x1a\x04",
    ],
)
def test_a_terminal_full_of_noise_gives_faults(noise: bytes) -> None:
    class Noise:
        def receive(self, octets: bytes) -> bytes:
            return noise

    far_end: FarEnd = Noise()
    with ScaleTerminal(far_end) as terminal:
        scale = real_scale(terminal.device, SHORT)
        for _ in range(3):
            assert scale.weigh() in {ScaleFault.GARBLED, ScaleFault.NO_ANSWER}
        scale.close()
