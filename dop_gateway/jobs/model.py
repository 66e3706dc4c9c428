"""A job, a moment of it, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from dop_gateway.jobs.dues import Due
from dop_gateway.parts import Parts
from protocol.values import EpochSeconds

RunId = NewType("RunId", int)


class Ending(Enum):
    """How a run ended; None is said of one that waits or runs."""

    DONE = "done"
    NOTHING_TO_DO = "there was nothing to do"
    FAILED = "failed, and is tried again"
    GIVEN_UP = "failed, and waits for a person"


FOR_GOOD: Final = frozenset({Ending.DONE, Ending.NOTHING_TO_DO})
"""After these a moment is never run again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job says of its run.

    Attributes:
        ending: `DONE`, `NOTHING_TO_DO` or `FAILED`.
        words: For who reads the record; without secrets and personal data.
    """

    ending: Ending
    words: str


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done by the clock.

    Attributes:
        name: As in ``audit-verify``.
        words: What it does.
        due: Gives the first moment after another one.
        run: Does it for a moment; may be called again for the same one. It blocks, and
            opens its transactions itself. An `RmfsError` is a failure.
        longest_s: A run of which nobody has heard for so long is held to have crashed;
            one that runs is heard of.
        attempts_max: After so many failures a person has to look.
    """

    name: str
    words: str
    due: Due
    run: Callable[[Parts, EpochSeconds], Outcome]
    longest_s: int = 600
    attempts_max: int = 8


@dataclass(frozen=True, slots=True)
class JobRun:
    """The record of a moment.

    Attributes:
        moment: When it was due.
        attempts: How often it was begun.
        try_at: Nobody begins it before: the end of a lease or of a pause.
        started_at: Of the last attempt; None before the first.
        ended_at: Of the last attempt; None while it runs.
        ending: None while it waits or runs.
        detail: In words.
        host: Which gateway began it.
    """

    id: RunId
    job: str
    moment: EpochSeconds
    attempts: int
    try_at: EpochSeconds
    started_at: EpochSeconds | None
    ended_at: EpochSeconds | None
    ending: Ending | None
    detail: str
    host: str

    @property
    def is_running(self) -> bool:
        """Whether somebody has begun it and not said that it ended."""
        return self.started_at is not None and self.ending is None


@dataclass(frozen=True, slots=True)
class Claim:
    """A moment that is ours to run, until its lease is over.

    Attributes:
        attempt: Its number names the lease: who comes later has another.
    """

    job: Job
    run: RunId
    moment: EpochSeconds
    attempt: int
