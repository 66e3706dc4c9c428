"""Where an HSM is: its PKCS#11 library, the token in it, and where the PIN is.

The PIN itself stands in no settings and on no command line. It comes from

    file:PATH          a file that its owner alone can read
    credential:NAME    a credential that systemd gives to a service (LoadCredential=)
    environment:NAME   a variable of the environment

Libraries of makers find their own settings through variables of the environment; those
that this one needs are set before it is loaded.

Source: PKCS #11 v2.40; systemd.exec(5).
"""

import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hw.hsm.errors import HsmError, HsmPinError

PIN_SOURCES: Final = ("file", "credential", "environment")
PIN_LETTERS_MAX: Final = 255

_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
_OTHERS: Final = 0o077
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class HsmPlace:
    """Where an HSM is.

    Attributes:
        module: The PKCS#11 library of its maker.
        token: Label of the token.
        pin: Where the PIN is: a kind and a name, as above.
        serial: Serial number of the token; empty where the label is enough.
        environment: Variables that the library needs.
    """

    module: Path
    token: str
    pin: str
    serial: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check what can be checked without the HSM.

        Raises:
            HsmError: Something is missing, or not of its form.
        """
        if not self.module.is_absolute():
            message = f"module must be a whole path, not {str(self.module)!r}"
            raise HsmError(f"{message}: whoever starts the server must find it")
        if not self.token:
            raise HsmError("token must be the label of a token")
        kind, _, name = self.pin.partition(":")
        if kind not in PIN_SOURCES or not name:
            kinds = ", ".join(f"{one}:…" for one in PIN_SOURCES)
            raise HsmError(f"pin says where the PIN is, never the PIN itself: {kinds}")

    def set_environment(self) -> None:
        """Set the variables that the library needs, in this process."""
        os.environ.update(self.environment)

    def read_pin(self) -> str:
        """Read the PIN; it is never kept, shown or logged.

        Raises:
            HsmPinError: It is not there, or others can read it.
        """
        kind, _, name = self.pin.partition(":")
        if kind == "environment":
            pin = os.environ.get(name, "")
        elif kind == "file":
            pin = _read_pin_file(Path(name), guarded=True)
        else:
            pin = _read_pin_file(_credential(name), guarded=False)
        if not 0 < len(pin) <= PIN_LETTERS_MAX:
            raise HsmPinError(f"there is no PIN in {self.pin}")
        return pin


def parse_place(text: str, name: str) -> HsmPlace:
    """Read where an HSM is from TOML.

    Args:
        text: The settings.
        name: The file that they are in, for messages.

    Raises:
        HsmError: It cannot be read; it names the setting.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HsmError(f"{name} cannot be read: {error}") from error
    environment = table.pop("environment", {})
    if not isinstance(environment, dict):
        raise HsmError(f"{name}: environment must be a table")
    for key, value in [*table.items(), *environment.items()]:
        if not isinstance(value, str):
            raise HsmError(f"{name}: {key} must be a text")
    if missing := sorted({"module", "token", "pin"} - table.keys()):
        raise HsmError(f"{name}: {missing[0]} is missing")
    if unknown := sorted(table.keys() - {"module", "token", "pin", "serial"}):
        raise HsmError(f"{name}: there is no setting {unknown[0]}")
    try:
        return HsmPlace(
            Path(table["module"]),
            table["token"],
            table["pin"],
            table.get("serial", ""),
            environment,
        )
    except HsmError as error:
        raise HsmError(f"{name}: {error}") from error


def show_place(place: HsmPlace) -> str:
    """Write where an HSM is as TOML, for `parse_place`."""
    values = {
        "module": str(place.module),
        "token": place.token,
        "serial": place.serial,
        "pin": place.pin,
    }
    # A JSON string is one of TOML, too.
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if value]
    if place.environment:
        lines += ["", "[environment]"]
        lines += [
            f"{json.dumps(name)} = {json.dumps(value)}"
            for name, value in place.environment.items()
        ]
    return "\n".join(("# Where the HSM with the credit keys is.", *lines, ""))


def _credential(name: str) -> Path:
    folder = os.environ.get(_CREDENTIALS)
    if folder is None or _NAME.fullmatch(name) is None:
        message = f"systemd gave no credential {name!r} to this process"
        raise HsmPinError(f"{message}: see LoadCredential= in its unit")
    return Path(folder) / name


def _read_pin_file(path: Path, *, guarded: bool) -> str:
    """Read a PIN; a file of ours is to be guarded, those of systemd are."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if guarded and stat.S_IMODE(mode) & _OTHERS:
                message = f"{path} can be read by others than its owner"
                raise HsmPinError(f"{message}: chmod 600, and change the PIN")
            octets = file.read(4 * PIN_LETTERS_MAX + 2)
    except OSError as error:
        message = f"the PIN cannot be read from {path}: {error.strerror}"
        raise HsmPinError(message) from error
    try:
        return octets.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise HsmPinError(f"{path} holds no PIN: it is no UTF-8") from error
