"""Samples of the routes of `dop_gateway.exchange`."""

from tests.gateway_samples.sample import Samples

SAMPLES: Samples = {}
