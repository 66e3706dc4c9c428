"""People at the server: the Department, the authority, and who looks into freezes.

What the product refuses a person, or fails to do, is counted; whether it was right to
is for the oracles.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from protocol.errors import RmfsError
from protocol.messages import LicenceState, OrderKind
from protocol.values import LicenceIdentifier
from rmfs_server.proposing import Action
from rmfs_server.suspense import Explaining
from rmfs_tools.simulation.deeds import (
    FundFileCame,
    LicenceSet,
    OrderGiven,
    PersonLooks,
    VoidGiven,
)
from rmfs_tools.simulation.observations import LicenceStated, PersonResolved
from rmfs_tools.simulation.world import World


class People:
    """The people at the server of one world."""

    def __init__(self, world: World) -> None:
        """Stand at the server of this world."""
        self._world = world

    def ask(self, job: Callable[[], Any]) -> Any:
        """Let a person do something; None when the product refused or failed."""
        try:
            return self._world.server.act(job)
        except RmfsError:
            self._world.counts["a person was refused"] += 1
            return None

    def decide(
        self, licence: LicenceIdentifier, job: Callable[[], Any], action: str
    ) -> bool:
        """Let a person decide about a licence; whether that was told to be done.

        A server that is killed meanwhile may have done it, and told nobody.
        """
        world = self._world
        was_up = world.server.exchange is not None
        done = self.ask(job) is not None
        if done or (was_up and world.server.exchange is None):
            world.tell(PersonResolved(world.seconds(), licence, action))
        return done

    # The Department and the authority.

    def bring(self, deed: FundFileCame) -> None:
        """Bring a fund file."""
        world = self._world
        self.ask(lambda: world.department.bring(deed, world.server.store))

    def void(self, deed: VoidGiven) -> None:
        """Take the voucher of a machine back."""
        body, world = self._world.bodies[deed.body], self._world
        by = world.by("taken back")
        if self.ask(lambda: world.server.administration.void(body.licence, by)):
            world.counts["VOID given"] += 1

    def set_licence(self, deed: LicenceSet) -> None:
        """State the licence of a machine anew."""
        body, world = self._world.bodies[deed.body], self._world
        by, state = world.by("by the authority"), LicenceState[deed.state]
        administration = world.server.administration
        stored = self.ask(
            lambda: administration.set_licence(body.licence, by, state=state)
        )
        if stored is not None:
            world.counts[f"licence {deed.state}"] += 1
        known = "" if stored is None else deed.state
        world.tell(LicenceStated(world.seconds(), body.licence, known))

    def order(self, deed: OrderGiven) -> None:
        """Give a machine an order."""
        body, world = self._world.bodies[deed.body], self._world
        by, order = world.by("ordered"), OrderKind[deed.order]
        administration = world.server.administration
        if self.ask(lambda: administration.order(body.licence, order, deed.value, by)):
            world.counts[f"order {deed.order}"] += 1

    # Who looks into freezes and suspense.

    def look(self, _deed: PersonLooks) -> None:
        """Look at what is frozen."""
        self.resolve_what_is_proposed()

    def resolve_what_is_proposed(self) -> None:
        """Look at every freeze of an honest machine, and do what is proposed."""
        world = self._world
        suspects = {one.licence for one in world.bodies.values() if one.is_suspect}
        for licence in sorted(world.frozen - suspects):
            self._resolve(LicenceIdentifier(licence))

    def _resolve(self, licence: LicenceIdentifier) -> None:
        """Do what the evidence proposes, until nothing is frozen or proposed."""
        world = self._world
        by, resolving = world.by("as the evidence shows"), world.server.resolving
        tried: set[Action] = set()
        while licence in world.frozen:
            evidence = self.ask(
                lambda: resolving.evidence(licence, by, old_copy=world.restored)
            )
            action = None if evidence is None else evidence.proposed
            if action is None or action in tried:
                world.counts["no proposal for a freeze"] += 1
                return
            tried.add(action)
            resolve = partial(resolving.resolve, licence, action, by)
            if self.decide(licence, resolve, action.name):
                world.counts[f"freeze ended by {action.name}"] += 1

    def explain_suspense(self) -> None:
        """Explain what restored books have put into suspense."""
        world = self._world
        explaining = Explaining(world.server.store, world.server.resolving)
        found = self.ask(explaining.unexplained) or ()
        for licence in dict.fromkeys(one.licence for one in found):
            by = world.by("its fund file came late")
            if self.ask(partial(explaining.explain, licence, by)):
                world.counts["suspense explained"] += 1
