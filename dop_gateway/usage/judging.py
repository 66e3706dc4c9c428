"""Whether to believe a dial-in: what the machine signed, and what was taken before.

Rules of this module:

- It is pure. The first fault is told: what follows rests on what came before it.
- Only what the machine signed is believed. The signature covers the digest of the
  products, so a maker can tell no others; it can tell none, which is no fault, because
  a line may break before the products came.
- Dial-ins may come in any order, in files that come in any order: each is held against
  the nearest lower and the nearest higher number that was taken.

Source: SPEC.md DLG-3, DLG-4, DLG-9, REG-2, REG-3.
"""

from collections.abc import Iterator, Mapping

from dop_gateway.usage.model import (
    DialIn,
    Known,
    Neighbour,
    Objection,
    UsageFault,
)
from protocol.errors import RemoteProtocolError
from protocol.keys import SIGNATURE_OCTETS, MachineCredential
from protocol.messages import Statement, UsageRow, decode_message
from protocol.usage import usage_digest
from protocol.values import Paise, show_rupees

CONTEXT = "STATEMENT"
"""Of the signature; it covers the binding of the channel and the octets before it."""


def objection_to(
    dial_in: DialIn, signer: MachineCredential, known: Known
) -> Objection | None:
    """Say why a dial-in is refused, or nothing.

    Args:
        dial_in: As the file tells it.
        signer: The machine whose licence the line names.
        known: What was taken of that machine before.
    """
    message = read_statement(dial_in.statement)
    if message is None:
        count = len(dial_in.statement)
        return Objection(UsageFault.NOT_READABLE, f"{count} octets of no STATEMENT")
    return (
        _signature(dial_in, message, signer)
        or next(_altered(dial_in, message), None)
        or _products(dial_in, message)
        or _neighbours(dial_in, message, known)
        or _classes(dial_in, known)
    )


def read_statement(octets: bytes) -> Statement | None:
    """Read octets as a STATEMENT; None if they are none."""
    try:
        message = decode_message(octets)
    except RemoteProtocolError:
        return None
    return message if isinstance(message, Statement) else None


def has_products(dial_in: DialIn, message: Statement) -> bool:
    """Whether the usage of a machine up to this dial-in is known by class.

    Args:
        dial_in: One that nothing is objected to.
        message: What it signed.
    """
    return bool(dial_in.products) or message.usage_digest == usage_digest(())


def _signature(
    dial_in: DialIn, message: Statement, signer: MachineCredential
) -> Objection | None:
    named = (message.licence, message.psd_serial)
    if named != (dial_in.licence, signer.psd_serial.encode("ascii")):
        serial = message.psd_serial.decode("ascii", "replace")
        detail = f"it is of {message.licence} in PSD {serial!r}"
        return Objection(UsageFault.OTHER_MACHINE, detail)
    covered = dial_in.binding + dial_in.statement[:-SIGNATURE_OCTETS]
    if not signer.verify(CONTEXT, covered, message.signature):
        detail = f"the signature of {dial_in.licence} fails"
        return Objection(UsageFault.NOT_SIGNED, detail)
    return None


def _altered(dial_in: DialIn, message: Statement) -> Iterator[Objection]:
    registers = message.registers
    for name, told, signed in (
        ("dial-in", dial_in.number, message.dial_in),
        ("AR", dial_in.ascending_paise, registers.ascending_paise),
        ("DR", dial_in.descending_paise, registers.descending_paise),
        ("CT", dial_in.control_total_paise, registers.control_total_paise),
        ("items", dial_in.items, registers.items),
    ):
        if told != signed:
            shown = f"{name} {_show(name, told)} is told, {_show(name, signed)} signed"
            yield Objection(UsageFault.ALTERED, shown)
    if not registers.balanced:
        detail = (
            f"AR {show_rupees(registers.ascending_paise)}, "
            f"DR {show_rupees(registers.descending_paise)}, "
            f"CT {show_rupees(registers.control_total_paise)}"
        )
        yield Objection(UsageFault.UNBALANCED, detail)


def _products(dial_in: DialIn, message: Statement) -> Objection | None:
    if not dial_in.products:
        return None
    classes = [row.product_class for row in dial_in.products]
    if len(set(classes)) != len(classes):
        return Objection(UsageFault.OTHER_PRODUCTS, "a class stands there twice")
    if any(row.items < 1 or row.product_class < 1 for row in dial_in.products):
        return Objection(UsageFault.OTHER_PRODUCTS, "a class without items is told")
    if usage_digest(dial_in.products) != message.usage_digest:
        detail = f"the digest of {len(classes)} classes is not the one signed"
        return Objection(UsageFault.OTHER_PRODUCTS, detail)
    return None


def _neighbours(dial_in: DialIn, message: Statement, known: Known) -> Objection | None:
    if known.same is not None and known.same.statement != dial_in.statement:
        detail = f"dial-in {dial_in.number} was told before"
        return Objection(UsageFault.SAID_OTHERWISE, detail)
    own = (dial_in.ascending_paise, dial_in.items)
    before, after = known.before, known.after
    if before is not None and _fell((before.ascending_paise, before.items), own):
        return _went_back(before, dial_in)
    if after is not None and _fell(own, (after.ascending_paise, after.items)):
        return _went_back(after, dial_in)
    rise = dial_in.ascending_paise - known.began_paise
    if rise < 0 or (has_products(dial_in, message) and dial_in.products_paise != rise):
        return _not_the_sum(dial_in, known.began_paise)
    return None


def _classes(dial_in: DialIn, known: Known) -> Objection | None:
    if not dial_in.products:
        return None
    own = {row.product_class: row for row in dial_in.products}
    for earlier, later in (
        (_rows(known.classes_before), own),
        (own, _rows(known.classes_after)),
    ):
        if earlier is None or later is None:
            continue
        for product_class, row in sorted(earlier.items()):
            now = later.get(product_class)
            if now is None or _fell(
                (row.amount_paise, row.items), (now.amount_paise, now.items)
            ):
                detail = f"class {product_class} has become less"
                return Objection(UsageFault.WENT_BACK, detail)
    return None


def _rows(neighbour: Neighbour | None) -> Mapping[int, UsageRow] | None:
    return None if neighbour is None else neighbour.products


def _fell(earlier: tuple[int, int], later: tuple[int, int]) -> bool:
    """Whether AR or items have become less, or one rose without the other (REG-2)."""
    paise, items = later[0] - earlier[0], later[1] - earlier[1]
    return paise < items or items < 0 or (items == 0 and paise != 0)


def _went_back(neighbour: Neighbour, dial_in: DialIn) -> Objection:
    detail = (
        f"dial-in {dial_in.number} has AR {show_rupees(dial_in.ascending_paise)} and "
        f"{dial_in.items} items, dial-in {neighbour.number} has "
        f"{show_rupees(neighbour.ascending_paise)} and {neighbour.items}"
    )
    return Objection(UsageFault.WENT_BACK, detail)


def _not_the_sum(dial_in: DialIn, began: Paise) -> Objection:
    rise = Paise(dial_in.ascending_paise - began)
    detail = (
        f"{show_rupees(Paise(dial_in.products_paise))} by class, "
        f"{show_rupees(rise)} by AR since the life began"
    )
    return Objection(UsageFault.NOT_THE_SUM, detail)


def _show(name: str, value: int) -> str:
    return str(value) if name in {"dial-in", "items"} else show_rupees(Paise(value))
