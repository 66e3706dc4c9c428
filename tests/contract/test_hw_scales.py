"""Every scale weighs, rounds, fails and comes back alike.

One simulated scale stands at the bottom of each: it is asked directly, or over
MT-SICS through a port in memory, or over MT-SICS through a pseudo-terminal.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from hw.clock import MemoryMonotonicClock, SystemMonotonicClock
from hw.scales.port import GRAMS_MAX, Scale, ScaleFault, Weight
from hw.scales.responder import ScaleResponder
from hw.scales.serial import ScaleTimeouts, SerialScale
from hw.scales.serial_port import MemoryPort, SerialSettings, SystemPort
from hw.scales.simulated import SimulatedScale
from tests.scale_terminal import ScaleTerminal

# Long enough for an answer on a busy machine; silence is the one case that waits.
TIMEOUTS = ScaleTimeouts(answer_s=5.0, rest_s=5.0, cancel_s=5.0)
SHORT = ScaleTimeouts(answer_s=0.05, rest_s=0.05, cancel_s=0.05)


@pytest.fixture
def pan() -> SimulatedScale:
    return SimulatedScale()


@pytest.fixture(params=["simulated", "memory port", "terminal"])
def scale(request: pytest.FixtureRequest, pan: SimulatedScale) -> Iterator[Scale]:
    if request.param == "simulated":
        yield pan
    elif request.param == "memory port":
        clock = MemoryMonotonicClock()
        responder = ScaleResponder(pan)
        yield SerialScale(lambda: MemoryPort(responder.receive, clock), clock)
    else:
        with ScaleTerminal(ScaleResponder(pan)) as terminal:
            settings = SerialSettings(terminal.device)
            real = SerialScale(
                lambda: SystemPort(settings), SystemMonotonicClock(), TIMEOUTS
            )
            yield real
            real.close()


def test_an_empty_scale_weighs_nothing_and_rests(scale: Scale) -> None:
    assert scale.weigh() == Weight(0, stable=True)
    assert scale.weigh_stable() == Weight(0, stable=True)


@pytest.mark.parametrize(
    ("on_the_pan", "grams"),
    [("18.40", 19), ("20", 20), ("20.01", 21), ("0.01", 1), ("4999.99", 5000)],
)
def test_grams_are_rounded_up(
    scale: Scale, pan: SimulatedScale, on_the_pan: str, grams: int
) -> None:
    pan.put(Decimal(on_the_pan))
    assert scale.weigh() == Weight(grams, stable=True)
    assert scale.weigh_stable() == Weight(grams, stable=True)


def test_each_letter_has_its_own_weight(scale: Scale, pan: SimulatedScale) -> None:
    readings = []
    for grams in (18, 250, 3):
        pan.put(grams)
        readings.append(scale.weigh())
    pan.remove()
    readings.append(scale.weigh())
    assert readings == [Weight(grams, stable=True) for grams in (18, 250, 3, 0)]


def test_a_shaken_scale_shows_a_weight_that_is_not_stable(
    scale: Scale, pan: SimulatedScale
) -> None:
    pan.put(18)
    pan.shake(2)
    assert scale.weigh() == Weight(18, stable=False)
    assert scale.weigh_stable() is ScaleFault.UNSTABLE
    assert scale.weigh_stable() == Weight(18, stable=True)


def test_more_than_the_scale_can_weigh_is_an_overload(
    scale: Scale, pan: SimulatedScale
) -> None:
    pan.put(5001)
    assert scale.weigh() is ScaleFault.OVERLOAD
    pan.put(5000)
    assert scale.weigh() == Weight(5000, stable=True)


def test_a_drifted_scale_wants_its_zero_before_it_weighs_too_light(
    scale: Scale, pan: SimulatedScale
) -> None:
    pan.drift(Decimal("-0.5"))
    assert scale.weigh() is ScaleFault.NOT_ZERO
    pan.drift(Decimal(0))
    assert scale.weigh_stable() is ScaleFault.NOT_ZERO
    assert scale.zero() is None
    assert scale.weigh() == Weight(0, stable=True)
    pan.put(18)
    assert scale.weigh() == Weight(18, stable=True)


def test_a_hand_that_lifts_the_pan_is_no_wrong_zero(
    scale: Scale, pan: SimulatedScale
) -> None:
    pan.put(-5)
    pan.shake(1)
    assert scale.weigh() is ScaleFault.UNSTABLE


def test_a_pan_that_is_away_is_an_underload(scale: Scale, pan: SimulatedScale) -> None:
    pan.put(-101)
    assert scale.weigh() is ScaleFault.UNDERLOAD


def test_a_letter_is_not_taken_for_zero(scale: Scale, pan: SimulatedScale) -> None:
    pan.put(101)
    assert scale.zero() is ScaleFault.NOT_ZERO
    assert scale.weigh() == Weight(101, stable=True)


def test_an_envelope_may_be_taken_for_zero(scale: Scale, pan: SimulatedScale) -> None:
    pan.put(100)
    assert scale.zero() is None
    pan.put(112)
    assert scale.weigh() == Weight(12, stable=True)


def test_a_shaken_scale_is_not_zeroed(scale: Scale, pan: SimulatedScale) -> None:
    pan.put(3)
    pan.shake(1)
    assert scale.zero() is ScaleFault.UNSTABLE
    assert scale.weigh() == Weight(3, stable=True)


@pytest.mark.parametrize(
    "fault", [fault for fault in ScaleFault if fault is not ScaleFault.NO_ANSWER]
)
@pytest.mark.parametrize(
    "ask", [lambda scale: scale.weigh(), lambda scale: scale.weigh_stable()]
)
def test_every_fault_is_told_and_passes(
    scale: Scale,
    pan: SimulatedScale,
    fault: ScaleFault,
    ask: Callable[[Scale], object],
) -> None:
    pan.put(18)
    pan.fail(fault, readings=1)
    assert ask(scale) is fault
    assert ask(scale) == Weight(18, stable=True)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (ScaleFault.GARBLED, ScaleFault.GARBLED),
        (ScaleFault.OVERLOAD, ScaleFault.NOT_ZERO),
        (ScaleFault.UNDERLOAD, ScaleFault.NOT_ZERO),
        (ScaleFault.NOT_ZERO, ScaleFault.NOT_ZERO),
        (ScaleFault.UNSTABLE, ScaleFault.UNSTABLE),
        (ScaleFault.WRONG_UNIT, None),
        (ScaleFault.REFUSED, ScaleFault.REFUSED),
        (ScaleFault.DEFECTIVE, ScaleFault.REFUSED),
    ],
)
def test_a_faulty_scale_says_why_it_is_not_zeroed(
    scale: Scale, pan: SimulatedScale, fault: ScaleFault, told: ScaleFault | None
) -> None:
    pan.fail(fault)
    assert scale.zero() is told
    pan.mend()
    assert scale.zero() is None


def test_a_scale_that_was_closed_is_taken_hold_of_again(
    scale: Scale, pan: SimulatedScale
) -> None:
    pan.put(18)
    assert scale.weigh() == Weight(18, stable=True)
    scale.close()
    scale.close()
    assert scale.weigh() == Weight(18, stable=True)


@pytest.mark.parametrize("kind", ["simulated", "memory port", "terminal"])
def test_a_scale_that_was_silent_weighs_again(pan: SimulatedScale, kind: str) -> None:
    # Apart from the others: through a terminal it waits for short time-outs, and an
    # answer may come after any of them. Then it must still be the right one.
    responder = ScaleResponder(pan)
    pan.put(18)
    pan.fail(ScaleFault.NO_ANSWER)
    if kind == "terminal":
        with ScaleTerminal(responder) as terminal:
            settings = SerialSettings(terminal.device)
            clock = SystemMonotonicClock()
            silent = SerialScale(lambda: SystemPort(settings), clock, SHORT)
            for ask in (silent.weigh, silent.weigh_stable, silent.zero):
                assert ask() is ScaleFault.NO_ANSWER
            silent.close()
            pan.mend()
            heard = SerialScale(lambda: SystemPort(settings), clock, TIMEOUTS)
            assert heard.weigh() == Weight(18, stable=True)
            heard.close()
        return
    scale: Scale = pan
    if kind == "memory port":
        memory = MemoryMonotonicClock()
        scale = SerialScale(lambda: MemoryPort(responder.receive, memory), memory)
    for ask in (scale.weigh, scale.weigh_stable, scale.zero):
        assert ask() is ScaleFault.NO_ANSWER
    pan.mend()
    assert scale.weigh() == Weight(18, stable=True)


def test_no_weight_is_told_that_an_indicium_cannot_hold() -> None:
    pan = SimulatedScale(capacity_grams=100_000)
    clock = MemoryMonotonicClock()
    responder = ScaleResponder(pan)
    serial = SerialScale(lambda: MemoryPort(responder.receive, clock), clock)
    for scale in (pan, serial):
        pan.put(GRAMS_MAX)
        assert scale.weigh() == Weight(GRAMS_MAX, stable=True)
        pan.put(GRAMS_MAX + 1)
        assert scale.weigh() is ScaleFault.OVERLOAD
