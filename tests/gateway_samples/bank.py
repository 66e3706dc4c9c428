"""Samples of the routes of `dop_gateway.bank`."""

from tests.gateway_samples.sample import Samples

SAMPLES: Samples = {}
