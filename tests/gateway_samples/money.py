"""Samples of the routes of `dop_gateway.money`."""

from tests.gateway_samples.sample import Samples

SAMPLES: Samples = {}
