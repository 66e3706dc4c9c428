"""Files of fuzz cases, found by what people type: a file, a folder, or an id."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hw.lab.fuzz.fuzz_case import FuzzCase, FuzzCaseError, Origin, read_fuzz_case

_OCTETS_MAX: Final = 64 * 1024
_SUFFIX: Final = ".toml"
_ID_BEGINS: Final = "F-"


@dataclass(frozen=True, slots=True)
class FuzzFile:
    """A fuzz case in a file.

    Attributes:
        path: The file.
        case: What it holds.
        origin: How that was found.
    """

    path: Path
    case: FuzzCase
    origin: Origin


def read_fuzz_file(path: Path) -> FuzzFile:
    """Read a file.

    Raises:
        FuzzCaseError: It cannot be read, or holds no fuzz case, and where.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(_OCTETS_MAX + 1)
    except OSError as error:
        raise FuzzCaseError(f"{path} cannot be read: {error.strerror}") from error
    if len(octets) > _OCTETS_MAX:
        raise FuzzCaseError(f"{path} has more than {_OCTETS_MAX} octets")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FuzzCaseError(f"{path} is no text: {error}") from error
    try:
        case, origin = read_fuzz_case(text, str(path))
    except RecursionError as error:
        raise FuzzCaseError(f"{path} is nested too deep") from error
    return FuzzFile(path, case, origin)


def find_fuzz_files(what: Sequence[str], below: Path) -> tuple[FuzzFile, ...]:
    """Read all that is meant, each once.

    Args:
        what: Files, folders, and ids of findings.
        below: Where ids are looked for.

    Raises:
        FuzzCaseError: Something is not there, or holds no fuzz case: every place.
    """
    wrong: list[str] = []
    paths: dict[Path, None] = {}
    for one in what:
        found = _paths(one, below)
        if not found:
            wrong.append(_not_there(one, below))
        paths.update(dict.fromkeys(found))
    files = []
    for path in paths:
        try:
            files.append(read_fuzz_file(path))
        except FuzzCaseError as error:
            wrong.append(str(error))
    if wrong:
        raise FuzzCaseError("\n".join(wrong))
    return tuple(files)


def _paths(what: str, below: Path) -> list[Path]:
    path = Path(what)
    if path.is_dir():
        return sorted(path.rglob(f"{_ID_BEGINS}*{_SUFFIX}"))
    if path.exists():
        return [path]
    if what.startswith(_ID_BEGINS) and "/" not in what:
        return sorted(below.rglob(f"{what.removesuffix(_SUFFIX)}{_SUFFIX}"))
    return []


def _not_there(what: str, below: Path) -> str:
    if Path(what).is_dir():
        return f"{what} holds no finding: they are files F-….toml"
    if what.startswith(_ID_BEGINS):
        return f"no finding below {below} is called {what}: name its folder with --in"
    return f"{what} is not there: name a file, a folder, or the id of a finding"
