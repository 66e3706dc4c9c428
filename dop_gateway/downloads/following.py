"""Which of the lines that are kept can be taken: one after the other, without a gap.

It is pure: what is kept of one licence comes in, in the order of its numbers, with what
the ledger holds; what becomes of each comes out.

- The next number whose CT before is the CT that the chain ends with is taken, if there
  are funds for it.
- A number further on waits: one before it is missing. So does whatever is behind a line
  that waits.
- What a person at the maker settled without a word of the machine is taken once the
  machine's own word for a later one stands on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dop_gateway.downloads.model import (
    Chain,
    Download,
    DownloadFault,
    DownloadState,
    Objection,
)
from protocol.values import Paise, RechargeNumber, show_rupees

_IN_TURN = DownloadState.TAKEN


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers that are missing before a line that was told.

    Attributes:
        first: The first of them.
        last: The last.
        amount_paise: By how much they changed CT, all together, with its sign.
    """

    first: RechargeNumber
    last: RechargeNumber
    amount_paise: int

    @property
    def words(self) -> str:
        """Say which, for people."""
        which = (
            f"recharge {self.first}"
            if self.first == self.last
            else f"recharges {self.first} to {self.last}"
        )
        amount = show_rupees(Paise(self.amount_paise))
        return f"{which} of {amount} by the machine's own CT"


@dataclass(frozen=True, slots=True)
class Followed:
    """What becomes of the lines that are kept of a licence.

    Attributes:
        states: Of each line, in their order.
        objections: Against those that are not in order, by their place.
        chain: Where it ends now.
        remaining_paise: What is left of the funds.
        machine_paise: What the machine holds.
        missing: Numbers that nobody told of, before a line that was told.
    """

    states: tuple[DownloadState, ...]
    objections: dict[int, Objection]
    chain: Chain
    remaining_paise: int
    machine_paise: int
    missing: Missing | None


def follow(
    kept: Sequence[Download],
    chain: Chain,
    *,
    remaining_paise: int,
    machine_paise: int,
    coming_paise: int,
) -> Followed:
    """Take what follows.

    Args:
        kept: Lines of one licence that are not taken yet, by ascending number.
        chain: Where the chain ends.
        remaining_paise: What the ledger holds for the licence at the maker.
        machine_paise: What it holds for the machine.
        coming_paise: What was sent to the maker, and is not acknowledged yet: a line
            that needs it waits, and nothing is wrong.
    """
    states: list[DownloadState] = []
    objections: dict[int, Objection] = {}
    missing: Missing | None = None
    going = True
    proofs = _proofs(kept)
    for place, one in enumerate(kept):
        state = DownloadState.WAITING
        if not going:
            states.append(_held(one, state))
            continue
        if one.number > chain.number + 1:
            missing = Missing(
                RechargeNumber(chain.number + 1),
                RechargeNumber(one.number - 1),
                one.control_total_before_paise - chain.control_total_paise,
            )
        elif one.control_total_before_paise != chain.control_total_paise:
            state = DownloadState.BROKEN
            objections[place] = _broken(one, chain)
        elif not one.message and not proofs[place]:
            state = DownloadState.UNPROVED
        elif one.effect_paise > remaining_paise:
            state = DownloadState.UNFUNDED
            if one.effect_paise > remaining_paise + coming_paise:
                objections[place] = _beyond(one, remaining_paise)
        elif -one.effect_paise > machine_paise:
            state = DownloadState.UNFUNDED
            objections[place] = _beyond(one, machine_paise)
        else:
            state = _IN_TURN
            chain = Chain(one.number, one.control_total_after_paise)
            remaining_paise -= one.effect_paise
            machine_paise += one.effect_paise
        states.append(_held(one, state))
        going = state is _IN_TURN
    return Followed(
        tuple(states), objections, chain, remaining_paise, machine_paise, missing
    )


def _held(one: Download, state: DownloadState) -> DownloadState:
    waits = state is DownloadState.WAITING
    return DownloadState.UNPROVED if waits and not one.message else state


def _proofs(kept: Sequence[Download]) -> list[bool]:
    """Say of each line whether the machine's own word stands on it.

    It does where a line follows whose CT before is the CT after this one, and that the
    machine has signed, or that is proved itself.
    """
    proofs = [False] * len(kept)
    for place, (one, then) in reversed(list(enumerate(pairwise(kept)))):
        follows = (
            then.number == one.number + 1
            and then.control_total_before_paise == one.control_total_after_paise
        )
        proofs[place] = follows and (bool(then.message) or proofs[place + 1])
    return proofs


def _broken(one: Download, chain: Chain) -> Objection:
    detail = (
        f"recharge {one.number} begins with CT "
        f"{show_rupees(one.control_total_before_paise)}, recharge {chain.number} "
        f"ended with {show_rupees(chain.control_total_paise)}"
    )
    return Objection(DownloadFault.BROKEN, detail)


def _beyond(one: Download, held_paise: int) -> Objection:
    detail = (
        f"{one.kind.name} {one.number} took {show_rupees(one.amount_paise)} of "
        f"{show_rupees(Paise(held_paise))}"
    )
    return Objection(DownloadFault.BEYOND_FUNDS, detail)
