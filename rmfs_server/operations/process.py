"""One process of a server as others see it: who it is, and its figures, as plain data.

The picture goes from process to process as JSON, and to programs as it is; what is made
of it for Prometheus stands in `metrics`, what people read in `status`.
"""

import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import getpid
from pathlib import Path
from typing import Any, Final

from protocol.values import EpochSeconds
from rmfs_server.calls import Exchange
from rmfs_server.operations.figures import (
    CommitFigures,
    Distribution,
    Figures,
    PlaceFigures,
)

Picture = Mapping[str, Any]
_STATUS: Final = Path("/proc/self/status")
_FILES: Final = Path("/proc/self/fd")


@dataclass
class ServerProcess:
    """A process that answers calls.

    Attributes:
        name: Tells it from all others of this server; the first part of its calls' ids.
        began_at: When it was started.
        exchange: Its calls.
        commits: What its transactions took.
        worker: Its number, if it is one of several workers.
        parent: The process that keeps the workers, if there is one.
        end: Drains the whole server.
        lines: Where it answers.
        is_draining: Whether it takes no more calls.
    """

    name: str
    began_at: EpochSeconds
    exchange: Exchange
    commits: CommitFigures
    end: Callable[[], None]
    worker: int | None = None
    parent: int | None = None
    lines: Sequence[str] = ()
    is_draining: bool = field(default=False)

    @property
    def books_wait_s(self) -> float:
        """For how long the oldest question waits that the books have not answered."""
        exchange = self.exchange
        return exchange.admission.books.oldest_s(float(exchange.reactor.seconds()))

    def picture(self) -> Picture:
        """Picture it as it is now."""
        exchange = self.exchange
        return {
            "name": self.name,
            "worker": self.worker,
            "process": getpid(),
            "parent": self.parent,
            "began_at": self.began_at,
            "draining": self.is_draining,
            "lines": list(self.lines),
            "calls_max": exchange.limits.calls,
            "states": dict(exchange.states()),
            "told_busy": exchange.refusals.told,
            "books_wait_s": self.books_wait_s,
            "figures": picture_of_figures(exchange.records.figures),
            "commits": picture_of_commits(self.commits),
            **_resources(),
        }


def picture_of_figures(figures: Figures) -> Picture:
    """Picture what calls added to."""
    return {
        "calls": figures.calls,
        "turned_away": dict(figures.turned_away),
        "dialogues": figures.dialogues,
        "ended": dict(figures.ended),
        "refusals": dict(figures.refusals),
        "vouchers": figures.vouchers,
        "confirmed": figures.confirmed,
        "wrong": figures.wrong,
        "superseded": figures.superseded,
        "books_failed": figures.books_failed,
        "dialogue_s": _distribution(figures.dialogue_s),
        "places": {
            name: _place(place) for name, place in sorted(figures.places.items())
        },
    }


def picture_of_commits(commits: CommitFigures) -> Picture:
    """Picture what the books' transactions took."""
    return {
        "commits": dict(commits.commits),
        "seconds": _distribution(commits.seconds),
        "together": _distribution(commits.together),
    }


def _place(place: PlaceFigures) -> Picture:
    return {
        "calls": place.calls,
        "octets_received": place.octets_received,
        "octets_sent": place.octets_sent,
        "frames_received": place.frames_received,
        "frames_sent": place.frames_sent,
        "retransmissions": place.retransmissions,
        "timeouts": place.timeouts,
        "damage": dict(place.damage),
        "lost": dict(place.lost),
    }


def _distribution(of: Distribution) -> Picture:
    return {"bounds": list(of.bounds), "counts": list(of.counts), "total": of.total}


def _resources() -> Picture:
    """Say what the operating system knows of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    rows = _STATUS.read_text("ascii", "replace").splitlines()
    kib = next((row.split()[1] for row in rows if row.startswith("VmRSS:")), "0")
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "resident_octets": int(kib) * 1024,
        "files_open": sum(1 for _ in _FILES.iterdir()),
    }
