"""Keys, provisioning files, fund files and barcodes: what other parties hand over."""

import json
from hashlib import sha256
from typing import Any, Final

from protocol.exchange import ExchangeFileError, encode_fund_file, parse_fund_file
from protocol.indicium import IndiciumError, decode_indicium, encode_unsigned
from protocol.keys import (
    KeyMaterialError,
    MachineIdentity,
    MachineProvisioning,
    ProvisioningError,
    ServerProvisioning,
    read_machine_provisioning,
    read_private_key,
    read_public_key,
    read_server_provisioning,
    sign,
    write_private_key,
    write_provisioning,
    write_public_key,
)
from rmfs_tools.lab.decoders.parties import IDENTITY, MAKER, TRUSTED, clock, new_psd
from rmfs_tools.lab.decoders.target import Target
from rmfs_tools.lab.decoders.vectors import octets_of

_CHECK_OCTETS: Final = 8
_FUNDS: Final = (
    b"H|RMFS-FUNDS|2|FND-N-20261116-01|DCR|N|12|2026-11-16|1|"
    b"2026-11-16T09:00:00+05:30\n"
    b"D|1|N123456|KN0600065|Bharat Stationers, Bengaluru|2000.00|NETBANKING|"
    b"2026-11-16|2026-11-17\n"
    b"C|2|N123456|KN0600065|Bharat Stationers, Bengaluru|-3000.00|NETBANKING|"
    b"2026-11-16|2026-11-17|FND-N-20261101-01|4\n"
    b"T|2|-1000.00\n"
)


def _identity(octets: bytes) -> MachineIdentity:
    """Read an identity whose check is right, whatever it says."""
    return MachineIdentity.decode(octets + sha256(octets).digest()[:_CHECK_OCTETS])


def _machine_papers() -> str:
    return write_provisioning(new_psd().provisioning(clock().now()), MAKER)


def _server_papers() -> str:
    return write_provisioning(ServerProvisioning(TRUSTED, clock().now()), MAKER)


def _signed_again(text: bytes) -> bytes:
    """Let the maker sign whatever octets a file says that it signed."""
    try:
        document: Any = json.loads(text)
        octets = bytes.fromhex(document["signed_octets"])
        signature = sign(MAKER.signing, "PROVISIONING", MAKER.realm, octets)
        document["signature"] = signature.hex()
        return json.dumps(document).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return text


def _read_machine(octets: bytes) -> MachineProvisioning:
    return read_machine_provisioning(_signed_again(octets), [MAKER.public])


def _read_server(octets: bytes) -> ServerProvisioning:
    return read_server_provisioning(_signed_again(octets), [MAKER.public])


def _write(content: MachineProvisioning | ServerProvisioning) -> bytes:
    """Write a file, but for its signature, which is another one each time."""
    document = json.loads(write_provisioning(content, MAKER))
    return json.dumps({**document, "signature": "00" * 64}).encode()


TARGETS: Final = (
    Target(
        "machine-structure",
        "what a maker signs of a machine",
        MachineProvisioning.decode,
        lambda: [new_psd().provisioning(clock().now()).encode()],
        (ProvisioningError,),
        MachineProvisioning.encode,
        octets_max=512,
        watched=("protocol.keys",),
    ),
    Target(
        "server-structure",
        "what a maker signs of a server",
        ServerProvisioning.decode,
        lambda: [ServerProvisioning(TRUSTED, clock().now()).encode()],
        (ProvisioningError,),
        ServerProvisioning.encode,
        octets_max=512,
        watched=("protocol.keys",),
    ),
    Target(
        "machine-papers",
        "provisioning.json of a machine; the maker signs what it says",
        _read_machine,
        lambda: [_machine_papers().encode(), _server_papers().encode()],
        (ProvisioningError,),
        _write,
        runs=5_000,
        watched=("protocol.keys",),
    ),
    Target(
        "server-papers",
        "server.json; the maker signs what it says",
        _read_server,
        lambda: [_server_papers().encode(), _machine_papers().encode()],
        (ProvisioningError,),
        _write,
        runs=5_000,
        watched=("protocol.keys",),
    ),
    Target(
        "identity",
        "the keys of a machine as they lie in its memory, with a good check",
        _identity,
        lambda: [IDENTITY.encode()[:-_CHECK_OCTETS]],
        (KeyMaterialError,),
        lambda identity: identity.encode()[:-_CHECK_OCTETS],
        octets_max=128,
        watched=("protocol.keys",),
    ),
    Target(
        "private-key",
        "a private key in PEM",
        read_private_key,
        lambda: [write_private_key(IDENTITY.signing.scalar).encode()],
        (KeyMaterialError,),
        lambda scalar: write_private_key(scalar).encode(),
        octets_max=1_024,
        watched=("protocol.keys",),
    ),
    Target(
        "public-key",
        "a public key in PEM",
        read_public_key,
        lambda: [write_public_key(MAKER.public.verifying.point).encode()],
        (KeyMaterialError,),
        lambda point: write_public_key(point).encode(),
        octets_max=1_024,
        watched=("protocol.keys",),
    ),
    Target(
        "fund-file",
        "a fund file of the Department",
        parse_fund_file,
        lambda: [_FUNDS],
        (ExchangeFileError,),
        encode_fund_file,
        runs=5_000,
        watched=("protocol.exchange", "protocol.values"),
    ),
    Target(
        "indicium",
        "the octets of a frank's barcode",
        decode_indicium,
        lambda: octets_of("ind", "franks", "octets"),
        (IndiciumError,),
        lambda signed: encode_unsigned(signed.indicium) + signed.signature,
        octets_max=256,
        watched=("protocol.indicium", "protocol.values"),
    ),
)
