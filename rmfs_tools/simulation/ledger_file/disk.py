"""A disk that loses its power: what is surely there, and what may or may not be.

Octets and size of a file are durable up to the file's own last sync, names in the
folder up to the folder's own. What came later is *pending*: it may have reached the
disk or not, whatever its order. Names are the exception: file systems keep the order
in which a folder was changed, so a beginning of the pending names survives.

Source: reliability notes, section 4.1. There deletes were durable at once; here a
folder can be kept so as well, to compare.
"""

from collections.abc import Iterable, Sequence

from rmfs_tools.simulation.ledger_file.record import (
    Create,
    Delete,
    Operation,
    Sync,
    SyncFolder,
    Truncate,
    Write,
)

Data = Write | Truncate
Image = dict[str, bytes]
"""Files by name, as somebody finds them when the power is back."""


class Disk:
    """Files and names after so many operations.

    Attributes:
        data: Pending writes and truncates, each with the number of its operation.
        names: Pending changes of the folder.
        version: Another one whenever something has become durable.
    """

    def __init__(self, files: Image, *, folder_at_once: bool) -> None:
        """Begin with files that are durable.

        Args:
            files: By name, in the order of their numbers.
            folder_at_once: Names need no sync.
        """
        self.data: list[tuple[int, Data]] = []
        self.names: list[Create | Delete] = []
        self.version = 0
        self._folder_at_once = folder_at_once
        self._files = {
            number: bytearray(octets) for number, octets in enumerate(files.values())
        }
        self._folder = {name: number for number, name in enumerate(files)}
        self._done = 0

    def do(self, operation: Operation) -> None:
        """Let one operation happen."""
        match operation:
            case Write() | Truncate():
                self.data.append((self._done, operation))
            case Sync(file):
                self._sync(file)
            case Create(_, file):
                self._files[file] = bytearray()
                self._change_folder(operation)
            case Delete():
                self._change_folder(operation)
            case SyncFolder():
                self._sync_folder()
        self._done += 1

    def image(self, names_kept: int, kept: Iterable[Data]) -> Image:
        """Give what is found when some of what is pending has survived.

        Args:
            names_kept: So many of the pending names, from the first.
            kept: Pending writes and truncates, in their order; the last may be torn.
        """
        folder = _renamed(self._folder, self.names[:names_kept])
        found = {number: self._files[number] for number in folder.values()}
        changed: set[int] = set()
        for one in kept:
            if one.file not in found:
                continue
            if one.file not in changed:
                changed.add(one.file)
                found[one.file] = bytearray(found[one.file])
            _put(found[one.file], one)
        return {name: bytes(found[number]) for name, number in folder.items()}

    def _sync(self, file: int) -> None:
        kept = []
        for number, one in self.data:
            if one.file == file:
                _put(self._files[file], one)
            else:
                kept.append((number, one))
        self.data = kept
        self.version += 1

    def _change_folder(self, change: Create | Delete) -> None:
        self.names.append(change)
        if self._folder_at_once:
            self._sync_folder()

    def _sync_folder(self) -> None:
        self._folder = _renamed(self._folder, self.names)
        self.names = []
        there = set(self._folder.values())
        self._files = {file: self._files[file] for file in sorted(there)}
        self.data = [(number, one) for number, one in self.data if one.file in there]
        self.version += 1


def _renamed(
    folder: dict[str, int], changes: Sequence[Create | Delete]
) -> dict[str, int]:
    after = dict(folder)
    for change in changes:
        if isinstance(change, Create):
            after[change.name] = change.file
        else:
            after.pop(change.name, None)
    return after


def _put(octets: bytearray, change: Data) -> None:
    """Carry out a write or truncate; what lies between is zeros."""
    if isinstance(change, Truncate):
        del octets[change.size :]
        octets.extend(bytes(change.size - len(octets)))
        return
    octets.extend(bytes(max(0, change.offset - len(octets))))
    octets[change.offset : change.offset + len(change.octets)] = change.octets
