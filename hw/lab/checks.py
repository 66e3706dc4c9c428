"""Clauses that one message can be held against, whoever has heard it.

The bench holds what comes against them, at either end; so does whoever listens to both
ends. Each check takes a message and what is known, and gives what is broken.
"""

from collections.abc import Mapping

from hw.lab.side import Findings, number, octets
from protocol.keys import MachineCredential, ServerCredential
from protocol.messages import SIGNATURE_OCTETS, MessageTable
from protocol.messages.codec import FieldValue
from protocol.registers import Registers, VoucherKind, effect_paise
from protocol.values import Paise
from protocol.vouchers import VOUCHER_CONTEXT


def signed_by_machine(
    table: MessageTable,
    fields: Mapping[str, FieldValue],
    body: bytes,
    binding: bytes,
    credential: MachineCredential,
) -> Findings:
    """Check whose a STATEMENT or CONFIRMATION is (DLG-3).

    Args:
        table: Its layout.
        fields: Its fields.
        body: The message.
        binding: Of the channel; 32 octets.
        credential: Of the machine that the channel has proved.
    """
    found = from_machine(fields, credential)
    covered, signature = _parted(body)
    genuine = credential.verify(table.type.name, binding + covered, signature)
    found.look("DLG-3.2", genuine, "the signature does not verify")
    return found


def from_machine(
    fields: Mapping[str, FieldValue], credential: MachineCredential
) -> Findings:
    """Check under which licence identifier a machine speaks (DLG-3.1)."""
    found = Findings()
    ours = _is_made_out_to(fields, credential)
    found.look("DLG-3.1", ours, "the licence is not the one that was proved")
    return found


def not_said_by(sender: str, table: MessageTable) -> Findings:
    """Note a message that is the other end's."""
    found = Findings()
    said_by_it = table.sender == sender
    found.look("DLG-1.3", said_by_it, f"a {sender} does not send {table.type.name}")
    return found


def possible(registers: Registers) -> Findings:
    """Check that registers add up (REG-2)."""
    found = Findings()
    words = "AR + DR is not CT, or more items than items with zero"
    found.look("REG-2", registers.balanced, words)
    return found


def voucher_for(
    fields: Mapping[str, FieldValue],
    body: bytes,
    server: ServerCredential,
    credential: MachineCredential,
    *,
    registers: Registers,
    recharge_number: int,
) -> Findings:
    """Check that a VOUCHER is genuine, and made out to a machine as it stands.

    Args:
        fields: Its fields.
        body: The voucher.
        server: Whose credit keys count.
        credential: The machine's.
        registers: As it has stated them.
        recharge_number: Of the voucher that it has applied last.
    """
    found = Findings()
    covered, signature = _parted(body)
    key_id = number(fields, "credit_key")
    genuine = server.verify(key_id, VOUCHER_CONTEXT, covered, signature)
    found.look("DLG-5", genuine, "the signature of the voucher does not verify")
    ours = octets(fields, "credential_hash") == credential.credential_hash
    found.look("REG-6", ours, "the voucher is made out to other keys")
    found += voucher_fits(
        fields, credential, registers=registers, recharge_number=recharge_number
    )
    return found


def voucher_fits(
    fields: Mapping[str, FieldValue],
    credential: MachineCredential,
    *,
    registers: Registers,
    recharge_number: int,
) -> Findings:
    """Check what of a VOUCHER needs no key.

    Args:
        fields: Its fields.
        credential: The machine's; its licence identifier counts.
        registers: As it has stated them.
        recharge_number: Of the voucher that it has applied last.
    """
    found = Findings()
    ours = _is_made_out_to(fields, credential)
    found.look("REG-6", ours, "the voucher is made out to another licence")
    next_number = number(fields, "recharge_number") == recharge_number + 1
    found.look("REG-8", next_number, "the number is not one more than the last")
    before = registers.control_total_paise
    effect = effect_paise(
        VoucherKind(number(fields, "kind")), Paise(number(fields, "amount_paise"))
    )
    fits = number(fields, "control_total_before_paise") == before
    found.look("REG-6", fits, "CT before is not the one that was stated")
    follows = number(fields, "control_total_after_paise") == before + effect
    found.look("REG-4", follows, "CT after does not follow from the amount")
    return found


def _is_made_out_to(
    fields: Mapping[str, FieldValue], credential: MachineCredential
) -> bool:
    return octets(fields, "licence") == credential.licence_identifier.encode("ascii")


def _parted(body: bytes) -> tuple[bytes, bytes]:
    """Part a signed message into what is signed, and the signature."""
    return body[:-SIGNATURE_OCTETS], body[-SIGNATURE_OCTETS:]
