"""The declaration of a unit under test: who made it, what it does, how it is reached.

What others call PICS and PIXIT in one file, as TOML that its maker fills in. It decides
which cases apply, and goes into the signed package with everything else. It is checked
whole before anything is dialled: every mistake is told, not the first alone.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hw.lab.catalogue import Case
from hw.lab.control_port import ControlAddress
from hw.lab.hook_words import MACHINE_HOOKS, SERVER_HOOKS
from hw.lines.strings import LineAddress, parse_line_string
from protocol.errors import RmfsError
from protocol.link import Role

FORMAT: Final = "FMP/1 declaration 1"
_OCTETS_MAX: Final = 64 * 1024

MACHINE_OPTIONS: Final = {
    "tariff": "takes TARIFF orders (capability bit 0)",
    "slogan": "takes SLOGAN and SLOGAN_OFF orders (bit 1)",
    "firmware": "takes FIRMWARE orders (bit 2)",
    "credit_key": "takes CREDIT_KEY and RETIRE_CREDIT_KEY orders (bit 3)",
    "limits": "takes FRANK_LIMIT and FUNDS_LIMIT orders (bit 5)",
    "refund": "can ask for a refund",
    "withdrawal": "can ask for a withdrawal; the unit is out of use after that case",
    "new_life": "can begin a new life after a withdrawal",
    "xid": "asks for other link parameters than the defaults (LINK-10)",
    "modulo_128": "can work with modulo 128",
    "arrival_reports": "can work with arrival reports (LINK-17)",
    "busy": "can become busy on the link (RNR)",
    "redials": "dials again by itself when a line was lost (DLG-14.3)",
    "dials_when_due": "dials by itself when a NEXT_CALL is due",
    "franks": "the operator can have it frank",
    "power": "the operator can cut its power",
    "clock": "the operator can set its clock ahead",
}
SERVER_OPTIONS: Final = {
    "refund": "the operator can allow a refund",
    "licences": "the operator can block, withhold, expire and cancel a licence",
    "orders": "the operator can give orders",
    "contents": "the operator can order contents",
    "void": "the operator can take a voucher back",
    "funds": "the operator can bring funds while a case runs",
    "revocation": "the operator can revoke a credential",
    "power": "the operator can kill and start the server",
    "modulo_128": "can work with modulo 128",
    "arrival_reports": "can work with arrival reports (LINK-17)",
    "busy": "can become busy on the link (RNR)",
}
OPTIONS: Final = {Role.MACHINE: MACHINE_OPTIONS, Role.SERVER: SERVER_OPTIONS}
HOOKS: Final = ("dial", "frank", "power", "ask", "alive", "memory")
_UNIT: Final = ("maker", "model", "firmware", "serial")
_NOT: Final = "not "


class DeclarationError(RmfsError):
    """A declaration is wrong: every place, and why."""


@dataclass(frozen=True, slots=True)
class Hook:
    """How something at the unit is done: by a command, an HTTP call, or a person.

    Attributes:
        command: Words of a command, in which ``{name}`` stands for a value; or empty.
        url: Where a call goes, or empty; a person is asked where both are.
        method: Of the call.
        body: What it carries, as JSON; texts may hold ``{name}``.
        token_file: A file whose text is sent as bearer token, or empty.
    """

    command: tuple[str, ...] = ()
    url: str = ""
    method: str = "POST"
    body: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    token_file: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of a unit.

    Attributes:
        role: Machine or server.
        maker: Who made it.
        model: What it is.
        firmware: Its version.
        serial: Of the PSD of the tested machine, or the server's name.
        options: What it implements.
        line: Where the bench listens for a machine, or dials a server.
        patience_s: How long an answer may take.
        provisioning: The unit's own provisioning file, signed by its maker.
        maker_key: The maker's public key, PEM.
        bench_keys: Folder of the bench's own keys.
        hooks: How things are done at the unit, by their names.
        control: Where its control port is, if it has one; it comes before all hooks.
        octets: The file as it was read.
    """

    role: Role
    maker: str
    model: str
    firmware: str
    serial: str
    options: frozenset[str]
    line: LineAddress
    patience_s: float
    provisioning: Path
    maker_key: Path
    bench_keys: Path
    hooks: Mapping[str, Hook]
    control: ControlAddress | None
    octets: bytes

    def why_not(self, case: Case) -> str:
        """Say why a case does not apply; empty when it does."""
        for need in case.needs:
            name = need.removeprefix(_NOT)
            if need.startswith(_NOT) and name in self.options:
                return f"declared: {name}"
            if not need.startswith(_NOT) and name not in self.options:
                return f"not declared: {name}"
        return ""


