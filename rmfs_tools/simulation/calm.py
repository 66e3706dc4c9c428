"""Calm: nothing more befalls a world, and everything in it has to come to rest.

Machines are switched on, the server runs, the fund files are all brought, a person ends
what the evidence allows to end. Then every honest machine dials until nothing is
pending and its books are closed, within a bound; every suspect one dials as often, so
that whatever its cheating shows is found.
"""

from typing import Final

from fm_device.dial_in import DialInReport
from rmfs_server.store.verify import verify_books
from rmfs_tools.simulation.acting import Acting
from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.deeds import DialIn
from rmfs_tools.simulation.observations import CalmBegan, Rested
from rmfs_tools.simulation.world import World

DIAL_INS_MAX: Final = 8
"""Dial-ins in which a machine has to come to rest."""
_SETTLES_S: Final = 1_800.0
"""How long what is under way may take to end: a whole call, and its redials."""
_DIAL_IN_S: Final = 1_200.0
_BETWEEN_S: Final = 90.0


def come_to_rest(world: World, acting: Acting) -> None:
    """Let a world come to rest, and see that it does.

    What does not is told to the oracle, or noted as a violation.
    """
    _end_faults(world, acting)
    world.pass_until(world.seconds() + _SETTLES_S)
    world.tell(CalmBegan(world.seconds()))
    world.department.bring_all(world.server.store)
    acting.people.resolve_what_is_proposed()
    for body in world.bodies.values():
        acting.lives.enrol(body)
    for body in list(world.bodies.values()):
        _rest(world, acting, body)
    acting.people.explain_suspense()
    world.end()
    _verify(world)


def _end_faults(world: World, acting: Acting) -> None:
    world.server.kill_at(None)
    world.desk.troubles.end()
    world.telephone.calm()
    world.server_stays_down(0.0)
    for body in world.bodies.values():
        body.strike(None)
        acting.powering.switch_on(body)
    if world.server.exchange is None:
        world.server.start()


def _rest(world: World, acting: Acting, body: Body) -> None:
    dial_ins, finished = 0, False
    while dial_ins < DIAL_INS_MAX and not finished:
        dial_ins += 1
        finished = _is_done(world, body, _dial(world, acting, body))
        if not finished:
            world.pass_until(world.seconds() + _BETWEEN_S)
            acting.people.resolve_what_is_proposed()
    world.tell(Rested(world.seconds(), body.name, body.licence, dial_ins, finished))


def _dial(world: World, acting: Acting, body: Body) -> DialInReport | None:
    """Dial in once and wait for the end; None when nothing came of it."""
    reports: list[DialInReport | None] = []
    acting.operating.dial(body, DialIn(world.seconds(), body.name), reports.append)
    world.pass_while(lambda: not reports, world.seconds() + _DIAL_IN_S)
    return reports[0] if reports else None


def _is_done(world: World, body: Body, report: DialInReport | None) -> bool:
    return (
        report is not None
        and report.receipt is not None
        and report.pending is None
        and body.licence not in world.frozen
    )


def _verify(world: World) -> None:
    """Let the product look at its own books, as `rmfs server verify` does."""
    with world.server.store.reading() as connection:
        for finding in verify_books(connection):
            world.find("LEDGER-VERIFY", str(finding))
    if any(body.is_suspect for body in world.bodies.values()) or world.restored:
        return
    for refused in world.server.refused:
        world.find("BOOKS-REFUSED", refused)
