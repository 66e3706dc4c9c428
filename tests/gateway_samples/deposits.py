"""Samples of the routes of `dop_gateway.deposits`."""

from tests.gateway_samples.sample import Samples

SAMPLES: Samples = {}
