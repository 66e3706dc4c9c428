"""Why a line of a fund file waits in suspense, with a stable code.

The words of a line say it with its values, those of `Suspended` what a code means.
"""

from protocol.coded import Coded


class Suspended(Coded):
    """What kept a line out of the funds."""

    BEFORE_CODES = (
        "FND-01-000",
        "it waited before reasons had codes: read its words",
    )
    OTHER_OEM = (
        "FND-01-001",
        "the licence identifier is not of the OEM that the file is for: correct it",
    )
    UNKNOWN_LICENCE = (
        "FND-01-002",
        "the licence identifier is not known here: issue the licence first",
    )
    OTHER_NUMBER = (
        "FND-01-003",
        "the licence number is not that of the identifier: correct one of the two",
    )
    OTHER_LICENSEE = (
        "FND-01-004",
        "the name is not that of the licensee: correct it",
    )
    CANCELLED = (
        "FND-01-005",
        "the licence is cancelled: take the line back",
    )
    EXPIRED = (
        "FND-01-006",
        "the licence has expired: renew it, or take the line back",
    )
    AMOUNT = (
        "FND-01-007",
        "the amount is not one that the deposit rules of its day allow: correct it",
    )
    TOO_MUCH = (
        "FND-01-008",
        "the funds would be more than can be held: take the line back",
    )
    NO_RULE = (
        "FND-01-009",
        "no deposit rule holds on its value date: correct the date",
    )
    UNKNOWN_LINE = (
        "FND-02-001",
        "the line that it corrects is not known: send that file first",
    )
    TAKEN_BACK = (
        "FND-02-002",
        "the line that it corrects was taken back: bring the amount by a deposit",
    )
    OF_A_CORRECTION = (
        "FND-02-003",
        "the line that it corrects is a correction itself: name the deposit",
    )
    NOTHING_THERE = (
        "FND-02-004",
        "the line that it corrects brought nothing into the funds",
    )
    OTHER_FUNDS = (
        "FND-02-005",
        "the line that it corrects is in the funds of another licence",
    )
    CHANGES_NOTHING = (
        "FND-02-006",
        "it would change nothing",
    )
    FUNDS_SHORT = (
        "FND-02-007",
        "the funds that remain are too little to take it from",
    )


class SuspendedError(Exception):
    """A line cannot be carried out; the message says why, to a person."""

    def __init__(self, why: Suspended, words: str) -> None:
        """Keep the code beside the words."""
        super().__init__(words)
        self.why = why
