"""What happened to a database's files, in order, and what was promised in between.

A *file* is what its octets are kept in; a *name* is an entry of the folder that leads
to it. The two become durable by different syncs, so they are told apart: a journal that
is deleted and made again is another file under the same name.

Source: reliability notes, section 4.1.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Write:
    """Octets were written into a file."""

    file: int
    offset: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file was cut, or filled up with zeros, to a size."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """A file's octets and size were synced."""

    file: int


@dataclass(frozen=True, slots=True)
class Create:
    """A name was entered in the folder, for a new and empty file."""

    name: str
    file: int


@dataclass(frozen=True, slots=True)
class Delete:
    """A name was taken from the folder."""

    name: str


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """The folder with its names was synced."""


Operation = Write | Truncate | Sync | Create | Delete | SyncFolder


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction of the books, and where its promise begins.

    Attributes:
        name: What the product calls it.
        begun: So many operations were done when COMMIT was said.
        acknowledged: So many were done when it had returned.
        content: Digest of all rows after it, as the product's connection read them.
    """

    name: str
    begun: int
    acknowledged: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A voucher or VOID left for a machine.

    Attributes:
        after: So many operations were done when it was sent.
        octets: What was sent.
    """

    after: int
    octets: bytes


@dataclass(slots=True)
class Record:
    """Everything that was recorded of one run.

    Attributes:
        files: Name and octets of what was there before the first operation, durable.
        content: Digest of all rows of it.
        settings: Journal and synchronous, as the connection that was recorded says.
        operations: What was done to the files.
        commits: The transactions that were acknowledged, in order.
        sent: What was sent to machines, in order.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    content: bytes = b""
    settings: tuple[str, str] = ("", "")
    operations: list[Operation] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
