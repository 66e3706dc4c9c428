"""Samples of the routes of `dop_gateway.bank` and `dop_gateway.accounting`."""

from tests.gateway_samples.sample import Sample, Samples

_REASON = {"reason": "a test"}
_SBI = {"code": "SBI"}
_ONE = {"number": "1"}
_MONTH = {"office": "F000000018", "month": "2026-11", **_REASON}
_BANK = {
    "name": "State Bank of India",
    "account": "30012345678",
    "host": "bank.invalid",
    "user": "dop",
    "host_key": (
        "ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
    ),
    "key_id": "SBI-1",
    "key": (
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
        "-----END PUBLIC KEY-----\n"
    ),
    **_REASON,
}

SAMPLES: Samples = {
    "GET /banks": Sample(),
    "GET /banks/{code}": Sample(_SBI, works=False),
    "PUT /banks/{code}": Sample(_SBI, body=_BANK),
    "GET /bank-files": Sample(query="state=REFUSED&layout=funds-received"),
    "GET /bank-files/{number}": Sample(_ONE, works=False),
    "GET /bank-files/{number}/octets": Sample(_ONE, works=False),
    "GET /bank-items": Sample(query="state=NOT_IN_ACCOUNT&sort=licence"),
    "GET /heads-of-account": Sample(),
    "PUT /heads-of-account/{head}": Sample(
        {"head": "RMFS_E_PAYMENT"}, body={"name": "A head", "code": "1201", **_REASON}
    ),
    "GET /accounts/{account}": Sample(
        {"account": "ho-cash-book"},
        query="office=F000000018&first=2026-11-01&last=2026-11-30",
        works=False,
    ),
    "GET /monthly-schedules": Sample(query="state=SENT"),
    "POST /monthly-schedules": Sample(body=_MONTH, works=False),
    "GET /monthly-schedules/{number}": Sample(_ONE, works=False),
    "POST /monthly-schedules/{number}/send": Sample(_ONE, body=_REASON, works=False),
    "POST /monthly-schedules/{number}/accept": Sample(_ONE, body=_REASON, works=False),
    "POST /monthly-schedules/{number}/send-back": Sample(
        _ONE, body=_REASON, works=False
    ),
}
