"""Samples of the routes of `dop_gateway.money`."""

from tests.gateway_samples.sample import Sample, Samples

_INCIDENT = {"number": "1"}
_REASON = {"reason": "a test"}

SAMPLES: Samples = {
    "GET /incidents": Sample(query="state=OPEN&sort=-amount"),
    "GET /incidents/{number}": Sample(_INCIDENT, works=False),
    "POST /incidents/{number}/assign": Sample(
        _INCIDENT, body={"owner": "omar", **_REASON}, works=False
    ),
    "POST /incidents/{number}/act": Sample(
        _INCIDENT, body={"action": "asked the maker", **_REASON}, works=False
    ),
    "POST /incidents/{number}/close": Sample(_INCIDENT, body=_REASON, works=False),
    "POST /incidents/{number}/reopen": Sample(_INCIDENT, body=_REASON, works=False),
    "GET /downloads": Sample(query="state=TAKEN&first_day=2026-11-16"),
    "GET /remaining-funds": Sample(query="sort=-remaining"),
    "GET /reconciliations": Sample(),
    "POST /reconciliations": Sample(body={"day": "2026-11-16", **_REASON}),
    "GET /reconciliations/{day}": Sample({"day": "2026-11-16"}, works=False),
    "GET /differences": Sample(query="cause=IN_FLIGHT"),
    "GET /licences/{identifier}/reconciliation": Sample(
        {"identifier": "N123456"}, works=False
    ),
}
