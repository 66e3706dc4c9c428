"""`within=` is what it says: what brings nothing new does not begin a wait anew."""

import pytest

from hw.lab.catalogue import Case, Ends
from hw.lab.player import Player
from hw.lab.steps import parse_step
from hw.lab.stopping import StepStoppedError
from hw.lab.verdicts import Level
from protocol.link import Role
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.lab.virtual_time import run


def took_s(*steps: str) -> tuple[float, str]:
    """How long the last of these steps took, and what stopped it."""
    stand = machine_stand()
    parsed = tuple(parse_step(text) for text in steps)
    case = Case(
        "TRY", "LINK-1", Role.MACHINE, Level.MUST, "", "", (), parsed, Ends.NOTHING
    )
    player = Player(stand.bench, stand.bench.side, case)

    async def play() -> tuple[float, str]:
        began_s, stopped = 0.0, ""
        for step in parsed:
            began_s, stopped = stand.clock.seconds(), ""
            try:
                await player.carry_out(step)
            except StepStoppedError as stop:
                stopped = stop.reason
        lasted_s = stand.clock.seconds() - began_s
        await player.hang_up()
        return lasted_s, stopped

    return run(stand.clock, play())


def test_a_machine_that_sets_its_link_up_again_and_again_does_not_lengthen_a_wait() -> (
    None
):
    """Nobody answers its SABM: nine of them, 3 s apart, made 27 s of 5."""
    lasted_s, stopped = took_s("dial inspection by-frames", "take GREETING_1 within=5")
    assert stopped == "take GREETING_1 within=5: nothing came"
    assert lasted_s == pytest.approx(5.0, abs=0.1)


def test_a_poll_does_not_lengthen_a_wait() -> None:
    """The machine's GREETING_1 is not acknowledged: it polls after T1."""
    lasted_s, stopped = took_s(
        "dial inspection by-frames",
        "frame up",
        "frame take I ns=0 nr=0",
        "take GREETING_1",
        "take nothing within=5",
    )
    assert stopped == ""
    assert lasted_s == pytest.approx(5.0, abs=0.1)


def test_what_is_still_on_its_way_is_waited_for() -> None:
    """4,096 octets go out as the window allows; each acknowledgement is news."""
    lasted_s, stopped = took_s(
        "dial inspection by-frames",
        "frame up",
        "frame take I ns=0 nr=0",
        "take GREETING_1",
        "frame send RR",
        "frame say 4096",
        "take ERROR within=1",
    )
    assert (stopped, lasted_s > 1) == ("", True)
