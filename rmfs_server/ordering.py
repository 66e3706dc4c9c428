"""Orders to machines: what may be ordered, and what speaks against it in the books.

Source: SPEC.md DLG-10.
"""

from typing import Final

from sqlalchemy import Connection

from protocol.contents import ContentKind
from protocol.contents.slogan import SLOGAN_NUMBER_MAX
from protocol.keys.identities import CREDIT_KEY_ID_MAX
from protocol.messages import CONTENT_ORDERS, OrderKind, Voucher
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, LicenceIdentifier, OrderSerial
from rmfs_server.contents import OrderedContent
from rmfs_server.finding import machine_of
from rmfs_server.keyring import CreditKeys
from rmfs_server.refusals import (
    AlreadyWaitingError,
    MoveRefusedError,
    NotNewerError,
)
from rmfs_server.store import (
    acts,
    contents,
    credit_keys,
    machines,
    messages,
    orders,
    recharges,
)
from rmfs_server.store.acts import By
from rmfs_server.store.machines import Machine
from rmfs_server.store.orders import StoredOrder

ORDER_VALUES: Final = {
    OrderKind.CLOCK: range(U32_MAX + 1),
    OrderKind.LOCK: range(2**63),
    OrderKind.UNLOCK: range(2**63),
    OrderKind.NEXT_CALL: range(U32_MAX + 1),
    OrderKind.FRANK_LIMIT: range(AMOUNT_PAISE_MAX + 1),
    OrderKind.FUNDS_LIMIT: range(AMOUNT_PAISE_MAX + 1),
    OrderKind.RETIRE_CREDIT_KEY: range(CREDIT_KEY_ID_MAX + 1),
    OrderKind.SLOGAN_OFF: range(1, SLOGAN_NUMBER_MAX + 1),
}
"""What may be ordered with a value, and which (SPEC.md DLG-10).

A reason goes as far as a database does. NOTHING is no order but one that was taken
back; what brings a content is ordered with `Administration.order_content`.
"""

CREDIT_KEYS_PER_PSD: Final = 4
"""As many as every PSD of this maker has room for."""


def add_order(
    connection: Connection,
    identifier: LicenceIdentifier,
    kind: OrderKind,
    value: int,
    by: By,
    *,
    repeat: bool,
) -> OrderSerial:
    """Give a machine an order whose value was checked; see `Administration.order`.

    Raises:
        AlreadyWaitingError: It is the last order of the machine, and still waits.
        MoveRefusedError: The books speak against it.
    """
    machine = machine_of(connection, identifier)
    if kind is OrderKind.RETIRE_CREDIT_KEY:
        _check_retirement(connection, machine, value)
    return _store_order(connection, machine, kind, value, by, repeat=repeat)


def add_content_order(
    connection: Connection,
    identifier: LicenceIdentifier,
    ordered: OrderedContent,
    by: By,
    keys: CreditKeys,
    *,
    repeat: bool,
) -> OrderSerial:
    """Keep a content and give an order that brings it.

    See `Administration.order_content`.

    Raises:
        AlreadyWaitingError: It is the last order of the machine, and still waits.
        MoveRefusedError: The content or the books speak against it.
        NotNewerError: The machine runs this firmware already, or a newer one.
    """
    content = ordered.content
    machine = machine_of(connection, identifier)
    enrolled = machines.find_enrolled(connection, identifier)
    if enrolled is None:
        raise MoveRefusedError(f"no machine is enrolled as {identifier}")
    if content.model not in ("", enrolled.model):
        message = f"{ordered.name} is for machines of model {content.model}"
        raise MoveRefusedError(f"{message}: {identifier} is {enrolled.model}")
    realm = enrolled.credential.realm
    if content.realm is not realm:
        message = f"{ordered.name} is of realm {content.realm.name}"
        raise MoveRefusedError(f"{message}: {identifier} is of {realm.name}")
    ordered.check_credit_key(keys)
    if content.kind is ContentKind.CREDIT_KEY:
        _check_room(connection, machine, content.number)
    if content.kind is ContentKind.FIRMWARE:
        _check_newer(connection, machine, content.number)
    stored = contents.add(connection, content, ordered.name, by.now)
    kind, value = stored.kind, stored.content_id
    return _store_order(connection, machine, kind, value, by, repeat=repeat)


