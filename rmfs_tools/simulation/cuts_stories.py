"""The stories that are cut: what is asked for, of what machine, and what is asked next.

When a cut leaves a machine free, because it came before the request was stored, the
operator asks for something else: an amount that was never asked for cannot stand in the
way of another one. In the last two stories the server's people take a voucher back:
after the cut, in a race with the machine that may have applied it; or before, so that
it is the dial-in with the VOID that is cut.
"""

from dataclasses import dataclass
from typing import Final

from fm_device.psd.franking import FrankOrder, FrankRefusal
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import InvariantError
from protocol.registers import RequestKind, VoucherKind, effect_paise
from protocol.values import Paise
from rmfs_tools.simulation.pair import Kept, Pair
from rmfs_tools.simulation.pair_mortal import KilledAt
from rmfs_tools.simulation.pair_parties import LICENCE

DEPOSITED_PAISE: Final = 500_000
"""Paid in before each story begins."""
_FRANK_PAISE: Final = 500
_FRANKS: Final = 10
_LETTERS: Final = 3
_FIRST: Final = Request(RequestKind.RECHARGE, Paise(200_000))
_OTHER: Final = Request(RequestKind.RECHARGE, Paise(300_000))
_LEFT_PAISE: Final = 200_000 - _FRANKS * _FRANK_PAISE


@dataclass(frozen=True, slots=True)
class Story:
    """A dial-in that is cut, and what follows it.

    Attributes:
        name: Of the story, for `--story`.
        about: The machine before it, in words.
        request: What is asked for.
        other: What is asked for instead when the cut left the machine free.
        in_use: The machine was recharged before, and has ten franks to report.
        taken_back: What is outstanding after the cut is taken back before the redial.
        void_stored: The request is pending already, its voucher was lost and taken
            back: the dial-in brings the VOID.
    """

    name: str
    about: str
    request: Request
    other: Request
    in_use: bool = False
    taken_back: bool = False
    void_stored: bool = False

    @property
    def effect_paise(self) -> int:
        """By how much the request changes CT, with its sign."""
        return request_effect_paise(self.request)


STORIES: Final = (
    Story("recharge", "a new machine", _FIRST, _OTHER),
    Story("recharge", "ten franks to report", _FIRST, _OTHER, in_use=True),
    Story(
        "refund",
        "ten franks to report",
        Request(RequestKind.REFUND, Paise(100_000)),
        Request(RequestKind.REFUND, Paise(50_000)),
        in_use=True,
    ),
    Story(
        "withdrawal",
        "ten franks to report",
        Request(RequestKind.WITHDRAWAL, Paise(_LEFT_PAISE)),
        INSPECTION,
        in_use=True,
    ),
    Story("void", "a new machine", _FIRST, INSPECTION, taken_back=True),
    Story("void", "a VOID to be sent", _FIRST, INSPECTION, void_stored=True),
)


def request_effect_paise(request: Request) -> int:
    """Say by how much a request changes CT, with its sign."""
    if request.kind is RequestKind.INSPECTION:
        return 0
    return effect_paise(VoucherKind(request.kind), request.amount_paise)


def begin_story(pair: Pair, story: Story, new: Kept) -> Kept:
    """Bring a new pair to where a story begins.

    Args:
        pair: Is left in that situation.
        story: Which one.
        new: The pair when it was enrolled and funded.

    Raises:
        InvariantError: The way there failed: the stories do not fit the product.
    """
    pair.put_back(new)
    if story.in_use:
        if pair.dial(_FIRST).receipt is None:
            raise InvariantError("the recharge before the story did not end")
        psd = pair.psd()
        for _ in range(_FRANKS):
            done = psd.debit(FrankOrder(Paise(_FRANK_PAISE), _LETTERS))
            if isinstance(done, FrankRefusal):
                raise InvariantError(f"the machine does not frank: {done}")
            psd.complete(done.item)
    if story.request.kind is RequestKind.REFUND:
        pair.administration.set_licence(LICENCE, pair.by("story"), refund_allowed=True)
    if story.void_stored:
        pair.start_server(KilledAt(1, after=True))
        pair.dial(story.request)
        pair.settle()
        pair.start_server()
        pair.administration.void(LICENCE, pair.by("story"))
    pair.settle()
    return pair.keep()
