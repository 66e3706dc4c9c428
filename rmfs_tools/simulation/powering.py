"""Power and clocks of machines: where they fail, and how they come back."""

from typing import Final

from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.deeds import ClockJumps, PlugPulled, PowerFails
from rmfs_tools.simulation.supply import Strike
from rmfs_tools.simulation.world import World

_BOOT_AGAIN_S: Final = 5.0


class Powering:
    """The power of the machines of one world."""

    def __init__(self, world: World) -> None:
        """Begin with power everywhere."""
        self._world = world
        self._off_s: dict[str, float] = {}

    def fail_at_a_write(self, deed: PowerFails) -> None:
        """Have the power of a machine fail at one of its next writes."""
        body = self._world.bodies.get(deed.body)
        if body is None:
            return
        dice = self._world.dice.of("strike", deed.at_s, deed.body)
        self._off_s[deed.body] = deed.off_s
        body.strike(Strike(deed.at_write, deed.part, deed.torn, dice))

    def pull_the_plug(self, deed: PlugPulled) -> None:
        """Take the power of a machine away now."""
        body = self._world.powered(deed.body)
        if body is None:
            return
        what = "plug pulled in a dial-in" if body.dial_in else "plug pulled"
        self._world.counts[what] += 1
        self._off_s[deed.body] = deed.off_s
        self.lose(body)

    def lose(self, body: Body) -> None:
        """Let a machine be without power for a while."""
        world = self._world
        if body.has_failed:
            world.counts["power failed at a write"] += 1
        self.take(body)
        off_s = self._off_s.pop(body.name, _BOOT_AGAIN_S)
        world.reactor.callLater(off_s, self.switch_on, body)

    def take(self, body: Body) -> None:
        """Take the power of a machine away, and the line that it is on."""
        body.lose_power()
        self._world.telephone.cut_of(body.name)

    def switch_on(self, body: Body) -> None:
        """Give a machine power again, until it has started."""
        world = self._world
        if body.machine is not None or body.beyond_repair:
            return
        if body.switch_on():
            return
        if body.beyond_repair:
            world.find("DURABLE-1", f"machine {body.name}: {body.beyond_repair}")
            return
        world.counts["power failed while starting"] += 1
        world.reactor.callLater(_BOOT_AGAIN_S, self.switch_on, body)

    def jump(self, deed: ClockJumps) -> None:
        """Let the battery clock of a machine jump."""
        body = self._world.bodies.get(deed.body)
        if body is not None:
            self._world.counts["clock jumped"] += 1
            body.jump(deed.by_s)
