"""Frames of 256 octets: what they cost, and what a damaged one costs its neighbours.

A frame goes through the calls that the link makes: `Frame` to octets with address,
control field, FCS, stuffing and flags, and back. Its content is random, as what the
channel has encrypted is: one octet in 128 is escaped. A stream of such frames, cut into
chunks of 4,096 octets, goes through the deframer. Times are of the CPU, the best of
several repeats: whatever else runs on the computer only ever adds to them.

Recovery: a good frame, a disturbance, and eight good frames, each in a delivery of its
own. The disturbance is junk before the first of the eight, or one more frame that ends
too early or has one octet altered. Seeds decide where, so that every run is the same.
"""

import json
import statistics
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final

from hw.entropy import SeededEntropy
from protocol.errors import InvariantError
from rmfs_tools.bench.codec_peers import CODECS, OURS, Codec, MakeCodec

OnWord = Callable[[str], None]

FRAME_US_MAX: Final = 15.0
DEFRAME_MB_S_LEAST: Final = 20.0
FRAMES: Final = 64
"""Different ones; the stream holds each of them several times."""
REPEATS: Final = 60
REPEATS_QUICK: Final = 2
RUNS: Final = 200
RUNS_QUICK: Final = 20
GOOD_FRAMES: Final = 8
"""After each disturbance."""
JUNK_OCTETS_MAX: Final = 8
_ROUNDS: Final = 5
_STREAM_TIMES: Final = 4


class Case(Enum):
    """What disturbs the line."""

    JUNK = "junk"
    EARLY_END = "early_end"
    CORRUPTED = "corrupted"


@dataclass(frozen=True)
class Figures:
    """What a codec costs.

    Attributes:
        peer: Its name.
        version: Of the library.
        licence: Of the library, SPDX.
        check: What finds an altered frame.
        differs: What to know when figures are compared.
        information_octets: In one frame.
        line_octets: Of one frame on an idle line, the mean.
        frame_us: To encode and decode one frame, microseconds.
        encode_us: The first half by itself.
        decode_us: The second.
        deframe_mb_s: Millions of line octets in a second, found and verified.
        chunk_octets: What their stream was cut into.
    """

    peer: str
    version: str
    licence: str
    check: str
    differs: str
    information_octets: int
    line_octets: float
    frame_us: float
    encode_us: float
    decode_us: float
    deframe_mb_s: float
    chunk_octets: int


@dataclass(frozen=True)
class RecoveryRow:
    """One codec after one kind of disturbance.

    Attributes:
        peer: Its name.
        case: What disturbed.
        delivered: Whether the next good frame came, in every run.
        frames_lost: Good frames behind the disturbance that did not come, at most in
            one run.
        altered: Frames that came and that nobody had sent, in all runs.
        runs: How many.
        runs_delivered: In how many of them the next good frame came.
    """

    peer: str
    case: str
    delivered: bool
    frames_lost: int
    altered: int
    runs: int
    runs_delivered: int


def measure(name: str, make: MakeCodec, repeats: int) -> Figures:
    """Measure one codec.

    Args:
        name: What it is called.
        make: Makes it.
        repeats: The best of so many counts.

    Raises:
        InvariantError: What came is not what was sent: the figures would mean nothing.
        ModuleNotFoundError: The library is not installed.
    """
    codec = make()
    frames = [codec.frame(one) for one in _contents(codec, FRAMES)]
    lines = [codec.encode(frame) for frame in frames]
    stream = b"".join(lines) * _STREAM_TIMES
    cuts = range(0, len(stream), codec.chunk_octets)
    chunks = [stream[cut : cut + codec.chunk_octets] for cut in cuts]

    def encode() -> None:
        for frame in frames:
            codec.encode(frame)

    def decode() -> None:
        for line in lines:
            codec.decode(line)

    def both() -> None:
        for frame in frames:
            codec.decode(codec.encode(frame))

    def deframe() -> None:
        for chunk in chunks:
            codec.deframe(chunk)

    sent = [codec.information(frame) for frame in frames]
    came = [codec.information(one) for line in lines for one in codec.decode(line)]
    if came != sent or sum(map(codec.deframe, chunks)) != FRAMES * _STREAM_TIMES:
        raise InvariantError(f"{name} does not give back the frames it was given")
    return Figures(
        peer=name,
        version=codec.version,
        licence=codec.licence,
        check=codec.check,
        differs=codec.differs,
        information_octets=codec.information_octets,
        line_octets=round(statistics.mean(map(len, lines)), 1),
        frame_us=round(_best_us(both, repeats) / FRAMES, 2),
        encode_us=round(_best_us(encode, repeats) / FRAMES, 2),
        decode_us=round(_best_us(decode, repeats) / FRAMES, 2),
        deframe_mb_s=round(len(stream) / _best_us(deframe, repeats), 1),
        chunk_octets=codec.chunk_octets,
    )