def take_back(
    connection: Connection, identifier: LicenceIdentifier, serial: OrderSerial, by: By
) -> StoredOrder:
    """Take an order back; see `Administration.take_back`.

    Raises:
        MoveRefusedError: It cannot be taken back any more.
    """
    machine_of(connection, identifier)
    found = orders.find(connection, identifier, serial)
    if found is None:
        raise MoveRefusedError(f"{identifier} has no order {serial}")
    if found.acknowledged_at is not None:
        message = f"{identifier} has acknowledged order {serial}"
        raise MoveRefusedError(f"{message}: give another order that undoes it")
    if found.taken_back_at is not None:
        raise MoveRefusedError(f"order {serial} was taken back before")
    orders.take_back(connection, identifier, serial, by.now)
    acts.add(
        connection,
        identifier,
        "take_back",
        by,
        kind=found.order.order.name,
        **told_value(found.order.order, found.order.value),
        serial=serial,
        was_sent=found.sent_at is not None,
    )
    return found


def check_order_value(kind: OrderKind, value: int) -> None:
    """Check what an order carries before anything is stored: it could not be sent.

    Raises:
        MoveRefusedError: It is not what the kind allows, or the kind takes no value.
    """
    allowed = ORDER_VALUES.get(kind)
    if allowed is None:
        brings = "it brings a content" if kind in CONTENT_ORDERS else "take one back"
        raise MoveRefusedError(f"{kind.name} is not ordered with a value: {brings}")
    if value not in allowed:
        message = f"the value of {kind.name} is {value}"
        first, last = allowed[0], allowed[-1]
        raise MoveRefusedError(f"{message}: it must be from {first} to {last}")


def told_value(kind: OrderKind, value: int) -> dict[str, int | str]:
    """Name the value of an order; a content id in hex, as it is shown everywhere."""
    if kind in CONTENT_ORDERS:
        return {"content": f"{value:016x}"}
    return {"value": value}


def _store_order(
    connection: Connection,
    machine: Machine,
    kind: OrderKind,
    value: int,
    by: By,
    *,
    repeat: bool,
) -> OrderSerial:
    waiting = None if repeat else orders.last_waiting(connection, machine.licence)
    if waiting is not None and (waiting.order, waiting.value) == (kind, value):
        message = f"order {waiting.order_serial} of {machine.licence}"
        raise AlreadyWaitingError(f"{message} is the same, and still waits")
    serial = orders.add(
        connection,
        machine.licence,
        kind,
        value,
        by.now,
        applied=machine.order_serial,
    )
    if serial is None:
        message = f"no serial is left for an order to {machine.licence}"
        raise MoveRefusedError(
            f"{message}: withdraw the machine and re-initialise it under a new licence"
        )
    acts.add(
        connection,
        machine.licence,
        "order",
        by,
        kind=kind.name,
        **told_value(kind, value),
        serial=serial,
    )
    return serial


def _check_retirement(connection: Connection, machine: Machine, key_id: int) -> None:
    """Check that nothing signed by a key is outstanding, and that one is left."""
    licence = machine.licence
    known = credit_keys.known_to(connection, machine)
    if key_id not in known:
        message = f"{licence} is not known to hold credit key {key_id}"
        words = ", ".join(str(one) for one in sorted(known)) or "none"
        raise MoveRefusedError(f"{message}: it holds {words}")
    if known == {key_id}:
        message = f"credit key {key_id} is the last that {licence} holds"
        raise MoveRefusedError(
            f"{message}: order another one, and wait until that is acknowledged"
        )
    opened = recharges.find_open(connection, licence)
    for octets in () if opened is None else (opened.voucher, opened.void):
        if octets is not None and Voucher.decode(octets).credit_key == key_id:
            message = (
                f"credit key {key_id} has signed what is outstanding for {licence}"
            )
            raise MoveRefusedError(f"{message}: wait until it is settled")


def _check_room(connection: Connection, machine: Machine, key_id: int) -> None:
    """Check that a PSD has room for one key more: it would stand still in its orders.

    What an order that still waits brings is counted, what one retires is not.
    """
    known = credit_keys.known_to(connection, machine)
    coming = {
        one.number
        for one in orders.all_of(connection, machine.licence, [OrderKind.CREDIT_KEY])
        if one.acknowledged_at is None and one.taken_back_at is None
    }
    if len(known | coming | {key_id}) > CREDIT_KEYS_PER_PSD:
        message = f"{machine.licence} holds {len(known | coming)} credit keys"
        raise MoveRefusedError(
            f"{message}, and there is no room for more: order retire-credit-key first"
        )


def _check_newer(connection: Connection, machine: Machine, version: int) -> None:
    """Check that a firmware is above the one that the machine named last.

    A machine passes an older one over, or, with an older firmware, waits with it and
    with all orders behind it.
    """
    told = messages.last_statement(connection, machine.licence)
    if told is None:
        return
    runs = (told.firmware_major, told.firmware_minor, told.firmware_patch)
    if (version >> 16, version >> 8 & 0xFF, version & 0xFF) <= runs:
        shown = ".".join(map(str, runs))
        message = f"{machine.licence} runs firmware {shown}"
        raise NotNewerError(f"{message}: order one with a higher version")
