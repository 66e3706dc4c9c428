"""Samples of the routes of `dop_gateway.deposits` and `dop_gateway.counter`."""

from tests.gateway_samples.sample import Sample, Samples

_REASON = {"reason": "a test"}
_DEPOSIT = {"deposit_id": "1"}
_PROPOSAL = {"proposal_id": "1"}
_COUNTER = {"facility": "F000000018"}
_DAY = {**_COUNTER, "day": "2026-11-16"}
_RECEIPT = {"number": "F000000018-261116-0001"}
_CARD = "N123456KN0600065K"
_PAID = {"on": "2026-11-16", "words": "a test"}

SAMPLES: Samples = {
    "GET /deposits": Sample(query="state=AVAILABLE&sort=-amount"),
    "GET /deposits/{deposit_id}": Sample(_DEPOSIT, works=False),
    "POST /deposits/{deposit_id}/proposals": Sample(
        _DEPOSIT, body={"action": "RETURN", **_REASON}, works=False
    ),
    "GET /suspense": Sample(query="source=BANK"),
    "GET /owed": Sample(query="licence=N123456"),
    "GET /deposit-proposals": Sample(query="state=PROPOSED&action=RELEASE"),
    "POST /deposit-proposals/{proposal_id}/approve": Sample(
        _PROPOSAL, body=_REASON, works=False
    ),
    "POST /deposit-proposals/{proposal_id}/reject": Sample(
        _PROPOSAL, body=_REASON, works=False
    ),
    "POST /deposit-proposals/{proposal_id}/withdraw": Sample(
        _PROPOSAL, body=_REASON, works=False
    ),
    "POST /notional-credits": Sample(
        body={
            "licence": "N123456",
            "amount": "5000.00",
            "reference": "SANCTION 1",
            **_REASON,
        },
        works=False,
    ),
    "POST /notional-credits/{deposit_id}/confirm": Sample(
        _DEPOSIT, body=_REASON, works=False
    ),
    "GET /licences/{identifier}/balances": Sample(
        {"identifier": "N123456"}, works=False
    ),
    "POST /counters/{facility}/scan": Sample(
        _COUNTER, body={"card": _CARD}, works=False
    ),
    "POST /counters/{facility}/receipts": Sample(
        _COUNTER,
        body={
            "card": _CARD,
            "form": {
                "licensee": "Asha Textiles",
                "address": "1 MG Road",
                "licence": "N123456",
                "licence_number": "KN0600065",
                "amount": "2000.00",
                "depositor": "A messenger",
            },
            "tender": {"amount": "2000.00", "mode": "PO_CASH"},
        },
        works=False,
    ),
    "GET /counters/{facility}/days/{day}": Sample(_DAY, works=False),
    "POST /counters/{facility}/days/{day}/end": Sample(_DAY, works=False),
    "GET /receipts": Sample(query="day=2026-11-16"),
    "GET /receipts/{number}": Sample(_RECEIPT, works=False),
    "GET /receipts/{number}/pdf": Sample(_RECEIPT, works=False),
    "POST /receipts/{number}/take-in": Sample(_RECEIPT, works=False),
    "POST /receipts/{number}/realise": Sample(_RECEIPT, body=_PAID, works=False),
    "POST /receipts/{number}/bounce": Sample(_RECEIPT, body=_PAID, works=False),
    "POST /receipts/{number}/cancel": Sample(_RECEIPT, works=False),
}
