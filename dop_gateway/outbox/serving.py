"""Sends what is due beside the server, until it is cancelled.

A crash at any moment loses nothing: a message that was being sent is sent again when
its lease is over (`dop_gateway.outbox.service`). Several gateways on one database send
beside one another.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from dop_gateway.outbox.service import MESSAGES_AT_ONCE_MAX, Delivery
from protocol.errors import RmfsError

LOOKED_EVERY_S: Final = 5.0
"""So long a message waits at most for somebody to look."""
PAUSE_S: Final = 30.0
"""After the database failed."""

_log: Final = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]
"""`asyncio.sleep`, or that of a test."""


async def serve(delivery: Delivery, sleep: Sleep = asyncio.sleep) -> None:
    """Send what is due, again and again; what is being sent is waited for.

    Args:
        delivery: Sends; with nobody to carry messages there is nothing to do.
        sleep: Waits so many seconds.
    """
    if not delivery.carriers.channels:
        return
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "outbox") as thread:
        while True:
            pause_s = await loop.run_in_executor(thread, _round, delivery)
            if pause_s > 0:
                await sleep(pause_s)


def _round(delivery: Delivery) -> float:
    """Send what is due; gives how long to wait before the next look."""
    try:
        done = delivery.deliver_due()
    except RmfsError:
        # The database, above all: it comes back, and leases end by themselves.
        _log.exception("outbox")
        return PAUSE_S
    for number in done.given_up:
        _log.warning("message %s was given up: see rmfs dop outbox show", number)
    tried = done.sent + done.put_off + len(done.given_up)
    return 0.0 if tried >= MESSAGES_AT_ONCE_MAX else LOOKED_EVERY_S
