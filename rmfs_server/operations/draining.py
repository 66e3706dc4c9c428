"""Letting a server on this computer end, and waiting for it."""

from pathlib import Path

from hw.clock import MonotonicClock, SystemMonotonicClock
from rmfs_server.operations.asking import Door, Draining, NoAnswerError, doors


def drain_server(
    folder: Path, wait_s: float, clock: MonotonicClock | None = None
) -> tuple[list[Door], list[Door]]:
    """Ask every process to drain, and wait for their end.

    Args:
        folder: The server's folder.
        wait_s: How long at most, for all.
        clock: For the wait; None: the system's.

    Returns:
        The processes that were asked, and those of them that go on.
    """
    time = clock or SystemMonotonicClock()
    until = time.now() + wait_s
    asked = []
    for door in doors(folder):
        try:
            asked.append(Draining(folder, door))
        except NoAnswerError:
            continue
    left = [one.door for one in asked if not one.ends(until - time.now())]
    for one in asked:
        one.let_go()
    return [one.door for one in asked], left
