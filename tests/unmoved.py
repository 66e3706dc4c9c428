"""What must be the same before and after a machine or server misbehaved.

Three degrees, as SPEC.md has them: an ERROR stores nothing at all (CHAN-9.1, DLG-3.3);
a REFUSAL moves no money (DLG-8); a discrepancy moves none either, but is recorded and
freezes the account (DLG-8.1). Every row of the books is compared, and the machine's
memory octet by octet.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from protocol.messages import RefusalCode
from rmfs_server.store import schema
from rmfs_server.store.schema import REGISTER_NAMES, RechargeState
from tests.system import LICENCE, System

_MONEY = ("account", "balance", "journal", "entry", "fund_file", "fund_line", "usage")
_OPEN = (RechargeState.RESERVED.name, RechargeState.FROZEN.name)


def money_of(system: System) -> dict[str, Any]:
    """Gather balances, registers and vouchers: all that a REFUSAL must not change."""
    dump = system.dump()
    found: dict[str, Any] = {name: dump[name] for name in _MONEY}
    found["fund_credit"] = dump["fund_credit"]
    with system.store.reading() as connection:
        rows = connection.execute(select(schema.recharge)).mappings().all()
        # A discrepancy marks an open recharge as FROZEN; it stays what it is.
        found["recharge"] = [
            {**row, "state": "OPEN" if row["state"] in _OPEN else row["state"]}
            for row in rows
        ]
        machines = connection.execute(select(schema.machine)).mappings().all()
        kept = ("licence", "base_paise", "settled_paise", "number")
        registers = tuple(f"last_{name}" for name in REGISTER_NAMES)
        found["machine"] = [
            {name: row[name] for name in (*kept, *registers)} for row in machines
        ]
    return found


@contextmanager
def nothing_is_stored(system: System) -> Iterator[None]:
    """Check that the block changes no row of the books and no octet of the machine."""
    rows, image = system.dump(), system.nvram.image()
    yield
    assert system.dump() == rows
    assert system.nvram.image() == image
    system.check_money()


@contextmanager
def no_money_moves(system: System) -> Iterator[None]:
    """Check that the block changes no balance, register or voucher, at either side."""
    money, registers = money_of(system), system.psd().record.registers
    yield
    assert money_of(system) == money
    assert system.psd().record.registers == registers
    system.check_money()


@contextmanager
def it_only_freezes(system: System, code: RefusalCode) -> Iterator[None]:
    """Check that the block moves no money, and records one discrepancy and a freeze."""
    before, frozen = found_discrepancies(system), system.frozen()
    with no_money_moves(system):
        yield
    recorded = [] if code is RefusalCode.ACCOUNT_FROZEN else [code.name]
    assert found_discrepancies(system) == before + recorded
    assert frozen is (code is RefusalCode.ACCOUNT_FROZEN)
    assert system.frozen()
    assert open_states(system) in ([], [RechargeState.FROZEN.name])


def found_discrepancies(system: System) -> list[str]:
    """List the codes of all that was ever found, oldest first."""
    table = schema.discrepancy
    query = select(table.c.code).where(table.c.licence == LICENCE).order_by(table.c.id)
    with system.store.reading() as connection:
        return list(connection.execute(query).scalars())


def open_states(system: System) -> list[str]:
    """List the states of the recharges that are not settled."""
    table = schema.recharge
    query = select(table.c.state).where(table.c.state.in_(_OPEN))
    with system.store.reading() as connection:
        return list(connection.execute(query).scalars())