def read_declaration(path: Path) -> Declaration:
    """Read a declaration; paths in it are seen from its folder.

    Raises:
        DeclarationError: It cannot be read, or something in it is wrong.
    """
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}") from error
    if len(octets) > _OCTETS_MAX:
        raise DeclarationError(f"{path} has more than {_OCTETS_MAX} octets")
    return parse_declaration(octets, path.parent, str(path))


def parse_declaration(octets: bytes, folder: Path, name: str) -> Declaration:
    """Read a declaration from octets.

    Args:
        octets: The TOML.
        folder: From which paths in it are seen.
        name: How messages call it.

    Raises:
        DeclarationError: Something in it is wrong.
    """
    try:
        document = tomllib.loads(octets.decode("utf-8"))
    # A number of thousands of digits is a ValueError that is no TOMLDecodeError.
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"{name}: {error}") from error
    reader = _Reader(document)
    declaration = reader.declaration(folder, octets)
    if reader.wrong or declaration is None:
        raise DeclarationError("\n".join(f"{name}: {what}" for what in reader.wrong))
    return declaration


class _Reader:
    """Reads one document and gathers everything that is wrong with it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.wrong: list[str] = []
        self._document = document

    def declaration(self, folder: Path, octets: bytes) -> Declaration | None:
        known = {
            "format",
            "role",
            "unit",
            "options",
            "line",
            "keys",
            "hooks",
            "control",
        }
        for name in sorted(set(self._document) - known):
            self.wrong.append(f"[{name}] is unknown; there are {', '.join(known)}")
        if self._document.get("format") != FORMAT:
            self.wrong.append(f'format = "{FORMAT}" is missing')
        role = self._role()
        unit = {name: self._text("unit", name) for name in _UNIT}
        line = self._line()
        keys = {
            name: folder / self._text("keys", name)
            for name in ("provisioning", "maker", "bench")
        }
        options = self._options(role)
        hooks = self._hooks()
        control = self._control(folder)
        if self.wrong or line is None:
            return None
        return Declaration(
            role=role,
            options=options,
            line=line,
            patience_s=self._patience(),
            provisioning=keys["provisioning"],
            maker_key=keys["maker"],
            bench_keys=keys["bench"],
            hooks=hooks,
            control=control,
            octets=octets,
            **unit,
        )

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self._document.get(name, {})
        if not isinstance(table, dict):
            self.wrong.append(f"{name} is a table: [{name}]")
            return {}
        return table

    def _text(self, table: str, name: str) -> str:
        value = self._table(table).get(name)
        if not isinstance(value, str) or not value.strip():
            self.wrong.append(f"[{table}] {name} is missing: a text")
            return ""
        return value

    def _role(self) -> Role:
        value = self._document.get("role")
        if value in {"machine", "server"}:
            return Role(value)
        self.wrong.append('role is "machine" or "server"')
        return Role.MACHINE

    def _options(self, role: Role) -> frozenset[str]:
        known, found = OPTIONS[role], set()
        for name, value in self._table("options").items():
            if name not in known:
                names = ", ".join(known)
                self.wrong.append(f"[options] {name} is unknown; there are {names}")
            elif not isinstance(value, bool):
                self.wrong.append(f"[options] {name} is true or false")
            elif value:
                found.add(name)
        for name in sorted(set(known) - set(self._table("options"))):
            self.wrong.append(f"[options] {name} is missing: {known[name]}")
        return frozenset(found)

    def _line(self) -> LineAddress | None:
        text = self._text("line", "address")
        if not text:
            return None
        try:
            return parse_line_string(text)
        except RmfsError as error:
            self.wrong.append(f"[line] address: {error}")
            return None

    def _patience(self) -> float:
        value = self._table("line").get("patience_s", 20)
        if isinstance(value, int | float) and value > 0:
            return float(value)
        self.wrong.append("[line] patience_s is a number of seconds above 0")
        return 0.0

    def _hooks(self) -> Mapping[str, Hook]:
        hooks = {}
        for name, table in self._table("hooks").items():
            if name not in HOOKS or not isinstance(table, dict):
                self.wrong.append(f"[hooks.{name}] is unknown: {', '.join(HOOKS)}")
                continue
            hooks[name] = self._hook(name, table)
        return MappingProxyType(hooks)

    def _control(self, folder: Path) -> ControlAddress | None:
        if "control" not in self._document:
            return None
        url = self._text("control", "url")
        if url and not url.startswith(("http://", "https://")):
            self.wrong.append("[control] url begins with http:// or https://")
        return ControlAddress(url, folder / self._text("control", "token_file"))

    def _hook(self, name: str, table: Mapping[str, Any]) -> Hook:
        kinds: dict[str, type] = {
            "command": list,
            "url": str,
            "method": str,
            "body": dict,
            "token_file": str,
        }
        for member, value in table.items():
            if not isinstance(value, kinds.get(member, type(None))):
                self.wrong.append(f"[hooks.{name}] {member} is unknown or of no use")
                return Hook()
        if ("command" in table) == ("url" in table):
            self.wrong.append(f"[hooks.{name}] has a command or a url")
        return Hook(
            tuple(str(word) for word in table.get("command", ())),
            table.get("url", ""),
            table.get("method", "POST"),
            MappingProxyType(dict(table.get("body", {}))),
            table.get("token_file", ""),
        )


def template(role: Role, provisioning: Path | None = None) -> str:
    """Write a declaration that is to be filled in.

    Args:
        role: Of the unit.
        provisioning: Its provisioning file, from which its names are taken.

    Raises:
        DeclarationError: That is none.
    """
    said = {} if provisioning is None else _names(provisioning)
    options = "\n".join(
        f"{name} = false  # {meaning}" for name, meaning in OPTIONS[role].items()
    )
    is_machine = role is Role.MACHINE
    serial = "serial of its PSD, 8 characters" if is_machine else "name of the server"
    as_in = "as in its provisioning file" if is_machine else "as its maker names it"
    address = "the bench listens here" if is_machine else "the bench dials this"
    file = said.get("file", "machine.json" if is_machine else "server.json")
    bench = "rmfs server init --server" if is_machine else "rmfs certify machines"
    return f"""format = "{FORMAT}"
role = "{role.value}"

[unit]
maker = ""     # who made it
model = "{said.get("model", "")}"     # {as_in}
firmware = "{said.get("firmware", "")}"  # {as_in}
serial = "{said.get("serial", "")}"    # {serial}

[options]
{options}

[line]
address = "tcp:127.0.0.1:7200"  # {address}
patience_s = 20                 # how long an answer may take; by modem 60

[keys]
provisioning = "{file}"  # the unit's own provisioning file, signed by its maker
maker = "maker.pem"  # the maker's public key
bench = "bench"      # folder of the bench's keys: {bench} bench
{MACHINE_HOOKS if is_machine else SERVER_HOOKS}"""


def _names(provisioning: Path) -> dict[str, str]:
    """Read how a unit is called in its provisioning file, signed or not."""
    try:
        found = json.loads(provisioning.read_text("utf-8"))
        serial = found.get("psd_serial") or found["server_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{provisioning} is no provisioning file: {error}"
        raise DeclarationError(message) from error
    names = {"serial": str(serial), "file": str(provisioning)}
    for name in ("model", "firmware"):
        names[name] = str(found.get(name, ""))
    return names
