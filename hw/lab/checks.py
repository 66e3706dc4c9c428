"""Clauses that one message can be held against, whoever has heard it.

The bench holds what comes against them, at either end; so does whoever listens to both
ends. Each check takes a message and what is known, and gives what is broken.
"""

from collections.abc import Mapping

from hw.lab.side import Breach, number, octets
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
) -> list[Breach]:
    """Check whose a STATEMENT or CONFIRMATION is (DLG-3).

    Args:
        table: Its layout.
        fields: Its fields.
        body: The message.
        binding: Of the channel; 32 octets.
        credential: Of the machine that the channel has proved.
    """
    found = []
    if not _is_made_out_to(fields, credential):
        found.append(Breach("DLG-3.1", "the licence is not the one that was proved"))
    covered, signature = _parted(body)
    if not credential.verify(table.type.name, binding + covered, signature):
        found.append(Breach("DLG-3.2", "the signature does not verify"))
    return found


def possible(registers: Registers) -> list[Breach]:
    """Check that registers add up (REG-2)."""
    if registers.balanced:
        return []
    return [Breach("REG-2", "AR + DR is not CT, or more items than items with zero")]


def voucher_for(
    fields: Mapping[str, FieldValue],
    body: bytes,
    server: ServerCredential,
    credential: MachineCredential,
    *,
    registers: Registers,
    recharge_number: int,
) -> list[Breach]:
    """Check that a VOUCHER is genuine, and made out to a machine as it stands.

    Args:
        fields: Its fields.
        body: The voucher.
        server: Whose credit keys count.
        credential: The machine's.
        registers: As it has stated them.
        recharge_number: Of the voucher that it has applied last.
    """
    found = []
    covered, signature = _parted(body)
    key_id = number(fields, "credit_key")
    if not server.verify(key_id, VOUCHER_CONTEXT, covered, signature):
        found.append(Breach("DLG-5", "the signature of the voucher does not verify"))
    if not _is_made_out_to(fields, credential):
        found.append(Breach("REG-6", "the voucher is made out to another licence"))
    if octets(fields, "credential_hash") != credential.credential_hash:
        found.append(Breach("REG-6", "the voucher is made out to other keys"))
    if number(fields, "recharge_number") != recharge_number + 1:
        found.append(Breach("REG-8", "the number is not one more than the last"))
    before = registers.control_total_paise
    effect = effect_paise(
        VoucherKind(number(fields, "kind")), Paise(number(fields, "amount_paise"))
    )
    if number(fields, "control_total_before_paise") != before:
        found.append(Breach("REG-6", "CT before is not the one that was stated"))
    if number(fields, "control_total_after_paise") != before + effect:
        found.append(Breach("REG-4", "CT after does not follow from the amount"))
    return found


def _is_made_out_to(
    fields: Mapping[str, FieldValue], credential: MachineCredential
) -> bool:
    return octets(fields, "licence") == credential.licence_identifier.encode("ascii")


def _parted(body: bytes) -> tuple[bytes, bytes]:
    """Part a signed message into what is signed, and the signature."""
    return body[:-SIGNATURE_OCTETS], body[-SIGNATURE_OCTETS:]
