"""Samples of the routes of `dop_gateway.posting`."""

from tests.gateway_samples.sample import Samples

SAMPLES: Samples = {}
