"""Keys of FMP/1: who may prove what to whom, and how keys get to those who need them.

Start with `identities` (who holds which key), then `signing` (what a signature covers)
and `provisioning` (how public keys travel). SPEC.md KEY is the normative text.
"""

from protocol.keys.ccs import CREDENTIAL_HASH_OCTETS, credential_hash, encode_ccs
from protocol.keys.identities import (
    MACHINE_IMAGE_OCTETS,
    PSD_SERIAL_OCTETS,
    SERVER_KID_MAX,
    CreditKey,
    MachineCredential,
    MachineIdentity,
    MakerKey,
    MakerPublicKey,
    ServerCredential,
    ServerIdentity,
)
from protocol.keys.pem import (
    read_private_key,
    read_public_key,
    write_private_key,
    write_public_key,
)
from protocol.keys.points import (
    KeyMaterialError,
    Point,
    draw_scalar,
    is_x_of_a_point,
    public_point,
)
from protocol.keys.provisioning import (
    MachineProvisioning,
    ProvisioningError,
    ProvisioningFault,
    ServerProvisioning,
    read_machine_provisioning,
    read_server_provisioning,
    write_provisioning,
)
from protocol.keys.realms import Realm, decode_realm
from protocol.keys.signing import (
    SIGNATURE_OCTETS,
    Signer,
    SigningKey,
    VerifyingKey,
    sign,
    signature_from_der,
    signature_to_der,
    signed_octets,
    verify,
)

__all__ = [
    "CREDENTIAL_HASH_OCTETS",
    "MACHINE_IMAGE_OCTETS",
    "PSD_SERIAL_OCTETS",
    "SERVER_KID_MAX",
    "SIGNATURE_OCTETS",
    "CreditKey",
    "KeyMaterialError",
    "MachineCredential",
    "MachineIdentity",
    "MachineProvisioning",
    "MakerKey",
    "MakerPublicKey",
    "Point",
    "ProvisioningError",
    "ProvisioningFault",
    "Realm",
    "ServerCredential",
    "ServerIdentity",
    "ServerProvisioning",
    "Signer",
    "SigningKey",
    "VerifyingKey",
    "credential_hash",
    "decode_realm",
    "draw_scalar",
    "encode_ccs",
    "is_x_of_a_point",
    "public_point",
    "read_machine_provisioning",
    "read_private_key",
    "read_public_key",
    "read_server_provisioning",
    "sign",
    "signature_from_der",
    "signature_to_der",
    "signed_octets",
    "verify",
    "write_private_key",
    "write_provisioning",
    "write_public_key",
]
