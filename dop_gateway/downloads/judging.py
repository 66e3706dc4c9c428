"""Whether to believe a line: what the machine signed, and what the voucher says.

Rules of this module:

- It is pure. The first fault is told: what follows rests on what came before it.
- The machine signs its licence, the number of the last voucher that it applied and its
  registers, over the binding of its channel; so CT before and after a voucher are both
  the machine's own word, and the amount is what lies between them. Whose credit key
  signed the voucher plays no part: the machine has checked that.

Source: SPEC.md DLG-3, DLG-4, DLG-6, REG-4, REG-5.
"""

from collections.abc import Iterator

from dop_gateway.downloads.model import Download, DownloadFault, Objection, Signer
from protocol.errors import RemoteProtocolError
from protocol.keys import SIGNATURE_OCTETS
from protocol.messages import Confirmation, MessageType, Statement, Voucher
from protocol.registers import Registers
from protocol.values import Paise, show_rupees

SETTLING = {
    MessageType.CONFIRMATION: Confirmation,
    MessageType.STATEMENT: Statement,
}
"""The messages that settle a voucher."""


def objection_to(download: Download, signer: Signer | None) -> Objection | None:
    """Say why a line is not what a machine signed, or nothing.

    Args:
        download: As the file tells it.
        signer: The machine that is registered for its licence; None without a key.
    """
    if signer is None:
        detail = f"{download.licence} has no signing key"
        return Objection(DownloadFault.NO_KEY, detail)
    message = read_message(download.message)
    if message is None:
        detail = f"{len(download.message)} octets of no CONFIRMATION or STATEMENT"
        return Objection(DownloadFault.NOT_READABLE, detail)
    return (
        _not_signed(download, message, signer)
        or next(_altered(download, message), None)
        or objection_to_voucher(download, signer)
    )


def read_message(octets: bytes) -> Confirmation | Statement | None:
    """Read octets as a message that settles a voucher; None if they are none."""
    kind = SETTLING.get(octets[0]) if octets else None  # type: ignore[call-overload]
    if kind is None:
        return None
    try:
        found: Confirmation | Statement = kind.decode(octets)
    except RemoteProtocolError:
        return None
    return found


def objection_to_voucher(download: Download, signer: Signer) -> Objection | None:
    """Say why a voucher is not the one that a line tells of, or nothing."""
    try:
        voucher = Voucher.decode(download.voucher)
    except RemoteProtocolError:
        detail = f"{len(download.voucher)} octets of no VOUCHER"
        return Objection(DownloadFault.OTHER_VOUCHER, detail)
    if voucher.licence != download.licence or (
        voucher.credential_hash != signer.credential_hash
    ):
        detail = f"it is made out to {voucher.licence} with other keys"
        return Objection(DownloadFault.OTHER_VOUCHER, detail)
    effect = download.effect_paise
    before, after = (
        download.control_total_before_paise,
        download.control_total_after_paise,
    )
    for name, told, says in (
        ("number", str(download.number), str(voucher.recharge_number)),
        ("kind", download.kind.name, voucher.kind.name),
        ("amount", _rs(download.amount_paise), _rs(voucher.amount_paise)),
        ("CT before", _rs(before), _rs(voucher.control_total_before_paise)),
        ("CT after", _rs(after), _rs(voucher.control_total_after_paise)),
        ("CT after", _rs(after), _rs(Paise(before + effect))),
    ):
        if told != says:
            detail = f"{name} {told} is told, {says} is in the voucher"
            return Objection(DownloadFault.OTHER_VOUCHER, detail)
    return None


def _not_signed(
    download: Download, message: Confirmation | Statement, signer: Signer
) -> Objection | None:
    if message.licence != download.licence or (
        isinstance(message, Statement)
        and message.psd_serial != signer.psd_serial.encode("ascii")
    ):
        detail = f"it is of {message.licence}"
        return Objection(DownloadFault.OTHER_MACHINE, detail)
    context = message.TABLE.type.name
    covered = download.binding + download.message[:-SIGNATURE_OCTETS]
    if not signer.verify(context, covered, message.signature):
        detail = f"the signature of {download.licence} fails"
        return Objection(DownloadFault.NOT_SIGNED, detail)
    return None


def _altered(
    download: Download, message: Confirmation | Statement
) -> Iterator[Objection]:
    registers: Registers = message.registers
    after = download.control_total_after_paise
    for name, told, signed in (
        ("number", str(download.number), str(message.recharge_number)),
        ("CT", _rs(after), _rs(registers.control_total_paise)),
        ("AR", _rs(download.ascending_paise), _rs(registers.ascending_paise)),
        ("DR", _rs(download.descending_paise), _rs(registers.descending_paise)),
        ("items", str(download.items), str(registers.items)),
    ):
        if told != signed:
            detail = f"{name} {told} is told, {signed} is signed"
            yield Objection(DownloadFault.ALTERED, detail)
    if not registers.balanced:
        detail = (
            f"AR {_rs(registers.ascending_paise)}, "
            f"DR {_rs(registers.descending_paise)}, "
            f"CT {_rs(registers.control_total_paise)}"
        )
        yield Objection(DownloadFault.UNBALANCED, detail)


def _rs(amount: Paise) -> str:
    return show_rupees(amount)
