"""Samples of the routes of `dop_gateway.posting` and `dop_gateway.usage`."""

from tests.gateway_samples.sample import Sample, Samples

_MAILING = {"number": "N123456-000001"}
_CLAIM = {"number": "RB00000001"}
_LICENCE = {"identifier": "N123456"}
_REASON = {"reason": "a test"}

SAMPLES: Samples = {
    "GET /usage": Sample(query="licence=N123456&first=2026-11-01&sort=-amount"),
    "GET /usage/failed-dial-ins": Sample(
        query="licence=N123456&code=FUNDS_SHORT&first=2026-11-01&sort=licence"
    ),
    "GET /mailings": Sample(query="state=CAPTURED&last=2026-11-30"),
    "GET /mailings/{number}": Sample(_MAILING, works=False),
    "POST /mailings": Sample(
        body={
            "facility": "F000000018",
            "number": "N123456-000001",
            "mail_dated": "2026-11-16",
            "closed_at": "2026-11-16T17:30:00+05:30",
            "opening_ascending": "0.00",
            "opening_descending": "2000.00",
            "closing_ascending": "15.00",
            "closing_descending": "1985.00",
            "lines": [{"product_class": 3, "items": 3, "amount": "15.00"}],
        },
        works=False,
    ),
    "POST /mailings/{number}/void": Sample(_MAILING, body=_REASON, works=False),
    "POST /franks/verify": Sample(
        body={"facility": "F000000018", "scan": "00" * 109, "purpose": "CHECK"}
    ),
    "GET /claims": Sample(query="kind=REBATE&sort=-amount"),
    "GET /refund-schedule": Sample(query="first=2026-11-01"),
    "GET /claims/{number}": Sample(_CLAIM, works=False),
    "GET /claims/{number}/receipt": Sample(_CLAIM, works=False),
    "POST /licences/{identifier}/rebates": Sample(
        _LICENCE, body={"to_number": "N123456-000001"}, works=False
    ),
    "POST /licences/{identifier}/spoiled-impressions": Sample(
        _LICENCE, body={"scans": ["00" * 109]}, works=False
    ),
    "POST /licences/{identifier}/unused-credit": Sample(
        _LICENCE, body=_REASON, works=False
    ),
    "POST /claims/{number}/confirm": Sample(
        _CLAIM, body={"remaining": "0.00", **_REASON}, works=False
    ),
    "POST /claims/{number}/sanction": Sample(_CLAIM, body=_REASON, works=False),
    "POST /claims/{number}/pay": Sample(_CLAIM, body={"paid_by": "CASH"}, works=False),
    "POST /claims/{number}/refuse": Sample(_CLAIM, body=_REASON, works=False),
}
"""How a route is asked in the matrix test, and who asks."""
