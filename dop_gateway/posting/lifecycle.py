"""What may become of a statement of mailing, and of a claim on money."""

from collections.abc import Iterable
from typing import Final

from dop_gateway.identity.model import Role
from dop_gateway.moves import Lifecycle, Move, Objection, move
from dop_gateway.posting.model import (
    ClaimEvent,
    ClaimKind,
    ClaimState,
    MailingEvent,
    MailingState,
)

CAPTURING: Final = frozenset({Role.COUNTER_ASSISTANT, Role.POSTMASTER})
"""Who captures statements, scans franks and proposes claims, each for their office."""


def nothing_rests_on_it(others: Iterable[str]) -> Objection | None:
    """Object to voiding a statement on which something rests: `others` say what."""
    words = "; ".join(others)
    if not words:
        return None
    return Objection("SOM-20-020", f"{words}: that has to be undone first")


MAILING: Final = Lifecycle[MailingState, MailingEvent, Iterable[str]](
    MailingState.CAPTURED,
    begun_by=MailingEvent.CAPTURED,
    moves=[
        move(
            MailingState.CAPTURED,
            MailingEvent.VOIDED,
            MailingState.VOIDED,
            by=[Role.POSTMASTER],
            when=nothing_rests_on_it,
            not_by=[MailingEvent.CAPTURED],
        )
    ],
)


def maker_is_asked(kind: ClaimKind) -> Objection | None:
    """Object where no maker has anything to confirm."""
    if kind is ClaimKind.UNUSED:
        return None
    return Objection("CLM-20-001", "only what remains with a maker is confirmed by it")


def maker_is_not_asked(kind: ClaimKind) -> Objection | None:
    """Object where the maker has to confirm first."""
    if kind is not ClaimKind.UNUSED:
        return None
    words = "the maker has to confirm what remains with it first"
    return Objection("CLM-20-002", words)


def _of_claims() -> Iterable[Move[ClaimState, ClaimEvent, ClaimKind]]:
    proposed, confirmed = ClaimState.PROPOSED, ClaimState.CONFIRMED
    sanctioned = ClaimState.SANCTIONED
    yield move(
        proposed,
        ClaimEvent.CONFIRMED,
        confirmed,
        by=[Role.MAKER_OFFICER],
        when=maker_is_asked,
    )
    yield move(
        proposed,
        ClaimEvent.SANCTIONED,
        sanctioned,
        by=[Role.POSTMASTER],
        when=maker_is_not_asked,
        not_by=[ClaimEvent.PROPOSED],
    )
    # Of unused credit the head of the Circle or Region decides: the licensing authority
    # does it for them here, which is ours.
    yield move(
        confirmed,
        ClaimEvent.SANCTIONED,
        sanctioned,
        by=[Role.LICENSING_AUTHORITY],
        not_by=[ClaimEvent.PROPOSED],
    )
    yield move(
        sanctioned,
        ClaimEvent.PAID,
        ClaimState.PAID,
        by=[Role.COUNTER_ASSISTANT, Role.TREASURER, Role.POSTMASTER],
    )
    for state in (proposed, confirmed, sanctioned):
        yield move(
            state,
            ClaimEvent.REFUSED,
            ClaimState.REFUSED,
            by=[Role.POSTMASTER, Role.LICENSING_AUTHORITY],
        )


CLAIM: Final = Lifecycle[ClaimState, ClaimEvent, ClaimKind](
    ClaimState.PROPOSED, begun_by=ClaimEvent.PROPOSED, moves=_of_claims()
)
