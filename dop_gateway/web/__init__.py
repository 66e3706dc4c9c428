"""The gateway over HTTP: who asks, whether they may, and how refusals are answered.

How a feature writes its routes:

- What reads declares ``asking: Asked`` and works in ``asking.reading()``; what writes
  and may be done twice without harm, in ``asking.writing("what it does")``.
- What moves money or makes an id declares ``asking: AskedOnce`` and gives
  ``asking.once("enter a deposit", body, DepositShown, task)`` back. ``task`` takes
  the connection, does all of it and gives the answer. The header `Idempotency-Key` is
  then needed (400 without it); the same request again gets the stored answer with
  `Idempotent-Replayed: true`, the same key with another request 422. A route without a
  body gives ``None``, one that answers nothing has ``type(None)``.
- What lists: see `dop_gateway.web.lists`.
- Each route has an `Access` in its feature, and a sample in `tests/gateway_samples`, by
  which a test asks it as every role, within its scope and out of it.
- What people are told goes into ``asking.parts.outbox``, in the transaction of what it
  tells.
"""
