"""Samples of every route, for the matrix test; each feature has a module of its own.

Whoever adds a route adds its sample to ``SAMPLES`` of the module named like its
feature::

    SAMPLES: Samples = {
        "POST /licences/{identifier}/block": Sample(
            {"identifier": INSIDE_LICENCE}, body={"reason": "a test"}, works=False
        ),
    }

In the world of the test (`tests.gateway_world`) are the shipped offices, a person for
each role and scope, and nothing of the other features unless they put it there.
"""

from tests.gateway_samples import (
    bank,
    deposits,
    exchange,
    ground,
    licences,
    money,
    posting,
    reports,
)
from tests.gateway_samples.sample import Sample, Samples

SAMPLES: Samples = {
    **ground.SAMPLES,
    **licences.SAMPLES,
    **deposits.SAMPLES,
    **bank.SAMPLES,
    **exchange.SAMPLES,
    **money.SAMPLES,
    **posting.SAMPLES,
    **reports.SAMPLES,
}

__all__ = ["SAMPLES", "Sample", "Samples"]
