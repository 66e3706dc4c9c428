"""Samples of the routes of `dop_gateway.licences`."""

from tests.gateway_samples.sample import Samples

SAMPLES: Samples = {}
