"""Samples of the routes of `dop_gateway.reports`."""

from tests.gateway_samples.sample import Sample, Samples

SAMPLES: Samples = {
    "GET /reports/month": Sample(query="month=2026-11&maker=N&lang=hi"),
    "GET /reports/deposits": Sample(query="group=circle&sort=-amount"),
    "GET /reports/downloads": Sample(query="group=day&first=2026-11-01"),
    "GET /reports/usage": Sample(query="group=product_class&month=2026-11"),
    "GET /reports/remaining": Sample(query="licence=N123456&sort=-in_machine"),
    "GET /reports/silent": Sample(query="month=2026-12&office=F000000018"),
    "GET /reports/dial-ins": Sample(query="window=2&last=2026-11-16"),
    "GET /reports/failed-dial-ins": Sample(query="maker=N&sort=name"),
    "GET /reports/windows": Sample(query="group=maker&maker=N"),
    "GET /reports/unmatched": Sample(query="kind=SUSPENSE&sort=-amount"),
    "GET /reports/downloaded": Sample(query="report=report-month"),
}
