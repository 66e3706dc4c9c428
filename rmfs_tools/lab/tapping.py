"""Captures, key logs and papers, read and given to whoever stands by and judges."""

import heapq
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from hw.capture import LineEvent
from hw.lab.tap.bystander import Bystander
from hw.lab.tap.known_machine import NO_PAPERS, Papers
from hw.seen.keylog import KeyLogError, RecordKeys, read_bindings
from hw.seen.reading import CaptureError, CaptureReader, SeenEvent, SeenRecord
from protocol.errors import LinkDownError, RmfsError
from protocol.keys import (
    KeyMaterialError,
    MachineCredential,
    MakerPublicKey,
    VerifyingKey,
    read_machine_provisioning,
    read_public_key,
    read_server_provisioning,
)
from protocol.keys.realms import Realm
from rmfs_tools.listening import KeyFile, are_files, chunks, listen

_FILE_OCTETS_MAX: Final = 64 * 1024
_KEYS_S: Final = 5.0
"""Keys are in a key log so much later at most than what they open is on the line: a
server has them when it has read the packet that a tap has heard as well."""


class TapFileError(RmfsError):
    """A file that the tap is given is not what it has to be."""


@dataclass(slots=True)
class Tapped:
    """What a tap has judged.

    Attributes:
        by: Who judged it.
        sources: Name of each capture, and SHA-256 of it; of a live line its ends.
        has_keys: A key log was given.
        remarks: What people should know of the traffic, in words.
    """

    by: Bystander
    sources: dict[str, str]
    has_keys: bool
    remarks: list[str]

    def conclude(self) -> None:
        """Judge what only all traffic together shows, and say what could not be."""
        self.by.finish()
        sealed = self.by.sealed
        if not self.has_keys:
            self.remarks.append(
                "no key log: links and channels are judged, and no dialogue"
            )
        elif sealed:
            words = f"{sealed} records could not be opened with the key log"
            self.remarks.append(words)
        self.remarks += [
            f"{name} holds no frames of a line"
            for name, judge in self.by.lines.items()
            if not sum(judge.link.good.values())
        ]


def judge_captures(
    captures: Sequence[Path], keys: Sequence[Path], papers: Papers = NO_PAPERS
) -> Tapped:
    """Judge captures as one: their records in the order of time.

    Args:
        captures: Files, each of one line.
        keys: Key logs.
        papers: What is known beforehand.

    Raises:
        RmfsError: A file cannot be read, or is none.
    """
    known: RecordKeys = {}
    for path in keys:
        KeyFile(path, known, may_come=False).read()
    tapped = Tapped(Bystander(known, papers), {}, bool(keys), [])
    files = [_CaptureFile(path, tapped) for path in captures]
    for name, seen in heapq.merge(
        *(file.records() for file in files), key=lambda one: one[1].time
    ):
        tapped.by.line(name).take(seen)
    for file in files:
        # A capture without any record has a line all the same.
        tapped.by.line(file.name)
    tapped.conclude()
    return tapped


class _CaptureFile:
    """One capture that is read while its records are judged."""

    def __init__(self, path: Path, tapped: Tapped) -> None:
        self.name = str(path)
        self._path = path
        self._tapped = tapped

    def records(self) -> Iterator[tuple[str, SeenRecord]]:
        reader, digest = CaptureReader(), sha256()
        try:
            for octets in chunks(self._path):
                digest.update(octets)
                for seen in reader.records(octets):
                    yield self.name, seen
        except CaptureError as error:
            raise TapFileError(f"{self._path}: {error}") from error
        if not reader.is_between_blocks:
            words = f"{self.name} ends in the midst of a record"
            self._tapped.remarks.append(words)
        self._tapped.sources[self.name] = digest.hexdigest()


def judge_live(
    ends: tuple[str, str],
    baud: int,
    capture: Path | None,
    keys: Sequence[Path],
    papers: Papers = NO_PAPERS,
    *,
    ready: Callable[[str], None] = lambda _: None,
) -> tuple[Tapped, str]:
    """Judge a line while it is listened to, until Ctrl-C or a port is lost.

    Args:
        ends: Where the machine is heard, and where the server is.
        baud: Speed of ports.
        capture: A new file for what is heard, or None.
        keys: Key logs, which may come later.
        papers: What is known beforehand.
        ready: Told in words when both ports are listened to.

    Returns:
        What was judged, and why it ended early, or nothing.

    Raises:
        RmfsError: A file cannot be read or written.
    """
    known: RecordKeys = {}
    sources = [KeyFile(path, known, may_come=True) for path in keys]
    name = " and ".join(ends)
    by_time = not are_files(ends)
    by = Bystander(known, papers, is_timed=by_time)
    tapped = Tapped(by, {name: ""}, bool(keys), [])
    line = tapped.by.line(name)
    up = set[str]()
    waiting = deque[SeenRecord]()

    def judge(until: datetime | None = None) -> None:
        try:
            for source in sources:
                source.read()
        except KeyLogError as error:
            if not by_time:
                raise
            # Hours of a line are not given up for a key log that is no good.
            tapped.remarks.append(str(error))
            sources.clear()
        while waiting and (until is None or waiting[0].time <= until):
            line.take(waiting.popleft())

    def take(seen: SeenRecord) -> None:
        if isinstance(seen, SeenEvent) and seen.event is LineEvent.UP:
            up.add(seen.words)
            if len(up) == len(ends):
                ready(f"listening at {name}, until Ctrl-C")
        waiting.append(seen)
        judge(seen.time - timedelta(seconds=_KEYS_S) if by_time else None)

    trouble = ""
    try:
        listen(ends, baud, capture, take)
    except LinkDownError as error:
        trouble = str(error)
    judge()
    tapped.conclude()
    return tapped, trouble


def read_papers(
    maker: Path | None,
    servers: Iterable[Path],
    machines: Iterable[Path],
    keys: Iterable[Path],
) -> Papers:
    """Read provisioning files.

    Args:
        maker: The maker's public key.
        servers: SERVER files of the one server: one for each credit key.
        machines: MACHINE files.
        keys: Key logs: those of a lab have bindings.

    Raises:
        RmfsError: One cannot be read, or its maker has not signed it.
    """
    server, known = None, dict[str, MachineCredential]()
    bindings = dict[bytes, bytes]()
    for path in keys:
        # Where one listens, a key log may come later; it is an end's, without bindings.
        if path.exists():
            bindings |= read_bindings(path)
    if maker is None:
        return Papers(bindings=bindings)
    for path in servers:
        found = read_server_provisioning(_read(path), [_maker(maker, path)])
        server = (
            found.credential
            if server is None
            else server.with_credit_key(found.credit_key_id, found.credit_key)
        )
    for path in machines:
        machine = read_machine_provisioning(_read(path), [_maker(maker, path)])
        known[machine.credential.licence_identifier] = machine.credential
    return Papers(server, known, bindings)


def _maker(key: Path, paper: Path) -> MakerPublicKey:
    """The maker by its key; its name is the one that the paper bears."""
    try:
        name = json.loads(_read(paper))["maker"]["name"]
    except (ValueError, KeyError, TypeError) as error:
        raise TapFileError(f"{paper} is no provisioning file: {error}") from error
    try:
        point = read_public_key(_read(key))
    except KeyMaterialError as error:
        raise TapFileError(f"{key}: {error}") from error
    return MakerPublicKey(str(name), Realm.TEST, VerifyingKey(point))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_OCTETS_MAX)
    except OSError as error:
        raise TapFileError(f"{path} cannot be read: {error.strerror}") from error
