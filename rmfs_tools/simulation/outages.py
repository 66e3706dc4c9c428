"""What befalls the server: it is killed, its database is in trouble or put back."""

from rmfs_tools.simulation.deeds import (
    BackupMade,
    BackupRestored,
    DatabaseTrouble,
    ServerDies,
)
from rmfs_tools.simulation.lives import Lives
from rmfs_tools.simulation.world import World


class Outages:
    """The troubles of the server of one world."""

    def __init__(self, world: World, lives: Lives) -> None:
        """Trouble the server of this world.

        Args:
            world: It.
            lives: Enrols again what an old copy of the books does not know.
        """
        self._world = world
        self._lives = lives

    def kill(self, deed: ServerDies) -> None:
        """Kill the server, now or at a commit."""
        world = self._world
        if world.server.exchange is None:
            return
        world.server_stays_down(deed.down_s)
        if deed.at_commit:
            world.server.kill_at(deed)
        else:
            world.kill_server(deed.down_s)

    def trouble(self, deed: DatabaseTrouble) -> None:
        """Have the database in trouble for a while."""
        world = self._world
        world.desk.troubles.begin(deed)
        world.reactor.callLater(deed.for_s, world.desk.troubles.end)

    def back_up(self, _deed: BackupMade) -> None:
        """Copy the books, if the server runs."""
        world = self._world
        if world.server.exchange is not None:
            world.backup = world.desk.backup()
            self._lives.backed_up()

    def restore(self, _deed: BackupRestored) -> None:
        """Put the copy back, and bring what it does not know again."""
        world = self._world
        if world.backup is None:
            return
        world.desk.troubles.end()
        world.restore(world.backup)
        self._lives.put_back()
        world.department.bring_all(world.server.store, again=True)
