"""Calls over modems that are dropped, cut and pulled out at any moment.

Every user hears of the loss of its line exactly once, and the next call finds modems
that work.
"""

from random import Random

import pytest

from hw.lines.port import Call
from tests.line_user import EchoUser, RecordingUser
from tests.modem_desk import ModemDesk
from tests.unit.test_modem_lines import World

CALLS = 4


def strike(random: Random, world: World, call: Call, answered: list[EchoUser]) -> None:
    """Do to a call what happens to calls."""
    latest = world.network.latest
    match random.choice(["drop", "cut", "unplug 0", "unplug 1", "answering end", ""]):
        case "drop":
            call.drop()
        case "cut" if latest is not None:
            latest.cut()
        case "unplug 0":
            world.desks[0].pair.unplug()
        case "unplug 1":
            world.desks[1].pair.unplug()
        case "answering end" if answered and answered[-1].lines:
            answered[-1].line.drop()


def mend(desks: list[ModemDesk]) -> None:
    for desk in desks:
        if not desk.pair.plugged:
            desk.pair.plug_in()
            desk.pair.attach(desk.modem)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_to_calls_the_next_one_is_answered(seed: int) -> None:
    random = Random(seed)
    world = World(has_circuits=random.random() < 0.5)
    answered: list[EchoUser] = []

    def answer(_caller: str) -> EchoUser:
        answered.append(EchoUser())
        return answered[-1]

    world.listener(answers_itself=random.random() < 0.3).listen(answer)
    desk = world.desks[0]
    desk.wait(3)
    for _ in range(CALLS):
        user = RecordingUser()
        call = world.dialler().dial(user)
        desk.wait(random.uniform(0, 30))
        if user.lines:
            user.line.send(bytes(random.randrange(3000)))
        desk.wait(random.uniform(0, 3))
        strike(random, world, call, answered)
        desk.wait(random.uniform(0, 5))
        call.drop()
        desk.wait(120)
        assert user.story.count("lost") == 1
        assert user.story[-1] == "lost"
        mend(world.desks)
        desk.wait(15)
    last = world.dial()
    desk.wait(60)
    assert last.story == ["up"]
    assert all(one.story.count("up") == 1 for one in answered)
    assert all(one.story.count("lost") == 1 for one in answered[:-1])
