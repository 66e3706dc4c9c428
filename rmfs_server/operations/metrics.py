"""The figures of a server as Prometheus reads them.

Each process counts for itself; whichever is asked asks the others of this computer, and
tells all, apart by the label `worker`. A process that does not answer has `rmfs_up` 0
for as long as it is there. What the books know is told once, without that label.

Source: docs/operations.md lists every name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from protocol.dialogue.server import State

Picture = Mapping[str, Any]
WORKER: Final = "worker"
_STATES: Final = ("IDLE", *(state.name for state in State))
"""All are told, those in which nobody is too: a series that goes away is a gap."""


def expose(
    processes: Sequence[Picture], books: Picture | None, accept: str = ""
) -> tuple[bytes, str]:
    """Write the figures for Prometheus.

    Args:
        processes: A picture of each process of `process.ServerProcess`; one that does
            not answer has no ``figures``.
        books: A picture of the books, or None when they do not answer.
        accept: What the asker takes, as its header says.

    Returns:
        The text, and its content type.
    """
    registry = CollectorRegistry()
    registry.register(_Pictures(processes, books))
    write, content_type = choose_encoder(accept)
    return write(registry), content_type


class _Pictures(Collector):
    def __init__(self, processes: Sequence[Picture], books: Picture | None) -> None:
        self._processes = processes
        self._books = books

    def collect(self) -> Iterable[Metric]:
        yield from _families(self._processes)
        yield from _of_books(self._books)


def worker_of(process: Picture) -> str:
    """Say which process it is, in few words that come again after a restart."""
    return str(process.get(WORKER) or 0)


def _families(processes: Sequence[Picture]) -> Iterator[Metric]:
    up = GaugeMetricFamily("rmfs_up", "Whether the process answers.", labels=[WORKER])
    told: list[tuple[str, Picture]] = []
    labels: set[str] = set()
    for one in processes:
        # Two servers in one folder are no workers of each other.
        who = worker_of(one)
        if who in labels:
            who = f"{who}-{one['name']}"
        labels.add(who)
        is_up = "figures" in one
        up.add_metric([who], float(is_up))
        if is_up:
            told.append((who, one))
    yield up
    yield from _of_processes(told)
    yield from _of_calls([(who, one["figures"]) for who, one in told])
    places = [
        (who, name, place)
        for who, one in told
        for name, place in one["figures"]["places"].items()
    ]
    yield from _of_lines(places)
    yield from _of_commits([(who, one["commits"]) for who, one in told])


def _of_processes(told: Sequence[tuple[str, Picture]]) -> Iterator[Metric]:
    for name, key, words in (
        ("rmfs_start_time_seconds", "began_at", "When the process was started."),
        ("rmfs_draining", "draining", "Whether it takes no more calls."),
        ("rmfs_calls_max", "calls_max", "Most calls that may be up at once."),
        (
            "rmfs_books_wait_seconds",
            "books_wait_s",
            "Age of the oldest question that the books have not answered.",
        ),
        ("rmfs_resident_memory_bytes", "resident_octets", "Memory that it holds."),
        ("rmfs_open_files", "files_open", "Open files, sockets included."),
    ):
        gauge = GaugeMetricFamily(name, words, labels=[WORKER])
        for who, one in told:
            gauge.add_metric([who], float(one[key]))
        yield gauge
    cpu = CounterMetricFamily("rmfs_cpu_seconds", "CPU time it took.", labels=[WORKER])
    states = GaugeMetricFamily(
        "rmfs_calls",
        "Calls that are up, by state of dialogue.",
        labels=[WORKER, "state"],
    )
    for who, one in told:
        cpu.add_metric([who], one["cpu_s"])
        for state in _STATES:
            states.add_metric([who, state], one["states"].get(state, 0))
    busy = CounterMetricFamily(
        "rmfs_told_busy", "Calls told that the server is busy.", labels=[WORKER]
    )
    for who, one in told:
        busy.add_metric([who], one["told_busy"])
    yield cpu
    yield states
    yield busy


def _of_calls(told: Sequence[tuple[str, Picture]]) -> Iterator[Metric]:
    for name, key, words in (
        ("rmfs_dialogues", "dialogues", "Link set-ups."),
        ("rmfs_vouchers", "vouchers", "Dialogues in which a voucher was sent."),
        ("rmfs_confirmations", "confirmed", "Vouchers that were sent and confirmed."),
        ("rmfs_wrong_authentications", "wrong", "Wrong authentications."),
        ("rmfs_superseded", "superseded", "Calls dropped for a newer one."),
        ("rmfs_books_failures", "books_failed", "Questions the books did not answer."),
    ):
        counter = CounterMetricFamily(name, words, labels=[WORKER])
        for who, one in told:
            counter.add_metric([who], one[key])
        yield counter
    for name, key, label, words in (
        ("rmfs_turned_away", "turned_away", "reason", "Calls turned away."),
        ("rmfs_dialogues_ended", "ended", "how", "Dialogues that are over."),
        ("rmfs_refusals", "refusals", "code", "REFUSAL messages."),
    ):
        counter = CounterMetricFamily(name, words, labels=[WORKER, label])
        for who, one in told:
            for value, count in sorted(one[key].items()):
                counter.add_metric([who, value], count)
        yield counter
    yield _histogram(
        "rmfs_dialogue_seconds",
        "How long dialogues took.",
        [(who, one["dialogue_s"]) for who, one in told],
    )


def _of_lines(places: Sequence[tuple[str, str, Picture]]) -> Iterator[Metric]:
    for name, key, words in (
        ("rmfs_line_calls", "calls", "Calls answered."),
        ("rmfs_line_received_bytes", "octets_received", "Octets that came."),
        ("rmfs_line_sent_bytes", "octets_sent", "Octets that went."),
        ("rmfs_line_frames_received", "frames_received", "Good frames that came."),
        ("rmfs_line_frames_sent", "frames_sent", "Frames that went."),
        ("rmfs_line_retransmissions", "retransmissions", "I frames sent again."),
        ("rmfs_line_timeouts", "timeouts", "Acknowledgements that did not come."),
    ):
        counter = CounterMetricFamily(name, words, labels=[WORKER, "line"])
        for who, line, one in places:
            counter.add_metric([who, line], one[key])
        yield counter
    for name, key, label, words in (
        ("rmfs_line_frames_damaged", "damage", "why", "Frames that came damaged."),
        ("rmfs_line_ends", "lost", "cause", "Lines that ended."),
    ):
        counter = CounterMetricFamily(name, words, labels=[WORKER, "line", label])
        for who, line, one in places:
            for value, count in sorted(one[key].items()):
                counter.add_metric([who, line, value], count)
        yield counter


def _of_commits(told: Sequence[tuple[str, Picture]]) -> Iterator[Metric]:
    commits = CounterMetricFamily(
        "rmfs_commits", "Transactions committed.", labels=[WORKER, "what"]
    )
    for who, one in told:
        for what, count in sorted(one["commits"].items()):
            commits.add_metric([who, what], count)
    yield commits
    yield _histogram(
        "rmfs_commit_seconds",
        "How long COMMIT took.",
        [(who, one["seconds"]) for who, one in told],
    )
    yield _histogram(
        "rmfs_books_questions",
        "Questions of dial-ins that the books answered together.",
        [(who, one["together"]) for who, one in told],
    )


def _of_books(books: Picture | None) -> Iterator[Metric]:
    up = books is not None
    yield GaugeMetricFamily(
        "rmfs_books_up", "Whether the books answer.", value=float(up)
    )
    if books is None:
        return
    exchange = books["exchange"]
    for name, value, words in (
        ("rmfs_recharges_open", books["recharges_open"], "Granted and not settled."),
        (
            "rmfs_recharges_open_oldest_time_seconds",
            books["oldest_open_at"],
            "When the oldest of them was granted.",
        ),
        ("rmfs_machines_frozen", books["frozen"], "With a discrepancy to be resolved."),
        ("rmfs_exchange_files_missing", exchange["missing"], "Due in this window."),
        (
            "rmfs_exchange_files_waiting",
            exchange["waiting"],
            "Wait for one before them.",
        ),
        (
            "rmfs_exchange_files_unanswered",
            exchange["unanswered"],
            "Of ours, that the Department has not answered.",
        ),
        ("rmfs_exchange_rows_to_tell", exchange["to_tell"], "That no file tells yet."),
        (
            "rmfs_exchange_last_sent_time_seconds",
            exchange["went_at"],
            "When the newest file of ours was handed over.",
        ),
    ):
        if value is not None:
            yield GaugeMetricFamily(name, words, value=float(value))


def _histogram(
    name: str, words: str, told: Sequence[tuple[str, Picture]]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, words, labels=[WORKER])
    for who, one in told:
        below, buckets = 0, []
        bounds = [*(str(float(bound)) for bound in one["bounds"]), "+Inf"]
        for bound, count in zip(bounds, one["counts"], strict=True):
            below += count
            buckets.append((bound, float(below)))
        family.add_metric([who], buckets, one["total"])
    return family
