"""Outside programs that bear witness: their own code reads our octets and files.

A program that is missing skips its test on a laptop and fails it in continuous
integration (when CI is set), where everything is installed.
"""

import os
import shutil
from typing import Final, NoReturn

import pytest

DEBIAN_PACKAGES: Final = {
    "dmtxread": "dmtx-utils",
    "openssl": "openssl",
    "p11-kit": "p11-kit",
    "pdfinfo": "poppler-utils",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "psql": "postgresql",
    "rz": "lrzsz",
    "gcc": "gcc",
    "haproxy": "haproxy",
    "logrotate": "logrotate",
    "ser2net": "ser2net",
    "sftp": "openssh-client",
    "softhsm2-util": "softhsm2",
    "ssh-keygen": "openssh-client",
    "spin": "spin",
    "sshd": "openssh-server",
    "systemd-analyze": "systemd",
    "sz": "lrzsz",
    "tshark": "tshark",
}
"""Program and the Debian package that brings it; `.ci/run` installs them all."""


def needs(program: str) -> str:
    """Find an outside program for the test that calls this.

    Args:
        program: Its name; it stands in `DEBIAN_PACKAGES`.

    Returns:
        The path of the program.
    """
    # Daemons stand where a user's PATH may not lead.
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        package = DEBIAN_PACKAGES[program]
        missing(f"{program} is not on this machine (apt-get install {package})")
    return found


def missing(what: str) -> NoReturn:
    """Skip the test on a laptop; fail it in continuous integration."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and CI is set: nothing may be skipped here")
    pytest.skip(what)
