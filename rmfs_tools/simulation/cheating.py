"""What no honest machine does to itself: copies, older images, forged registers."""

from fm_device.presets.applying import apply_preset
from fm_device.presets.reading import read_preset
from hw.nvram import MemoryNvram
from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.deeds import (
    Cloned,
    ImageKept,
    ImageRestored,
    RecordingReplayed,
    RegistersForged,
)
from rmfs_tools.simulation.observations import Cheated
from rmfs_tools.simulation.powering import Powering
from rmfs_tools.simulation.world import World


class Cheating:
    """Those who cheat in one world."""

    def __init__(self, world: World, powering: Powering) -> None:
        """Cheat with the machines of this world.

        Args:
            world: It.
            powering: Switches on what was changed.
        """
        self._world = world
        self._powering = powering

    def keep_image(self, deed: ImageKept) -> None:
        """Copy the memories of a machine."""
        body = self._world.bodies.get(deed.body)
        if body is not None:
            body.keep_image()

    def restore_image(self, deed: ImageRestored) -> None:
        """Put the copy back, if the machine has moved on since."""
        body = self._world.powered(deed.body)
        if body is None or body.image is None:
            return
        image = body.image
        if image.memories == body.memories:
            return
        self._powering.take(body)
        body.put_back(image)
        self._suspect(body, "image restored")
        self._powering.switch_on(body)

    def clone(self, deed: Cloned) -> None:
        """Put another machine with the same memories on another desk."""
        body = self._world.bodies.get(deed.body)
        if body is None or deed.clone in self._world.bodies:
            return
        self._suspect(body, "clone", deed.clone)
        clone = self._world.add_body(deed.clone, body.life, body.memories)
        clone.is_suspect = True
        self._powering.switch_on(clone)

    def forge(self, deed: RegistersForged) -> None:
        """Write registers into a machine that it never had."""
        body = self._world.ready(deed.body)
        if body is None or body.machine is None:
            return
        wanted = body.machine.record.registers.descending_paise + deed.by_paise
        if wanted < 0:
            return
        self._suspect(body, "forged")
        body.lose_power()
        psd, flash = body.memories
        memory = MemoryNvram(psd)
        preset = read_preset(
            f'title = "forged"\n[registers]\ndescending_paise = {wanted}\n'.encode()
        )
        apply_preset(memory, preset, body.battery.now())
        body.replace_memories((memory.image(), flash))
        self._powering.switch_on(body)

    def replay(self, deed: RecordingReplayed) -> None:
        """Dial the server and play what a machine sent in an earlier call."""
        self._world.telephone.replay(deed.body, self._world.server.generation)

    def _suspect(self, body: Body, how: str, copy: str = "") -> None:
        world = self._world
        world.counts[how] += 1
        body.is_suspect = True
        for other in world.bodies.values():
            if other.licence == body.licence:
                other.is_suspect = True
        world.tell(Cheated(world.seconds(), body.name, body.licence, how, copy))
