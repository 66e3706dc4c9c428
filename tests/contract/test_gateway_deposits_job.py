"""The job of the day lets deposits come due, and uses them up as the ledger says."""

from datetime import date

from dop_gateway.deposits.jobs import JOBS
from dop_gateway.deposits.model import DepositState
from dop_gateway.jobs.dues import almanac
from dop_gateway.jobs.model import Ending
from dop_gateway.ledger import movements
from protocol.parameters import business_date
from tests.deposit_desk import N1, TODAY, furnish, moment
from tests.gateway_desk import new_gateway

S = DepositState


def test_a_deposit_comes_due_on_its_day_and_the_job_may_run_again(
    store_place: str,
) -> None:
    gateway = new_gateway(store_place)
    desk = furnish(gateway.store)
    payment = desk.deliver()
    (job,) = JOBS
    with gateway.store.reading() as connection:
        due = job.due(almanac(connection), moment(TODAY))
    assert business_date(due) == date(2026, 11, 17)
    early = job.run(gateway.parts, moment(TODAY))
    assert (early.ending, desk.state(payment)) == (
        Ending.NOTHING_TO_DO,
        S.ACKNOWLEDGED,
    )
    done = job.run(gateway.parts, due)
    assert (done.ending, desk.state(payment)) == (Ending.DONE, S.AVAILABLE)
    assert job.run(gateway.parts, due).ending is Ending.NOTHING_TO_DO
    desk.move(movements.downloaded(N1, 200_000, "one", "a test"))
    used = job.run(gateway.parts, due)
    assert used.words == "0 deposits came due, 1 licences used theirs"
    assert desk.state(payment) is S.DOWNLOADED
    desk.adds_up()
