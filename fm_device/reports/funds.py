"""Reports about value: the registers, one recharge, the last five.

A funds report is evidence for whoever services the machine, so it is printed even when
its registers do not agree, and says so; a receipt that does not add up is not printed.
"""

from typing import Any, Final

from fm_device.reports.document import (
    Column,
    Fit,
    Lines,
    Note,
    Report,
    Section,
    Table,
    document_of,
    show_amount,
    show_clock,
    show_figure,
    show_moment,
)
from fm_device.reports.facts import FundsFacts, MachineFacts, RechargeFacts
from protocol.errors import InvariantError
from protocol.registers import VoucherKind, effect_paise
from protocol.values import Paise, show_rupees

RECHARGES_SHOWN: Final = 5

_KINDS: Final = {
    VoucherKind.RECHARGE: ("Recharge", "Funds added"),
    VoucherKind.WITHDRAWAL: ("Withdrawal", "Funds given back"),
    VoucherKind.VOID: ("Taken back", "Funds added"),
    VoucherKind.REFUND: ("Refund", "Funds given back"),
}
"""What a voucher did, and what its amount is called (SPEC.md DLG-5)."""


def funds(machine: MachineFacts, facts: FundsFacts) -> Report:
    """Report the registers and the batch."""
    registers = facts.registers
    zero = registers.items_with_zero - registers.items
    blocks: tuple[Lines | Note, ...] = (
        Lines(
            "Registers",
            (
                ("Ascending (used)", show_amount(registers.ascending_paise)),
                ("Descending (available)", show_amount(registers.descending_paise)),
                ("Control total", show_amount(registers.control_total_paise)),
            ),
        ),
        Lines(
            "Items",
            (
                ("Franks with a value", f"{registers.items:,}"),
                ("Zero imprints", f"{zero:,}"),
                ("All imprints", f"{registers.items_with_zero:,}"),
            ),
        ),
        Lines(
            "Batch",
            (
                ("Items", f"{facts.batch_items:,}"),
                ("Value", show_amount(facts.batch_paise)),
            ),
        ),
    )
    if not registers.balanced:
        blocks += (Note("The registers do not agree: call the maker's service."),)
    return Report(
        "funds",
        machine,
        document_of(machine, "Funds", blocks),
        {
            "ascending_paise": registers.ascending_paise,
            "descending_paise": registers.descending_paise,
            "control_total_paise": registers.control_total_paise,
            "balanced": registers.balanced,
            "items": registers.items,
            "items_with_zero": registers.items_with_zero,
            "batch_items": facts.batch_items,
            "batch_paise": facts.batch_paise,
        },
    )


def recharge_receipt(machine: MachineFacts, facts: RechargeFacts) -> Report:
    """Report what one voucher did.

    Raises:
        InvariantError: The funds before it and its amount do not make those after it.
    """
    _check(facts)
    kind, amount = _KINDS[facts.kind]
    left = facts.server_funds_paise
    voucher = Lines(
        "",
        (
            ("Recharge number", str(facts.number)),
            ("Kind", kind),
            ("Applied", show_moment(facts.time)),
        ),
    )
    value = Lines(
        "",
        (
            ("Previous funds", show_amount(facts.before_paise)),
            (amount, show_amount(Paise(abs(_change(facts))))),
            ("Funds available", show_amount(facts.after_paise)),
            ("Left at the server", "not known" if left is None else show_amount(left)),
        ),
    )
    document = document_of(
        machine,
        "Recharge receipt",
        (voucher, value),
        reference=f"{machine.licence} / {facts.number}",
    )
    return Report("recharge-receipt", machine, document, _figures(facts))


def last_recharges(
    machine: MachineFacts, recharges: tuple[RechargeFacts, ...]
) -> Report:
    """Report the last five vouchers, the newest first.

    Raises:
        InvariantError: One of them does not add up.
    """
    newest = sorted(recharges, key=lambda recharge: recharge.number, reverse=True)
    shown = newest[:RECHARGES_SHOWN]
    for facts in shown:
        _check(facts)
    columns = (
        Column("No.", Fit.FIGURE),
        Column("Time (IST)", Fit.WHOLE),
        Column("Kind", Fit.WHOLE),
        Column("Amount Rs", Fit.FIGURE),
        Column("Funds after Rs", Fit.FIGURE),
    )
    rows = tuple(
        (
            str(facts.number),
            show_clock(facts.time),
            _KINDS[facts.kind][0],
            show_figure(Paise(_change(facts))),
            show_figure(facts.after_paise),
        )
        for facts in shown
    )
    block = Table("", columns, (Section("", rows),)) if rows else Note("None yet.")
    return Report(
        "last-recharges",
        machine,
        document_of(machine, "Last five recharges", (block,)),
        {"recharges": [_figures(facts) for facts in shown]},
    )


def _change(facts: RechargeFacts) -> int:
    return effect_paise(facts.kind, facts.amount_paise)


def _check(facts: RechargeFacts) -> None:
    if facts.before_paise + _change(facts) != facts.after_paise:
        raise InvariantError(
            f"recharge {facts.number}: {show_rupees(facts.before_paise)} and a "
            f"{facts.kind.name} of {show_rupees(facts.amount_paise)} do not make "
            f"{show_rupees(facts.after_paise)}; nothing is printed"
        )


def _figures(facts: RechargeFacts) -> dict[str, Any]:
    return {
        "recharge_number": facts.number,
        "kind": facts.kind.name,
        "amount_paise": facts.amount_paise,
        "before_paise": facts.before_paise,
        "after_paise": facts.after_paise,
        "time": facts.time,
        "server_funds_paise": facts.server_funds_paise,
    }
