"""How a step says that it did not come true, and what follows from that for a case."""

from collections.abc import Iterator
from contextlib import contextmanager

from hw.lab.bench import NoCallError
from hw.lab.operator import OperatorError, UnitOffError, UnitRefusedError
from hw.lab.station import GoneError, SilenceError
from hw.lab.steps import Step, StepError
from hw.lab.verdicts import Verdict
from protocol.errors import LocalProtocolError


class StepStoppedError(Exception):
    """A step did not come true, or could not be carried out.

    A case ends at it. Whoever plays steps of which each may fail can go on with the
    next one, in the call as it is then or in another one.

    Attributes:
        verdict: FAIL where the case expected it, INCONCLUSIVE where it was preamble,
            ERROR where the bench, the line or a hook failed.
        reason: What happened instead, in words.
    """

    def __init__(self, verdict: Verdict, reason: str) -> None:
        """Say how it ends."""
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


def stopped(step: Step, what: str) -> StepStoppedError:
    """Say that something else happened than a step says; to be raised."""
    verdict = Verdict.FAIL if step.expects else Verdict.INCONCLUSIVE
    return StepStoppedError(verdict, f"{step.text}: {what}")


def bench_failed(what: str) -> StepStoppedError:
    """Say that the bench cannot do what a step says; to be raised."""
    return StepStoppedError(Verdict.ERROR, f"the bench: {what}")


def judge(step: Step, found: str) -> None:
    """End a step with what differs from it.

    Raises:
        StepStoppedError: Something does.
    """
    if found:
        raise stopped(step, found)


@contextmanager
def stopping(step: Step) -> Iterator[None]:
    """Have all that may stop a step be told as one error.

    Raises:
        StepStoppedError: The unit was silent, did not call, has gone or refused; or
            bench, line or hook failed.
    """
    try:
        yield
    except SilenceError:
        raise stopped(step, "nothing came") from None
    except (NoCallError, GoneError, UnitRefusedError, UnitOffError) as error:
        raise stopped(step, str(error)) from error
    except OperatorError as error:
        raise StepStoppedError(Verdict.ERROR, str(error)) from error
    except (LocalProtocolError, StepError) as error:
        raise bench_failed(str(error)) from error
