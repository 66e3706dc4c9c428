"""The files that a declaration names: papers of the unit, keys of the bench."""

import json
from pathlib import Path
from typing import Final

from hw.lab.declaration import Declaration, DeclarationError
from protocol.keys import (
    MachineProvisioning,
    MakerKey,
    MakerPublicKey,
    ServerProvisioning,
    SigningKey,
    VerifyingKey,
    read_machine_provisioning,
    read_private_key,
    read_public_key,
    read_server_provisioning,
)
from protocol.keys.realms import Realm
from protocol.link import Role
from rmfs_server.folder import read_server
from rmfs_tools.lab.bench_machines import BenchMachines

_FILE_OCTETS_MAX: Final = 64 * 1024


def check_files(declaration: Declaration) -> None:
    """See whether everything that a declaration names can be read.

    Raises:
        RmfsError: It cannot, or is not what is declared.
    """
    if declaration.role is Role.MACHINE:
        read_machine(declaration)
        read_server(declaration.bench_keys)
        bench_maker(declaration)
    else:
        read_server_file(declaration)
        BenchMachines(declaration.bench_keys)


def read_machine(declaration: Declaration) -> MachineProvisioning:
    """Read the provisioning file of a machine under test.

    Raises:
        RmfsError: It cannot be read, its maker has not signed it, or it is that of
            another unit than is declared.
    """
    found = read_machine_provisioning(
        _read(declaration.provisioning), [_maker(declaration)]
    )
    for name, declared, provisioned in (
        ("model", declaration.model, found.model),
        ("firmware", declaration.firmware, found.firmware),
        ("serial", declaration.serial, found.credential.psd_serial),
    ):
        _check_same(declaration, name, declared, provisioned)
    return found


def read_server_file(declaration: Declaration) -> ServerProvisioning:
    """Read the provisioning file of a server under test.

    Raises:
        RmfsError: It cannot be read, its maker has not signed it, or it is that of
            another unit than is declared.
    """
    found = read_server_provisioning(
        _read(declaration.provisioning), [_maker(declaration)]
    )
    _check_same(declaration, "serial", declaration.serial, found.credential.name)
    return found


def bench_maker(declaration: Declaration) -> MakerKey | None:
    """The maker's private key on the bench, to sign contents; None without one."""
    path = declaration.bench_keys / "maker.pem"
    if not path.exists():
        return None
    scalar = read_private_key(_read(path))
    return MakerKey("maker", Realm.TEST, SigningKey(scalar))


def _check_same(
    declaration: Declaration, name: str, declared: str, provisioned: str
) -> None:
    if declared != provisioned:
        raise DeclarationError(
            f'[unit] {name} is "{declared}"; {declaration.provisioning} says '
            f'"{provisioned}"'
        )


def _maker(declaration: Declaration) -> MakerPublicKey:
    """The maker by its key; its name is the one that the file bears."""
    point = read_public_key(_read(declaration.maker_key))
    try:
        name = json.loads(_read(declaration.provisioning))["maker"]["name"]
    except (ValueError, KeyError, TypeError) as error:
        raise DeclarationError(
            f"{declaration.provisioning} is no provisioning file: {error}"
        ) from error
    return MakerPublicKey(str(name), Realm.TEST, VerifyingKey(point))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_OCTETS_MAX)
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}") from error
