"""The run of a load: its processes are started, told what to do, and heard.

They make their machines all at once, enrol them one process after the other, since only
one can write into a SQLite file, and begin to dial together.
"""

import json
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Final

from sqlalchemy import func, select

from protocol.errors import RmfsError
from rmfs_server.folder import open_books
from rmfs_server.store import schema
from rmfs_tools.bench.serving import Process, started
from rmfs_tools.load.heard import Heard
from rmfs_tools.load.judging import Judgement, judge_books
from rmfs_tools.load.plan import Load, Result
from rmfs_tools.load.process import Share

LETTER: Final = "N"
"""Of the identifiers of all machines of a load."""
NUMBERS: Final = 1_000_000

OnWord = Callable[[str], None]
OnPart = Callable[[int, Heard], None]


class LoadError(RmfsError):
    """A load cannot be run, or one of its processes has ended; it says why."""


def run(load: Load, on_word: OnWord, on_part: OnPart) -> Result:
    """Run it.

    Args:
        load: What is done.
        on_word: Told what goes on.
        on_part: Told what was heard in each part, counted from 0, as soon as all
            processes have told of it.

    Raises:
        LoadError: The books have no room for so many machines, or a process has ended:
            its machines cannot be made, enrolled or switched on.
        StoreError: The books cannot be read.
    """
    shares = share_out(load, 0 if load.fleet else _first_free(load))
    with TemporaryDirectory() as logs, ExitStack() as stack:
        processes = [
            stack.enter_context(_process(share, Path(logs))) for share in shares
        ]
        done = "switched on" if load.fleet else "made"
        on_word(f"{load.machines} machines are being {done}")
        for process in processes:
            _expect(process, "made")
        ready = 0
        for share, process in zip(shares, processes, strict=True):
            process.tell("enrol")
            _expect(process, "ready")
            ready += share.machines
            on_word(f"{ready} machines are ready")
        on_word(f"{load.rate:g} dial-ins a second for {load.seconds:g} s")
        for process in processes:
            process.tell("go")
        by_part, judged = _hear_all(processes, on_word, on_part)
    with open_books(Path(load.server)) as store, store.reading() as connection:
        judged = judged.beside(judge_books(connection))
    whole = Heard()
    for heard in by_part:
        whole.then(heard)
    return Result(load, by_part, whole, judged)


def share_out(load: Load, first: int) -> list[Share]:
    """Give each process its machines: the same number, or one more.

    Args:
        load: What is done.
        first: Number of the first machine.
    """
    shares = []
    for number in range(load.processes):
        begin = load.machines * number // load.processes
        end = load.machines * (number + 1) // load.processes
        shares.append(Share(load, number, first + begin, end - begin))
    return shares


def _first_free(load: Load) -> int:
    """Find the first number that no machine of these books ever had."""
    identifier = schema.licence.c.identifier
    query = select(func.max(identifier)).where(identifier.like(f"{LETTER}%"))
    with open_books(Path(load.server)) as store, store.reading() as connection:
        last = connection.execute(query).scalar_one()
    first = int(last[1:]) + 1 if last else 1
    if first + load.machines > NUMBERS:
        raise LoadError(
            f"the books have {last} already, and no identifiers for {load.machines} "
            "machines behind it: take a new server"
        )
    return first


def _process(share: Share, logs: Path) -> AbstractContextManager[Process]:
    program = (
        "from rmfs_tools.load.plan import Load; "
        "from rmfs_tools.load.process import Share, main; "
        f"main({share!r})"
    )
    return started(["-c", program], logs / f"{share.number}.log")


def _expect(process: Process, what: str) -> None:
    said, _ = _read(process, process.line())
    if said != what:
        raise LoadError(f"a process said {said!r} instead of {what!r}")


def _read(process: Process, line: str) -> tuple[str, Any]:
    if not line:
        words = process.log.read_text("utf-8").strip().splitlines()
        raise LoadError(f"a process of the load has ended: {' '.join(words[-1:])}")
    said, told = json.loads(line)
    return said, told


def _hear_all(
    processes: list[Process], on_word: OnWord, on_part: OnPart
) -> tuple[list[Heard], Judgement]:
    """Add up what all processes tell, until each has judged its machines."""
    lines: Queue[tuple[int, str]] = Queue()
    for number, process in enumerate(processes):
        Thread(target=_pass_on, args=(number, process, lines), daemon=True).start()
    board = Board(len(processes), on_part)
    judged, waiting = Judgement(), set(range(len(processes)))
    while waiting:
        number, line = lines.get()
        if number not in waiting:
            continue
        said, told = _read(processes[number], line)
        if said == "heard":
            board.heard(number, Heard.of_json(told))
        elif said == "over":
            board.over(number)
            if board.is_over:
                on_word("every machine dials once more")
        else:
            faults = tuple(told["faults"])
            judged = judged.beside(Judgement(**{**told, "faults": faults}))
            waiting.discard(number)
    return board.by_part, judged


def _pass_on(number: int, process: Process, lines: "Queue[tuple[int, str]]") -> None:
    while line := process.line():
        lines.put((number, line))
    lines.put((number, ""))


class Board:
    """What was heard in each part of the time, by all processes together.

    Attributes:
        by_part: What is complete.
    """

    def __init__(self, processes: int, on_part: OnPart) -> None:
        """Begin with nothing.

        Args:
            processes: How many tell.
            on_part: Told of each part when it is complete.
        """
        self.by_part: list[Heard] = []
        self._told: list[deque[Heard]] = [deque() for _ in range(processes)]
        self._over: set[int] = set()
        self._on_part = on_part

    @property
    def is_over(self) -> bool:
        """Whether no process tells more."""
        return len(self._over) == len(self._told)

    def heard(self, number: int, heard: Heard) -> None:
        """Take what a process has heard in its next part."""
        self._told[number].append(heard)
        self._complete()

    def over(self, number: int) -> None:
        """Know that a process tells no more."""
        self._over.add(number)
        self._complete()

    def _complete(self) -> None:
        while (part := self._next()) is not None:
            at = len(self.by_part)
            self.by_part.append(part)
            self._on_part(at, part)

    def _next(self) -> Heard | None:
        """Take the next part, if every process has told of it that tells any more."""
        telling = [told for told in self._told if told]
        silent = {number for number, told in enumerate(self._told) if not told}
        if not telling or silent - self._over:
            return None
        whole = Heard()
        for told in telling:
            whole.beside(told.popleft())
        return whole
