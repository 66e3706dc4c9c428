"""A lab with a machine on its bench, as processes: what `rmfs certify` is tried on."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from hw.lab.declaration import template
from protocol.keys import read_machine_provisioning, read_public_key
from protocol.keys.identities import MakerPublicKey
from protocol.keys.realms import Realm
from protocol.keys.signing import VerifyingKey
from protocol.link import Role
from tests.processes import ROOT, Program, done
from tests.rig import Control

DOES: Final = (
    *("tariff", "slogan", "firmware", "credit_key", "limits", "refund", "withdrawal"),
    *("xid", "arrival_reports", "redials", "franks", "power"),
)
"""What the machine of `rmfs machine control` does."""


@dataclass(frozen=True)
class Office:
    """A bench, a machine that was made for it, and a lab's key, in one folder."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Office":
        """Make one."""
        office = cls(folder)
        done("server", "init", "--server", office.bench)
        done(
            *("machine", "new", office.unit, "--licence", "N123456"),
            *("--maker", office.bench / "maker.pem"),
            *("--server", office.bench / "server.json"),
        )
        done("certify", "key", office.lab)
        return office

    def copy(self, folder: Path) -> "Office":
        """Copy it, for a test that may do anything to it."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Office(folder)

    @property
    def bench(self) -> Path:
        return self.folder / "bench"

    @property
    def unit(self) -> Path:
        return self.folder / "unit"

    @property
    def lab(self) -> Path:
        return self.folder / "lab.pem"

    @property
    def lab_public(self) -> Path:
        return self.folder / "lab-public.pem"

    @property
    def declaration(self) -> Path:
        return self.folder / "unit.toml"

    def declare(
        self,
        line: str,
        *,
        control: str | None = None,
        does: tuple[str, ...] = DOES,
        **unit: str,
    ) -> Path:
        """Write the declaration of the machine.

        Args:
            line: Where the bench listens.
            control: Address of its control port; None: the person is asked.
            does: What it declares.
            unit: What it says of itself otherwise than in its provisioning file.
        """
        maker = self.bench / "makers" / "maker.pem"
        key = VerifyingKey(read_public_key(maker.read_bytes()))
        papers = read_machine_provisioning(
            (self.unit / "provisioning.json").read_bytes(),
            [MakerPublicKey("maker", Realm.TEST, key)],
        )
        said = {
            "model": papers.model,
            "firmware": papers.firmware,
            "serial": papers.credential.psd_serial,
            "provisioning": "unit/provisioning.json",
            "address": line,
            **unit,
        }
        text = template(Role.MACHINE).replace('"machine.json"', '""', 1)
        text = text.replace('maker = ""', 'maker = "Ours"')
        text = text.replace('"maker.pem"', '"bench/makers/maker.pem"')
        text = filled(text, said)
        for name in does:
            text = text.replace(f"\n{name} = false", f"\n{name} = true")
        if control is not None:
            text += f'[control]\nurl = "{control}"\n'
            text += 'token_file = "unit/control-token"\n'
        self.declaration.write_text(text)
        return self.declaration


def filled(text: str, said: Mapping[str, str]) -> str:
    """Fill a declaration in: each name with its value."""
    for name, value in said.items():
        text = re.sub(rf'(?m)^{name} = "[^"]*"', f'{name} = "{value}"', text)
    return text


class OnBench:
    """A machine at its control port, and the declaration that says so."""

    def __init__(
        self,
        office: Office,
        line: str,
        machine_line: str | None = None,
        *,
        root: Path = ROOT,
    ) -> None:
        self.unit: Program
        control = Control(office.unit, "--line", machine_line or line, root=root)
        self.unit = control
        self.declaration = office.declare(line, control=control.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unit.close()
