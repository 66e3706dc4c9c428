"""A central system of charge points, by the library `ocpp` (MIT): OCPP 1.6 over JSON.

The exchange that is nearest to a recharge: a charge point connects, asks whether a card
may charge, and tells that it began and that it ended. The library checks each message
against its schema; what is kept is kept in memory. It is imported where it is used: it
does not come with the check, as `websockets` does not.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final

from rmfs_tools.bench.serving import HOST

PROTOCOL: Final = "ocpp1.6"
LIBRARIES: Final = ("ocpp", "websockets")
_WHEN: Final = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
_ASKED: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("BootNotification", {"chargePointModel": "RMFS", "chargePointVendor": "RMFS"}),
    ("Authorize", {"idTag": "N000000"}),
    (
        "StartTransaction",
        {"connectorId": 1, "idTag": "N000000", "meterStart": 0, "timestamp": _WHEN},
    ),
    ("StopTransaction", {"meterStop": 10, "timestamp": _WHEN, "transactionId": 1}),
)
_CALL: Final = 2
_RESULT: Final = 3


def serve() -> None:
    """Be the server: print where it listens, and answer until the process is ended."""
    websockets: Any = import_module("websockets.asyncio.server")
    routing: Any = import_module("ocpp.routing")
    v16: Any = import_module("ocpp.v16")
    result: Any = import_module("ocpp.v16.call_result")
    accepted = {"status": "Accepted"}

    class CentralSystem(v16.ChargePoint):  # type: ignore[misc]  # known when it runs
        @routing.on("BootNotification")  # type: ignore[untyped-decorator]
        def booted(self, **_: object) -> object:
            return result.BootNotification(_WHEN, 300, "Accepted")

        @routing.on("Authorize")  # type: ignore[untyped-decorator]
        def authorized(self, **_: object) -> object:
            return result.Authorize(accepted)

        @routing.on("StartTransaction")  # type: ignore[untyped-decorator]
        def began(self, **_: object) -> object:
            return result.StartTransaction(1, accepted)

        @routing.on("StopTransaction")  # type: ignore[untyped-decorator]
        def ended(self, **_: object) -> object:
            return result.StopTransaction(accepted)

    closed: type[Exception] = import_module("websockets.exceptions").ConnectionClosed

    async def answer(line: Any) -> None:
        try:
            await CentralSystem(line.request.path, line).start()
        except closed:
            return

    async def listen() -> None:
        async with websockets.serve(
            answer, HOST, 0, subprotocols=[PROTOCOL], compression=None
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            sys.stdout.write(f"listening at tcp:{HOST}:{port}\n")
            sys.stdout.flush()
            await server.serve_forever()

    asyncio.run(listen())


async def call(number: int, port: int, times: int) -> int:
    """Charge so many times, each on a line of its own; gives how many were complete."""
    websockets: Any = import_module("websockets.asyncio.client")
    complete = 0
    for _ in range(times):
        url = f"ws://{HOST}:{port}/N{number:06d}"
        async with websockets.connect(
            url, subprotocols=[PROTOCOL], compression=None
        ) as line:
            for action, asked in _ASKED:
                await line.send(json.dumps([_CALL, action, action, asked]))
                told = json.loads(await line.recv())
                complete += told[0] == _RESULT and action == _ASKED[-1][0]
    return complete
