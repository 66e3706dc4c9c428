"""Doing to a world what its plan says, one deed at a time.

A deed that cannot be done, such as dialling with a machine that has no power, is not
done: that is counted, and is no fault of the plan.
"""

from collections.abc import Callable
from typing import Any

from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.cheating import Cheating
from rmfs_tools.simulation.deeds import Deed
from rmfs_tools.simulation.lives import Lives
from rmfs_tools.simulation.operating import Operating
from rmfs_tools.simulation.outages import Outages
from rmfs_tools.simulation.people import People
from rmfs_tools.simulation.powering import Powering
from rmfs_tools.simulation.world import World


class Acting:
    """Does deeds to one world.

    Attributes:
        powering: Power and clocks of its machines.
        operating: Their operators.
        people: Who stands at the server.
        lives: The new lives of machines.
    """

    def __init__(self, world: World) -> None:
        """Act on this world."""
        self._world = world
        self.powering = powering = Powering(world)
        self.operating = operating = Operating(world, powering)
        self.people = people = People(world)
        self.lives = lives = Lives(world, powering, people)
        cheating = Cheating(world, powering)
        outages = Outages(world, lives)
        self._do: dict[type[Deed], Callable[[Any], None]] = {
            deeds.Mail: operating.frank,
            deeds.DialIn: operating.dial_in,
            deeds.PowerFails: powering.fail_at_a_write,
            deeds.PlugPulled: powering.pull_the_plug,
            deeds.ClockJumps: powering.jump,
            deeds.NewLife: lives.begin,
            deeds.ImageKept: cheating.keep_image,
            deeds.ImageRestored: cheating.restore_image,
            deeds.Cloned: cheating.clone,
            deeds.RegistersForged: cheating.forge,
            deeds.RecordingReplayed: cheating.replay,
            deeds.ServerDies: outages.kill,
            deeds.DatabaseTrouble: outages.trouble,
            deeds.BackupMade: outages.back_up,
            deeds.BackupRestored: outages.restore,
            deeds.FundFileCame: people.bring,
            deeds.VoidGiven: people.void,
            deeds.LicenceSet: people.set_licence,
            deeds.OrderGiven: people.order,
            deeds.PersonLooks: people.look,
        }

    def act(self, deed: Deed) -> None:
        """Do one deed, now."""
        self._world.history.note(self._world.seconds(), str(deed))
        self._do[type(deed)](deed)
