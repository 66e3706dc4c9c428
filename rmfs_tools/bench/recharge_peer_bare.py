"""A recharge server as it would be written in a day: asyncio, JSON lines, and an ORM.

It keeps the money of machines in SQLite as ours does, with a commit that waits for the
disk at each message that changes something. It does nothing about who calls, about what
was said twice, or about a line that is lost in between.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from rmfs_tools.bench.serving import HOST

FUNDS_PAISE: Final = 50_000_000
AMOUNT_PAISE: Final = 10_000


class _Base(DeclarativeBase):
    pass


class _Machine(_Base):
    __tablename__ = "machine"
    licence: Mapped[str] = mapped_column(primary_key=True)
    funds_paise: Mapped[int]
    control_total_paise: Mapped[int]


class _Recharge(_Base):
    __tablename__ = "recharge"
    id: Mapped[int] = mapped_column(primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("machine.licence"), index=True)
    amount_paise: Mapped[int]
    state: Mapped[str]


def serve(folder: str, machines: int) -> None:
    """Be the server: print where it listens, and answer until the process is ended."""
    engine = create_engine(f"sqlite:///{Path(folder) / 'bare.sqlite'}")
    event.listen(engine, "connect", _wait_for_the_disk)
    _Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(
            _Machine(
                licence=f"N{number:06d}", funds_paise=FUNDS_PAISE, control_total_paise=0
            )
            for number in range(machines)
        )
        session.commit()

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while line := await reader.readline():
            with Session(engine) as session:
                said = _answer(session, json.loads(line))
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def listen() -> None:
        server = await asyncio.start_server(answer, HOST, 0, backlog=1024)
        port = server.sockets[0].getsockname()[1]
        sys.stdout.write(f"listening at tcp:{HOST}:{port}\n")
        sys.stdout.flush()
        await server.serve_forever()

    asyncio.run(listen())


def _wait_for_the_disk(connection: Any, _: object) -> None:
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = full")


def _answer(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    machine = session.get_one(_Machine, asked["licence"])
    match asked["kind"]:
        case "hello":
            return {"kind": "welcome", "funds_paise": machine.funds_paise}
        case "recharge":
            amount_paise = asked["amount_paise"]
            if machine.funds_paise < amount_paise:
                return {"kind": "refused"}
            machine.funds_paise -= amount_paise
            recharge = _Recharge(
                licence=machine.licence, amount_paise=amount_paise, state="GRANTED"
            )
            session.add(recharge)
            session.commit()
            return {"kind": "voucher", "id": recharge.id}
        case "confirm":
            found = session.get_one(_Recharge, asked["id"])
            found.state = "POSTED"
            machine.control_total_paise += found.amount_paise
            session.commit()
            return {"kind": "receipt"}
    return {"kind": "goodbye"}


async def call(number: int, port: int, times: int) -> int:
    """Recharge a machine so many times, each on a line of its own; gives how many."""
    licence, complete = f"N{number:06d}", 0
    for _ in range(times):
        reader, writer = await asyncio.open_connection(HOST, port)
        told: dict[str, Any] = {}
        for asked in (
            {"kind": "hello"},
            {"kind": "recharge", "amount_paise": AMOUNT_PAISE},
            {"kind": "confirm"},
            {"kind": "goodbye"},
        ):
            said = {"licence": licence, "id": told.get("id"), **asked}
            writer.write(json.dumps(said).encode() + b"\n")
            told = json.loads(await reader.readline())
            complete += told["kind"] == "receipt"
        writer.close()
    return complete
