"""Settings of a command in a TOML file, held against the command's own options.

The options of the command are the one place where names, kinds, bounds, defaults and
words stand: the file has a table named after the command, with a key for each long
option. What is typed goes before the file, the file before the default. A key that no
option has is an error, for a setting that is misspelt is one that is not made.

A fault names file, line, key and reason. Paths in a file are meant from its folder.
"""

import json
import re
import textwrap
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from protocol.errors import RmfsError
from protocol.keys import Realm
from rmfs_server.folder import SETTING_KINDS
from rmfs_server.small_files import read_small

_AT_LINE: Final = re.compile(r"\(at line (?P<line>[0-9]+), column [0-9]+\)")
_NOT_IN_FILES: Final = frozenset({"config", "help", "server"})
_EXAMPLES: Final = {"place": "127.0.0.1:7121"}
"""For options without a default, by their kinds; a path is named after its option."""
_COLUMNS: Final = 88
_WORDS: Final[Mapping[type, str]] = {
    str: "text, in quotes",
    int: "a whole number",
    bool: "true or false",
}


class ConfigurationError(RmfsError):
    """A file of settings cannot be used; each line says file, line, key and reason."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file of settings.

    Attributes:
        path: The file.
        line: Where in it, from 1; 0 for the file as a whole.
        key: Which setting, with its table, as in ``run.calls``; may be empty.
        reason: What is wrong with it.
    """

    path: Path
    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        """Show it as compilers do."""
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return ": ".join(filter(None, (place, self.key, self.reason)))


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file of settings that could be parsed."""

    path: Path
    text: str
    values: Mapping[str, Any]

    def fault(self, key: str, reason: str, table: str = "") -> Fault:
        """Say what is wrong with a key, and where it stands."""
        line = _line_of(self.text, table, key) or _line_of(self.text, "", table)
        return Fault(self.path, line, f"{table}.{key}" if table else key, reason)


def read_toml(path: Path) -> TomlFile:
    """Read a file of settings.

    Raises:
        ConfigurationError: It is no TOML; it says in which line.
        ServerFolderError: It cannot be read.
    """
    octets = read_small(path)
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets[: error.start].count(b"\n") + 1
        fault = Fault(path, line, "", "there is an octet that is not UTF-8")
        raise ConfigurationError(str(fault)) from error
    try:
        return TomlFile(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = text.count("\n") + 1 if found is None else int(found["line"])
        reason = _AT_LINE.sub("", str(error)).strip()
        raise ConfigurationError(str(Fault(path, line, "", reason))) from error


def options_of(command: click.Command) -> dict[str, click.Option]:
    """List the options that a file may set, by their keys."""
    options = (one for one in command.params if isinstance(one, click.Option))
    named = {max(one.opts, key=len).removeprefix("--"): one for one in options}
    return {
        key: one
        for key, one in named.items()
        if not one.hidden and key not in _NOT_IN_FILES
    }


def check_file(file: TomlFile, command: click.Command) -> list[Fault]:
    """Check all that stands in a file with the table of a command.

    Returns:
        All that is wrong with it.
    """
    return [
        *check_settings(file, (str(command.name),)),
        *check_table(file, command),
    ]


def check_table(file: TomlFile, command: click.Command) -> list[Fault]:
    """Hold the table of a command against its options.

    Returns:
        All that is wrong with it.
    """
    table = str(command.name)
    values = file.values.get(table, {})
    if not isinstance(values, dict):
        return [file.fault(table, "it is a table: [run]".replace("run", table))]
    options = options_of(command)
    return [
        file.fault(key, reason, table)
        for key, value in values.items()
        for reason in _faults_of(options.get(key), value)
    ]


def check_settings(file: TomlFile, tables: Collection[str]) -> list[Fault]:
    """Check what stands outside of all tables: what `server.toml` says of the server.

    A file that says nothing of it has tables alone.

    Args:
        file: The file.
        tables: Names of the tables that may stand in it.

    Returns:
        All that is wrong with it.
    """
    faults = [
        file.fault(key, "there is no such setting")
        for key in file.values
        if key not in SETTING_KINDS and key not in tables
    ]
    if not file.values.keys() & SETTING_KINDS.keys():
        return faults
    for key, kind in SETTING_KINDS.items():
        if key not in file.values:
            faults.append(file.fault(key, "is missing"))
        elif type(file.values[key]) is not kind:
            faults.append(file.fault(key, f"must be {_WORDS[kind]}"))
    realms = [realm.name for realm in Realm]
    realm = file.values.get("realm")
    if isinstance(realm, str) and realm not in realms:
        faults.append(file.fault("realm", f"must be {' or '.join(realms)}"))
    return faults


def read_defaults(path: Path, command: click.Command) -> dict[str, Any]:
    """Read what a file sets, by the names under which the command takes it.

    Raises:
        ConfigurationError: Something in it is wrong; every fault has its line.
        ServerFolderError: It cannot be read.
    """
    file = read_toml(path)
    faults = check_file(file, command)
    if faults:
        raise ConfigurationError("\n".join(map(str, faults)))
    options = options_of(command)
    found: Mapping[str, Any] = file.values.get(str(command.name), {})
    return {
        str(options[key].name): _from_folder(options[key], value, path.parent)
        for key, value in found.items()
    }


def show_example(command: click.Command) -> str:
    """Write a file in which every setting is explained and none is made."""
    name = command.name
    head = (
        f"Settings of `rmfs server {name}`. What is typed goes before this file, this "
        "file before the defaults, which are shown; what has none is shown with an "
        "example. Paths are meant from the folder of this file."
    )
    lines = [*_comment(head), f"[{name}]"]
    for key, option in options_of(command).items():
        lines += ["", *_comment(option.help or ""), f"#{key} = {_value(key, option)}"]
    return "\n".join((*lines, ""))


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _COLUMNS - 2)]


def _value(key: str, option: click.Option) -> str:
    """Show a default, or an example where there is none, as TOML."""
    default = option.to_info_dict()["default"]
    if option.multiple:
        return json.dumps(list(default or ()))
    if default is not None:
        # A JSON string, number or truth is one of TOML, too.
        return json.dumps(default)
    fallback = key if isinstance(option.type, click.Path) else ""
    return json.dumps(_EXAMPLES.get(option.type.name, fallback))


def _faults_of(option: click.Option | None, value: object) -> Iterator[str]:
    if option is None:
        yield "there is no such setting"
    elif not option.multiple:
        yield from _fault_of(option, value)
    elif isinstance(value, list):
        for one in value:
            yield from _fault_of(option, one)
    else:
        yield "must be an array, as in [...]"


def _fault_of(option: click.Option, value: object) -> Iterator[str]:
    kinds, words = _kinds_of(option)
    if type(value) not in kinds:
        yield f"must be {words}"
        return
    try:
        option.type.convert(value, option, None)
    except click.BadParameter as error:
        yield error.message.rstrip(".")


def _kinds_of(option: click.Option) -> tuple[tuple[type, ...], str]:
    if option.is_flag:
        return (bool,), _WORDS[bool]
    if isinstance(option.type, click.FloatRange | type(click.FLOAT)):
        return (int, float), "a number"
    if isinstance(option.type, click.IntRange | type(click.INT)):
        return (int,), _WORDS[int]
    return (str,), _WORDS[str]


def _from_folder(option: click.Option, value: object, folder: Path) -> object:
    if isinstance(option.type, click.Path) and isinstance(value, str):
        return str(folder / value)
    return value


def _line_of(text: str, table: str, key: str) -> int:
    """Find the line in which a key is set, from 1; 0 where it is not seen.

    A line sets it if it looks so, and if what stands before it is TOML in which the
    key is missing: so nothing within a text of several lines is taken for it.
    """
    lines = text.splitlines(keepends=True)
    looks = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\]]")
    header = re.compile(r"\s*\[")
    for number, line in enumerate(lines, 1):
        if not looks.match(line):
            continue
        before = "".join(lines[: number - 1])
        added = f"[{key}]\n" if header.match(line) else f"{json.dumps(key)} = 0\n"
        try:
            old, new = tomllib.loads(before), tomllib.loads(before + added)
        except tomllib.TOMLDecodeError:
            continue
        if table:
            old, new = old.get(table, {}), new.get(table, {})
        if key in new and key not in old:
            return number
    return 0
