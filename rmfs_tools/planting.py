"""Planting mistakes: a copy of the packages in which the product's text is changed.

A mistake is a change of text, so it stops to fit when that text is rewritten. That is
an error and says so: a mistake that changes nothing would be "not found" for ever, or
worse, nobody would notice that it is not looked for any more.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError

ROOT: Final = Path(__file__).resolve().parents[1]
"""The folder of the product's own packages."""
PACKAGES: Final = ("protocol", "hw", "fm_device", "rmfs_server", "rmfs_tools")
"""What a machine, a recharge server and a bench need of the tree."""


class PlantingError(RmfsError):
    """A mistake does not fit the product's text any more."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one file.

    Attributes:
        file: Path below the root.
        find: Text that stands in it exactly once.
        replace: What stands there with the mistake.
    """

    file: str
    find: str
    replace: str


def planted_texts(name: str, edits: Sequence[Edit], root: Path) -> dict[str, str]:
    """Give every file that a mistake changes, as it is with the mistake.

    Args:
        name: What the mistake is called, for errors.
        edits: What is changed.
        root: The folder of the packages.

    Raises:
        PlantingError: The product's text has changed, and the mistake does not fit.
    """
    texts: dict[str, str] = {}
    for edit in edits:
        text = texts.get(edit.file)
        if text is None:
            text = _text(name, edit, root)
        times = text.count(edit.find)
        if times != 1:
            message = (
                f"{name} does not apply any more: its text has changed "
                f"(found {times} times in {edit.file})"
            )
            raise PlantingError(f"{message}:\n{edit.find}")
        texts[edit.file] = text.replace(edit.find, edit.replace)
    return texts


def plant(name: str, edits: Sequence[Edit], root: Path, folder: Path) -> None:
    """Copy the packages that a mistake changes, and make it in the copy.

    The others are linked. Times of files are kept, and so what Python has compiled of
    them holds.

    Args:
        name: What the mistake is called, for errors.
        edits: What is changed.
        root: The folder of the packages.
        folder: An empty one, for the copy.

    Raises:
        PlantingError: The mistake does not fit; nothing is copied.
    """
    texts = planted_texts(name, edits, root)
    changed = {file.partition("/")[0] for file in texts}
    for package in PACKAGES:
        if package in changed:
            shutil.copytree(root / package, folder / package)
        else:
            (folder / package).symlink_to(root / package)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")


def _text(name: str, edit: Edit, root: Path) -> str:
    if edit.file.partition("/")[0] not in PACKAGES:
        raise PlantingError(f"{name}: {edit.file} is no file of the product")
    try:
        return (root / edit.file).read_text(encoding="utf-8")
    except OSError as error:
        message = f"{name} does not apply any more: {edit.file}"
        raise PlantingError(f"{message}: {error.strerror}") from error
