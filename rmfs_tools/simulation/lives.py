"""The new lives of machines, and what a person does for them at the server.

A person keeps what the maker signed as each life began. Where an old copy of the books
was put back, the lives are enrolled again in their order; a former life that the copy
holds for in use is closed first, by the file of the next one.
"""

from dataclasses import dataclass
from functools import partial

from hw.entropy import SeededEntropy
from hw.nvram import PowerCutError
from protocol.errors import LocalProtocolError
from protocol.keys import MachineProvisioning
from protocol.values import LicenceIdentifier
from rmfs_server.former_life import FormerLives
from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.deeds import NewLife
from rmfs_tools.simulation.people import People
from rmfs_tools.simulation.powering import Powering
from rmfs_tools.simulation.setting import Papers
from rmfs_tools.simulation.world import World


@dataclass(frozen=True, slots=True)
class LifeFile:
    """What the maker signed as a life began, and whose life it was before.

    Attributes:
        made: The MACHINE file.
        papers: Its licence.
        former: The licence of the life before it.
    """

    made: MachineProvisioning
    papers: Papers
    former: LicenceIdentifier


class Lives:
    """Begins new lives, and enrols them."""

    def __init__(self, world: World, powering: Powering, people: People) -> None:
        """Begin with no life but the first of each machine.

        Args:
            world: Where they are.
            powering: Takes a machine whose power fails meanwhile.
            people: Ask the server.
        """
        self._world = world
        self._powering = powering
        self._people = people
        self._files: dict[LicenceIdentifier, LifeFile] = {}
        self._enrolled: set[LicenceIdentifier] = set()
        self._enrolled_in_backup: set[LicenceIdentifier] = set()

    def begin(self, deed: NewLife) -> None:
        """Give a withdrawn machine a new life, and enrol it."""
        world, body = self._world, self._world.ready(deed.body)
        if body is None or body.machine is None or not body.is_enrolled:
            return
        licence = body.next_licence
        if licence in self._files:
            # An old image was put back; the maker gives no name a second time.
            return
        entropy = SeededEntropy(f"{world.plan.seed} life {licence}".encode())
        try:
            body.machine.psd.reinitialise(licence, entropy)
        except LocalProtocolError:
            world.counts["a new life refused by the machine"] += 1
            return
        except PowerCutError:
            self._powering.lose(body)
            return
        body.begin_life()
        body.look()
        world.counts["new life begun"] += 1
        self.enrol(body)

    def enrol(self, body: Body) -> None:
        """Enrol the new life of a machine, if the server does not know it yet."""
        machine, licence = body.machine, body.licence
        if body.is_enrolled or machine is None:
            return
        if licence not in self._files:
            made = machine.psd.provisioning(self._world.clock.now())
            self._files[licence] = LifeFile(made, body.papers, body.former_licence)
        body.is_enrolled = self._enrol(self._files[licence])

    def backed_up(self) -> None:
        """Note that the books were copied."""
        self._enrolled_in_backup = set(self._enrolled)

    def put_back(self) -> None:
        """Enrol again what the copy does not know."""
        self._enrolled = set(self._enrolled_in_backup)
        for licence, file in self._files.items():
            known = licence in self._enrolled or self._enrol(file)
            for body in self._world.bodies.values():
                if body.licence == licence:
                    body.is_enrolled = known

    def _enrol(self, file: LifeFile) -> bool:
        world, licence = self._world, file.papers.identifier
        administration, by = world.server.administration, world.by("a new life")
        enrol = partial(administration.enrol, file.made, file.papers.new, by)
        done = self._people.ask(enrol)
        if done is None and world.restored and self._close(file):
            done = self._people.ask(enrol)
        if done is None:
            return False
        self._enrolled.add(licence)
        allow = partial(administration.set_licence, licence, by, refund_allowed=True)
        self._people.ask(allow)
        return True

    def _close(self, file: LifeFile) -> bool:
        """Close the former life, which these books hold for in use."""
        world, server = self._world, self._world.server
        by = world.by("the copy is older than its withdrawal")
        lives = FormerLives(server.store, server.resolving)
        close = partial(lives.close, file.former, file.made, by, old_copy=True)
        if not self._people.decide(file.former, close, "CLOSE"):
            return False
        world.counts["former life closed"] += 1
        return True
