"""A run of franks: one item after the other, until all are done or one is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from fm_device.firmware.franking import Printed
from fm_device.firmware.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went.

    Attributes:
        printed: What came out of the printer, in its order.
        refusal: Why no more did; None where all did, or somebody has stopped it.
    """

    printed: tuple[Printed, ...]
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
    printed: list[Printed] = []
    while len(printed) < count:
        done = print_one()
        if not isinstance(done, Printed):
            return Run(tuple(printed), done)
        printed.append(done)
        if not goes_on(done):
            break
    return Run(tuple(printed))
