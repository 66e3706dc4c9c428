"""How a server is, for `rmfs server status`: its processes, and what its books say."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hw.database import Store
from protocol.errors import StoreError
from protocol.parameters import INDIA
from protocol.values import EpochSeconds
from rmfs_server.operations.asking import pictures
from rmfs_server.operations.books_picture import picture_of_books, picture_of_machines

Picture = Mapping[str, Any]


def picture_of_server(
    folder: Path, open_store: Callable[[], AbstractContextManager[Store]], now: int
) -> Picture:
    """Picture the processes of this computer, and the books.

    Args:
        folder: The server's folder.
        open_store: Opens its books.
        now: The time, in seconds of the epoch.

    Returns:
        ``running``, whether all processes answer; ``processes``; ``books``, or None
        with ``why`` the books do not answer.
    """
    processes = pictures(folder)
    answers = ["figures" in one for one in processes]
    books, why = None, None
    try:
        with open_store() as store:
            found = picture_of_books(store, EpochSeconds(now))
            books = {**picture_of_machines(store), **found}
    except StoreError as error:
        why = str(error)
    return {
        "running": bool(answers) and all(answers),
        "processes": processes,
        "books": books,
        "why": why,
    }


def show_status(picture: Picture, now: EpochSeconds) -> Iterator[str]:
    """Show the picture to a person."""
    if not picture["processes"]:
        yield "not running on this computer"
    for one in picture["processes"]:
        yield from _show_process(one)
    books = picture["books"]
    if books is None:
        yield f"books      DO NOT ANSWER: {picture['why']}"
        return
    yield (
        f"books      {books['machines']} machines of {books['licences']} licences, "
        f"{books['frozen']} frozen"
    )
    opened, oldest = books["recharges_open"], books["oldest_open_at"]
    since = "" if oldest is None else f", the oldest for {_span(now - oldest)}"
    yield f"recharges  {opened} granted and not settled{since}"
    yield from _show_exchange(books["exchange"])


def _show_process(one: Picture) -> Iterator[str]:
    name = "server" if one["worker"] is None else f"worker {one['worker']}"
    who = f"{name:<10} process {one['process']}"
    if "figures" not in one:
        yield f"{who} DOES NOT ANSWER"
        return
    figures, states = one["figures"], one["states"]
    draining = ", DRAINING" if one["draining"] else ""
    lines = ", ".join(one["lines"])
    yield f"{who} since {_india(one['began_at'])} at {lines}{draining}"
    in_dialogue = ", ".join(
        f"{count} {state}" for state, count in sorted(states.items())
    )
    yield (
        f"           {sum(states.values())} of {one['calls_max']} calls up"
        + (f": {in_dialogue}" if in_dialogue else "")
    )
    ended = dict(figures["ended"])
    yield (
        f"           {figures['calls']} calls, {ended.pop('COMPLETE', 0)} dialogues "
        f"complete, {sum(ended.values())} ended early, "
        f"{figures['confirmed']} vouchers confirmed"
    )
    yield (
        f"           {sum(figures['turned_away'].values())} turned away, "
        f"{figures['wrong']} wrong authentications, "
        f"{figures['books_failed']} questions the books did not answer"
    )


def _show_exchange(exchange: Picture) -> Iterator[str]:
    went = exchange["went"]
    last = "no file has gone yet" if went is None else f"{went} went last"
    if exchange["went_at"] is not None:
        last += f", {_india(exchange['went_at'])}"
    yield f"exchange   {last}; {exchange['to_tell']} things to tell"
    troubles = [
        f"{exchange[key]} {key}"
        for key in ("missing", "waiting", "unanswered")
        if exchange[key]
    ]
    if troubles:
        yield f"           files: {', '.join(troubles)}"


def _span(seconds: int) -> str:
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{max(0, seconds)} s"


def _india(moment: EpochSeconds) -> str:
    here = datetime.fromtimestamp(moment, UTC).astimezone(INDIA)
    return here.strftime("%d.%m.%Y %H:%M IST")
