"""A throw-away token in SoftHSM, for tests and benches: a real PKCS#11, and no HSM.

It lives in a folder of the caller and is gone with it. Its PINs are nobody's.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from hw.hsm import HsmPlace
from protocol.errors import NeedsAttentionError

LABEL: Final = "rmfs"
PIN: Final = "1234"

_MODULES: Final = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
)
"""Where Debian and Fedora put it."""
_SECURITY_OFFICER: Final = "5678"
_TIMEOUT_S: Final = 60


class SoftHsmError(NeedsAttentionError):
    """SoftHSM is missing, or made no token."""


def find_module() -> Path:
    """Find SoftHSM's library.

    Raises:
        SoftHsmError: It is not on this machine.
    """
    found = next((path for path in _MODULES if path.exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        message = "SoftHSM is not on this machine"
        raise SoftHsmError(f"{message}: apt-get install softhsm2")
    return found


def throw_away_token(folder: Path, label: str = LABEL) -> HsmPlace:
    """Make a token in a folder that holds no other.

    Args:
        folder: An empty folder, for the token, its settings and its PIN.
        label: Of the token.

    Raises:
        SoftHsmError: SoftHSM is missing, or made none; the message is its own.
    """
    module = find_module()
    settings, pin, objects = folder / "softhsm2.conf", folder / "pin", folder / "tokens"
    objects.mkdir(parents=True)
    settings.write_text(
        f"directories.tokendir = {objects}\nobjectstore.backend = file\n"
        "log.level = ERROR\nslots.removable = false\n"
    )
    pin.touch(0o600)
    pin.write_text(f"{PIN}\n")
    environment = {"SOFTHSM2_CONF": str(settings)}
    made = subprocess.run(  # noqa: S603 (a program of Debian, no shell)
        [
            *("softhsm2-util", "--init-token", "--free", "--label", label),
            *("--pin", PIN, "--so-pin", _SECURITY_OFFICER),
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=_TIMEOUT_S,
        env={**environment, "PATH": os.defpath},
    )
    if made.returncode != 0:
        raise SoftHsmError(f"softhsm2-util made no token: {made.stderr.strip()}")
    return HsmPlace(module, label, f"file:{pin}", environment=environment)
