"""Planting a bug: a copy of the packages in which the product's text is changed.

A bug is a change of text, so it stops to fit when that text is rewritten. That is an
error and says so: a bug that changes nothing would be "not found" for ever, or worse,
nobody would notice that it is not looked for any more.
"""

import shutil
from pathlib import Path
from typing import Final

from rmfs_tools.simulation.planted.bugs import Edit, PlantedBug, PlantedBugError

PACKAGES: Final = ("protocol", "hw", "fm_device", "rmfs_server", "rmfs_tools")
"""What a simulation needs of the tree."""


def planted_texts(bug: PlantedBug, root: Path) -> dict[str, str]:
    """Give every file that a bug changes, as it is with the bug.

    Args:
        bug: What is changed.
        root: The folder of the packages.

    Raises:
        PlantedBugError: The product's text has changed, and the bug does not fit.
    """
    texts: dict[str, str] = {}
    for edit in bug.edits:
        text = texts.get(edit.file)
        if text is None:
            text = _text(bug, edit, root)
        times = text.count(edit.find)
        if times != 1:
            message = (
                f"the planted bug {bug.id} does not apply any more: its text has "
                f"changed (found {times} times in {edit.file})"
            )
            raise PlantedBugError(f"{message}:\n{edit.find}")
        texts[edit.file] = text.replace(edit.find, edit.replace)
    return texts


def plant(bug: PlantedBug, root: Path, folder: Path) -> None:
    """Copy the packages that a bug changes, and plant it in the copy.

    The others are linked. Times of files are kept, and so what Python has compiled of
    them holds.

    Args:
        bug: What is changed.
        root: The folder of the packages.
        folder: An empty one, for the copy.

    Raises:
        PlantedBugError: The bug does not fit; nothing is copied.
    """
    texts = planted_texts(bug, root)
    changed = {file.partition("/")[0] for file in texts}
    for package in PACKAGES:
        if package in changed:
            shutil.copytree(root / package, folder / package)
        else:
            (folder / package).symlink_to(root / package)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")


def _text(bug: PlantedBug, edit: Edit, root: Path) -> str:
    if edit.file.partition("/")[0] not in PACKAGES:
        raise PlantedBugError(f"{bug.id}: {edit.file} is no file of the product")
    try:
        return (root / edit.file).read_text(encoding="utf-8")
    except OSError as error:
        message = f"the planted bug {bug.id} does not apply any more: {edit.file}"
        raise PlantedBugError(f"{message}: {error.strerror}") from error
