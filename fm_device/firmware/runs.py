"""A run of franks: one item after the other, until all are done or one is refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from fm_device.firmware.franking import Printed
from fm_device.firmware.refusals import Refusal
from fm_device.psd.records import NOTHING
from protocol.values import Paise


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went.

    Attributes:
        done: How many came out of the printer.
        value_paise: What all of them cost.
        last: The last of them, or None.
        refusal: Why no more did; None where all did, or somebody has stopped it.
    """

    done: int = 0
    value_paise: Paise = NOTHING
    last: Printed | None = None
    refusal: Refusal | None = None


def print_run(
    count: int,
    print_one: Callable[[], Printed | Refusal],
    goes_on: Callable[[Printed], bool] = lambda _printed: True,
) -> Run:
    """Print one item after the other.

    Args:
        count: How many at most.
        print_one: Prints the next one.
        goes_on: Told of each item as soon as it is printed; whether another is to be.

    Raises:
        StoreError: As `Franking.frank`.
        PowerCutError: As `Franking.frank`.
    """
    run = Run()
    while run.done < count:
        printed = print_one()
        if not isinstance(printed, Printed):
            return replace(run, refusal=printed)
        value = Paise(run.value_paise + printed.face.value_paise)
        run = Run(run.done + 1, value, printed)
        if not goes_on(printed):
            break
    return run
