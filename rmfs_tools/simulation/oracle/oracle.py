"""The oracle: every event of a world in order, and what it shows to be broken.

`Body` follows the registers of machines, `Ledger` and `Commits` the books, `Office`
what the server answers; here they are joined. Nothing is kept but what one machine,
one recharge or one of the last calls needs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rmfs_tools.simulation.observations import (
    BooksCommitted,
    BooksRestored,
    CalmBegan,
    Cheated,
    Deposited,
    DialInEnded,
    Franked,
    Heard,
    LicenceStated,
    MachineStored,
    Observation,
    PersonResolved,
    Recharge,
    Rested,
    Said,
    Wished,
)
from rmfs_tools.simulation.oracle.commits import Commits
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.ledger import Ledger
from rmfs_tools.simulation.oracle.licence import Licence
from rmfs_tools.simulation.oracle.machine import Body
from rmfs_tools.simulation.oracle.messages import (
    Malformed,
    Message,
    Statement,
    decode,
)
from rmfs_tools.simulation.oracle.office import Office
from rmfs_tools.simulation.oracle.properties import Property
from rmfs_tools.simulation.oracle.resting import check_former, check_rest
from rmfs_tools.simulation.oracle.vouchers import Vouchers
from rmfs_tools.simulation.violations import Violation


class Oracle:
    """Looks at one world, event by event.

    Give it every observation in the order in which things happened. A person's act is
    seen right before or right after the transaction that it makes; a cheat before
    anything that follows from it. `BooksRestored` before any other sight of the books
    is how a world begins, and no old backup.
    """

    def __init__(self) -> None:
        self._findings = Findings()
        self._vouchers = Vouchers()
        self._ledger = Ledger(self._findings)
        self._commits = Commits(self._vouchers, self._findings)
        self._office = Office(self._vouchers, self._findings)
        self._licences: dict[str, Licence] = {}
        self._bodies: dict[str, Body] = {}
        self._copies_of_forged: set[str] = set()
        self._calls: dict[int, Licence] = {}
        self._rested: set[str] = set()
        self._books_known = False
        self._calm = False
        self._see: dict[type[Any], Callable[[Any], None]] = {
            Deposited: self._ledger.deposit,
            MachineStored: self._stored,
            Wished: self._wished,
            LicenceStated: self._licence_stated,
            Franked: self._franked,
            Said: self._said,
            Heard: self._heard,
            BooksCommitted: self._committed,
            BooksRestored: self._books_restored,
            DialInEnded: self._ended,
            Cheated: self._cheated,
            PersonResolved: self._resolved,
            CalmBegan: self._calmed,
            Rested: self._rest,
        }

    def see(self, observation: Observation) -> list[Violation]:
        """Look at what happened next.

        Args:
            observation: What happened.

        Returns:
            Properties that it shows to be broken, each once for its subject.
        """
        self._findings.begin(observation.at_s)
        self._see[type(observation)](observation)
        return self._findings.take()

    def end(self, waiting_paise: Mapping[str, int] | None = None) -> list[Violation]:
        """Say that the world is over: whatever was due had its time.

        Args:
            waiting_paise: What waits in suspense, by licence, once every fund file was
                brought; None when deposits are not to be looked at.

        Returns:
            Machines that never came to rest after calm began, deposits that are neither
            in the funds nor waiting, and acts that no person has answered for.
        """
        for licence in self._licences.values():
            licence.expose()
        if self._calm:
            for name, body in self._bodies.items():
                honest = not (body.forged or self._licences[body.licence].suspect)
                if honest and name not in self._rested:
                    self._findings.broken(
                        Property.LIVE_1, name, "the world ended and it never rested"
                    )
            for licence in self._licences.values():
                check_former(licence, self._ledger, self._findings)
        if self._calm and waiting_paise is not None:
            differ = self._ledger.not_credited(waiting_paise)
            for name, (net, there_is) in differ.items():
                self._findings.broken(
                    Property.LIVE_5,
                    name,
                    f"deposited {net}, credited or waiting {there_is}",
                )
        return self._findings.take()

    def reached(self) -> dict[str, int]:
        """Give how often each rare state was reached: the keys of `findings.RARE`."""
        untraced = sum(licence.untraced for licence in self._licences.values())
        return self._findings.counts({"cheat without a trace": untraced}.items())

    def _licence(self, name: str) -> Licence:
        found = self._licences.get(name)
        if found is None:
            found = Licence(name, self._ledger, self._findings)
            self._licences[name] = found
        return found

    def _stored(self, event: MachineStored) -> None:
        body = self._bodies.get(event.body)
        licence = self._licence(event.licence)
        if body is None:
            body = Body(event.body, event, self._vouchers, self._findings)
            body.forged = event.body in self._copies_of_forged
            self._bodies[event.body] = body
        if body.licence != event.licence:
            former = self._licences[body.licence]
            former.bodies.pop(event.body, None)
            if not licence.suspect:
                # An image that is put back may be of an earlier life.
                former.ended = body.stored
        licence.bodies[event.body] = body
        body.suspect = licence.suspect
        body.store(event)
        licence.check_bodies()

    def _franked(self, event: Franked) -> None:
        body = self._bodies.get(event.body)
        if body is None:
            self._findings.broken(
                Property.MONEY_3,
                event.body,
                "a frank of a machine that nobody has seen",
            )
        else:
            body.frank(event.value_paise)

    def _said(self, event: Said) -> None:
        message = decode(event.octets)
        if message is None:
            return
        if isinstance(message, Malformed):
            who = event.body if event.by_machine else event.licence
            self._findings.broken(Property.FORM_1, who, message.why)
        elif event.by_machine:
            body = self._bodies.get(event.body)
            if body is not None:
                body.say(message, event.call)
        else:
            licence = self._of_call(event, message)
            if licence is not None:
                self._office.say(licence, event.call, message, event.octets)

    def _heard(self, event: Heard) -> None:
        message = decode(event.octets)
        if message is None or isinstance(message, Malformed):
            return
        if event.by_machine:
            body = self._bodies.get(event.body)
            if body is not None:
                body.hear(message, event.octets, event.call)
            return
        if isinstance(message, Statement):
            self._calls[event.call] = self._licence(message.licence)
        licence = self._of_call(event, message)
        if licence is not None:
            self._office.hear(licence, event.call, message)
            for call in licence.forgotten_calls():
                self._calls.pop(call, None)

    def _of_call(self, event: Said | Heard, message: Message) -> Licence | None:
        licence = self._calls.get(event.call)
        if licence is None and event.licence:
            licence = self._licence(event.licence)
        return licence

    def _wished(self, event: Wished) -> None:
        body = self._bodies.get(event.body)
        if body is not None:
            body.wish(event.kind, event.amount_paise)

    def _licence_stated(self, event: LicenceStated) -> None:
        self._licence(event.licence).state = event.state

    def _committed(self, event: BooksCommitted) -> None:
        self._books_known = True
        booked = self._ledger.book(event.journals)
        names = {one.licence for one in event.machines}
        names.update(one.licence for one in event.recharges)
        names.update(name for name, _ in event.discrepancies)
        names.update(booked.touched)
        for name in sorted(names):
            self._commits.commit(event, self._licence(name), booked)

    def _books_restored(self, event: BooksRestored) -> None:
        for one in event.recharges:
            self._vouchers.store(one)
        rows = {one.licence: one for one in event.machines}
        recharges: dict[str, list[Recharge]] = {}
        for one in event.recharges:
            recharges.setdefault(one.licence, []).append(one)
        if not self._books_known:
            self._books_known = True
            self._ledger.restore(event.journals)
            for name, row in rows.items():
                self._licence(name).begin(row, recharges.get(name, []))
            return
        self._findings.reached("books restored")
        for licence in self._licences.values():
            licence.hear()
            licence.state = ""
        self._ledger.restore(event.journals)
        for name in sorted({*self._licences, *rows}):
            self._licence(name).restore(rows.get(name), recharges.get(name, []))
        self._calls.clear()

    def _ended(self, event: DialInEnded) -> None:
        body = self._bodies.get(event.body)
        if body is not None and body.call is not None and body.call <= event.call:
            # A later attempt of the same dial-in may have failed without a STATEMENT.
            body.call = None

    def _cheated(self, event: Cheated) -> None:
        self._licence(event.licence).cheat(event.how)
        body = self._bodies.get(event.body)
        if body is not None:
            if event.how == "image restored":
                body.put_image_back()
            elif event.how == "forged":
                body.forged = True
            elif event.how == "clone" and body.forged:
                self._copies_of_forged.add(event.copy)

    def _resolved(self, event: PersonResolved) -> None:
        self._licence(event.licence).person(event)

    def _calmed(self, event: CalmBegan) -> None:
        self._calm = True

    def _rest(self, event: Rested) -> None:
        self._rested.add(event.body)
        licence = self._licence(event.licence)
        licence.expose()
        body = self._bodies.get(event.body)
        if body is not None and not (licence.suspect or body.forged):
            check_rest(event, body, licence, self._ledger, self._findings)
