"""Evidence of one recharge: a folder that anybody can verify without this server.

It holds what was signed, octet for octet: the STATEMENT that asked, the VOUCHER (and
the VOID that took it back, if one did), and what settled it, a CONFIRMATION or the
machine's next STATEMENT. Beside each message lie the channel's binding that its
signature covers, the exact octets under the signature, and the signature as DER; then
the public keys as PEM; where another credit key signed the VOID than the voucher, that
one, too. `evidence.json` says in words what the octets say; it is made
from the other files alone, and so is checked by making it again.

Source: SPEC.md DLG-3 (what a signature covers), REG-5 (arithmetic); design section 3.
"""

from rmfs_server.evidence.collecting import collect
from rmfs_server.evidence.contents import describe
from rmfs_server.evidence.folder import EvidenceError, read_folder, write_folder
from rmfs_server.evidence.verifying import Finding, verify_evidence

__all__ = [
    "EvidenceError",
    "Finding",
    "collect",
    "describe",
    "read_folder",
    "verify_evidence",
    "write_folder",
]