def recover(name: str, make: MakeCodec, case: Case, runs: int) -> RecoveryRow:
    """Disturb a line, and see which of the good frames behind come.

    Args:
        name: What the codec is called.
        make: Makes it.
        case: What disturbs.
        runs: How many lines.
    """
    delivered, most_lost, altered = 0, 0, 0
    for run in range(runs):
        codec = make()
        draw = SeededEntropy(f"bench codec {case.value} {run}".encode())
        first, broken, *good = _contents(codec, 2 + GOOD_FRAMES, draw)
        deliveries = [codec.encode(codec.frame(one)) for one in (first, *good)]
        if case is Case.JUNK:
            junk = draw.octets(1 + _below(JUNK_OCTETS_MAX, draw))
            deliveries[1] = junk + deliveries[1]
        else:
            line = codec.encode(codec.frame(broken))
            deliveries.insert(1, _damaged(codec, line, case, draw))
        came = [
            codec.information(frame)
            for delivery in deliveries
            for frame in codec.decode(delivery)
        ]
        delivered += good[0] in came
        most_lost = max(most_lost, sum(one not in came for one in good))
        altered += sum(one not in {first, broken, *good} for one in came)
    return RecoveryRow(
        peer=name,
        case=case.value,
        delivered=delivered == runs,
        frames_lost=most_lost,
        altered=altered,
        runs=runs,
        runs_delivered=delivered,
    )


def run(
    say: OnWord,
    progress: OnWord,
    *,
    as_json: bool,
    quick: bool,
    codecs: Mapping[str, MakeCodec] = CODECS,
) -> int:
    """Measure ours and every peer that is here, and tell.

    Args:
        say: Told the figures.
        progress: Told what goes on.
        as_json: End with one line of JSON.
        quick: Measure little; the times are not judged then.
        codecs: Ours first.

    Returns:
        The exit code: 1 when ours lost a good frame, or a goal was missed.
    """
    repeats = REPEATS_QUICK if quick else REPEATS
    runs = RUNS_QUICK if quick else RUNS
    figures: list[Figures] = []
    recovery: list[RecoveryRow] = []
    for name, make in codecs.items():
        progress(f"{name}: times, then recovery")
        try:
            figures.append(measure(name, make, repeats))
        except ModuleNotFoundError:
            say(f"{name} is not installed (requirements.in, Check): not compared")
            continue
        recovery += [recover(name, make, case, runs) for case in Case]
    ours, *peers = figures
    for line in (*_figures_shown(figures), *_recovery_shown(recovery)):
        say(line)
    if as_json:
        found: dict[str, Any] = {
            "frame_us": ours.frame_us,
            "encode_us": ours.encode_us,
            "decode_us": ours.decode_us,
            "deframe_mb_s": ours.deframe_mb_s,
            "chunk_octets": ours.chunk_octets,
            "line_octets": ours.line_octets,
            "peers": [asdict(peer) for peer in peers],
            "recovery": [asdict(row) for row in recovery],
        }
        say(json.dumps(found))
    recovers = all(
        row.delivered and not row.frames_lost for row in recovery if row.peer == OURS
    )
    return 0 if recovers and (quick or keeps_goals(ours)) else 1


def keeps_goals(ours: Figures) -> bool:
    """Tell whether our frames are as quick as they have to be."""
    return ours.frame_us <= FRAME_US_MAX and ours.deframe_mb_s >= DEFRAME_MB_S_LEAST


def _contents(
    codec: Codec[Any], count: int, draw: SeededEntropy | None = None
) -> list[bytes]:
    draw = draw or SeededEntropy(b"bench codec")
    return [draw.octets(codec.information_octets) for _ in range(count)]


def _damaged(codec: Codec[Any], line: bytes, case: Case, draw: SeededEntropy) -> bytes:
    """Damage a frame somewhere between its first and its last octet."""
    at = 1 + _below(len(line) - 2, draw)
    if case is Case.EARLY_END:
        return codec.cut_short(line, at)
    turned = line[at] ^ 1 + _below(255, draw)
    return line[:at] + bytes([turned]) + line[at + 1 :]


def _below(bound: int, draw: SeededEntropy) -> int:
    return int.from_bytes(draw.octets(4)) % bound


def _best_us(work: Callable[[], None], repeats: int) -> float:
    taken = timeit.repeat(work, number=_ROUNDS, repeat=repeats, timer=time.process_time)
    return min(taken) / _ROUNDS * 1e6


def _figures_shown(figures: list[Figures]) -> list[str]:
    shown = [
        "           octets  check   encode us  decode us  both us  deframe MB/s  chunk",
        *(
            f"{one.peer:<10} {one.information_octets:>6}  {one.check:<7}"
            f"{one.encode_us:>10.2f} {one.decode_us:>10.2f} {one.frame_us:>8.2f} "
            f"{one.deframe_mb_s:>13.1f} {one.chunk_octets:>6,}"
            for one in figures
        ),
        f"goals of fmp: {FRAME_US_MAX:g} us both, {DEFRAME_MB_S_LEAST:g} MB/s",
    ]
    libraries = [one for one in figures if one.version]
    return shown + [
        f"{one.peer} {one.version} ({one.licence}): {one.differs}" for one in libraries
    ]


def _recovery_shown(rows: list[RecoveryRow]) -> list[str]:
    return [
        f"{'':<10} {'after':<10} {'next frame came':>16} {'lost at most':>13} altered",
        *(
            f"{row.peer:<10} {row.case:<10} {row.runs_delivered:>9} of {row.runs:<4}"
            f"{row.frames_lost:>8} of {GOOD_FRAMES:<2} {row.altered:>6}"
            for row in rows
        ),
    ]
