"""`rmfs demo`: the main job, shown on real parts over a slow and noisy line.

A gateway, a server and a machine are made in a folder. A deposit goes from the bank to
the server's books; the machine recharges, franks, loses the carrier in the middle of
the next download, dials again, and the credit arrives once; the Department learns of it
and explains all money. Noise and cut are chosen by a seed; keys and marks are fresh in
every run.
"""

import json
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
from twisted.internet.defer import Deferred, inlineCallbacks

from fm_device.dial_in import DialInReport, LinkIsUp, Progress
from fm_device.firmware.franking import Printed
from fm_device.show import show_printed, show_progress
from hw.capture import CaptureDirection, CaptureWriter, create_capture
from hw.clock import SystemWallClock, WallClock
from hw.lines.virtual import VirtualLineParameters
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import Greeted, Outcome, Request
from protocol.errors import InvariantError, LinkDownError, RmfsError
from protocol.link import Direction
from protocol.registers import Registers, RequestKind
from protocol.values import LicenceNumber, Paise, show_rupees
from rmfs_server.enrolling import NewLicence
from rmfs_server.showing import picture_of_licence, show_licence
from rmfs_server.store import ledger
from rmfs_server.store.verify import verify_books
from rmfs_tools.demo_chain import GATEWAY, Chain, chain_in, last_days
from rmfs_tools.parties import (
    LICENCE,
    LICENSEE,
    MACHINE,
    PROVISIONING,
    SERVER,
    Parties,
    enrol_machine,
    make_parties,
    open_parties,
    run_on_a_reactor,
)
from rmfs_tools.transcript import Transcript

RECHARGE: Final = Request(RequestKind.RECHARGE, Paise(200_000))
LINE: Final = VirtualLineParameters(bit_s=9600, delay_s=0.02, bit_error_rate=2e-4)
CUT_AFTER_OCTETS_DOWN: Final = 150
"""In the middle of the download: the greeting was 60 octets, the voucher is 160."""
LETTERS: Final = ((3, 12, ""), (3, 18, ""), (3, 35, ""), (6, 45, "200"))
"""Class, grams and zone: three letters, and a speed post article."""
REDIALS_MAX: Final = 5
SEED: Final = 7
MARKER: Final = "made-by-rmfs-demo"
CAPTURE: Final = "demo.pcapng"


@dataclass
class Recharge:
    """What became of one recharge, over all its dial-ins."""

    number: int
    amount_paise: int
    result: str = "in_doubt"
    attempts: int = 0
    octets_up: int = 0
    octets_down: int = 0
    line_s: float = 0.0


@dataclass
class Story:
    """What the demo has done so far."""

    recharges: list[Recharge] = field(default_factory=list)
    dial_ins: list[dict[str, Any]] = field(default_factory=list)


class Demo:
    """Tells and does it, step by step."""

    def __init__(
        self,
        parties: Parties,
        capture: CaptureWriter,
        seed: int,
        say: Callable[[str], None],
    ) -> None:
        """Join what it needs; nothing happens yet."""
        self.story = Story()
        self._parties = parties
        self._capture = capture
        self._seed = seed
        self._say = say
        self._transcript = Transcript(say, parties.reactor.seconds)

    @inlineCallbacks
    def play(self) -> Generator[Deferred[DialInReport], DialInReport, None]:
        """Do all of it, in real time."""
        self._say("\n2. The machine dials in and asks for Rs 2,000.00")
        yield from self._recharge(cut=False)
        self._say("\n3. It franks four letters")
        for product_class, grams, zone in LETTERS:
            self._frank(product_class, grams, zone)
        self._show_registers(self._parties.psd.record.registers)
        self._say("\n4. It asks for Rs 2,000.00 more; the carrier is lost on the way")
        yield from self._recharge(cut=True)

    def _frank(self, product_class: int, grams: int, zone: str) -> None:
        franking = self._parties.machine.franking
        self._parties.scale.put(grams)
        refusal = franking.choose_class(product_class)
        if refusal is None and zone:
            refusal = franking.choose_zone(zone)
        done = franking.frank() if refusal is None else refusal
        if not isinstance(done, Printed):
            raise InvariantError(f"the machine does not frank: {done.name}")
        self._say(f"  {show_printed(done)}")

    def _recharge(
        self, *, cut: bool
    ) -> Generator[Deferred[DialInReport], DialInReport, None]:
        number = self._parties.psd.record.recharge_number + 1
        recharge = Recharge(number, RECHARGE.amount_paise)
        self.story.recharges.append(recharge)
        for attempt in range(REDIALS_MAX):
            if attempt:
                self._say(f"\n   It dials again (attempt {attempt + 1})")
            report = yield self._dial(cut=cut and attempt == 0)
            recharge.attempts += 1
            recharge.octets_up += report.octets_up
            recharge.octets_down += report.octets_down
            recharge.line_s = round(recharge.line_s + report.duration_s, 3)
            self._tell_end(number, report)
            if report.outcome is not Outcome.IN_DOUBT:
                recharge.result = report.outcome.value
                return

    def _dial(self, *, cut: bool) -> "Deferred[DialInReport]":
        calls = len(self.story.dial_ins)
        line = VirtualLineParameters(
            bit_s=LINE.bit_s,
            delay_s=LINE.delay_s,
            bit_error_rate=LINE.bit_error_rate,
            seed=self._seed * 1000 + calls,
            cut_after_octets_down=CUT_AFTER_OCTETS_DOWN if cut else None,
        )
        self._transcript.begin()
        return self._parties.dial(
            RECHARGE, line, on_progress=self._progress, on_frame=self._frame
        )

    def _frame(self, direction: Direction, octets: bytes) -> None:
        sent = direction is Direction.SENT
        way = CaptureDirection.FROM_MACHINE if sent else CaptureDirection.TO_MACHINE
        self._capture.write_frame(way, octets)
        self._transcript.frame(direction, octets)

    def _progress(self, event: Progress) -> None:
        if not isinstance(event, (LinkIsUp, Greeted)):
            self._transcript.remark(show_progress(event))

    def _tell_end(self, number: int, report: DialInReport) -> None:
        lost = report.outcome is Outcome.IN_DOUBT
        result = "carrier_lost" if lost else report.outcome.value
        self.story.dial_ins.append({"recharge": number, "result": result})
        if lost:
            self._say(f"   The line is gone: {report.loss}. The books and the machine:")
            pending = report.pending
            asked = "nothing" if pending is None else show_rupees(pending.amount_paise)
            self._say(f"     machine: pending {asked}, the amount cannot be changed")
            with self._parties.store.reading() as connection:
                picture = picture_of_licence(
                    connection, LICENCE, SystemWallClock().now()
                )
            reserved = Paise(picture["funds"]["reserved_paise"])
            self._say(f"     server:  {show_rupees(reserved)} held by a stored voucher")
        self._show_registers(report.before, "before")
        self._show_registers(report.after, "after ")

    def _show_registers(self, registers: Registers, when: str = "now   ") -> None:
        self._say(
            f"   {when}  AR {show_rupees(registers.ascending_paise)} + "
            f"DR {show_rupees(registers.descending_paise)} = "
            f"CT {show_rupees(registers.control_total_paise)}, "
            f"{registers.items} items"
        )


def add_commands(root: click.Group) -> None:
    """Bring `rmfs demo`."""
    root.add_command(demo)


@click.command(epilog="\b\nExample:\n  rmfs demo --folder demo --seed 7")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where server, machine and capture are made; an earlier demo there goes.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32),
    default=SEED,
    show_default=True,
    help="Chooses which bits the line strikes.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def demo(*, folder: Path, seed: int, as_json: bool) -> int:
    """Recharge a machine over a noisy modem line, lose the carrier, lose no paisa."""
    _clear(folder)
    clock = SystemWallClock()
    click.echo(
        f"The Department's gateway, a recharge server and a machine, in {folder}/"
    )
    make_parties(folder)
    with chain_in(folder, folder / SERVER, clock.utc(), click.echo) as chain:
        click.echo("\n1. A deposit at the bank, and its way to the server")
        _bring_funds(folder, chain, clock)
        result = _play(folder, seed, clock)
        click.echo("\n6. What the Department learns of it")
        unexplained_paise = chain.report_back(LICENCE, clock)
    result["chain"] = _steps(chain.steps, result["dial_ins"])
    result["unexplained_paise"] = unexplained_paise
    _tell_what_next(folder, result)
    if as_json:
        click.echo(json.dumps(result))
    whole = all(one["result"] == "confirmed" for one in result["recharges"])
    adds_up = result["server"]["ledger_sum_paise"] == 0 and unexplained_paise == 0
    return 0 if whole and adds_up else 1


def _bring_funds(folder: Path, chain: Chain, clock: WallClock) -> None:
    """Have the licence issued, and its deposit brought into the funds."""
    papers = (folder / MACHINE / PROVISIONING).read_bytes()
    licence = chain.issue(LICENCE, papers, LICENSEE)
    new = NewLicence(LicenceNumber(licence.number), LICENSEE, licence.expires_on)
    enrol_machine(folder / SERVER, folder / MACHINE, new)
    chain.bring_funds([licence], *last_days(clock.utc()))


class _Listener:
    """Whoever reads what the demo prints; when they have gone, the demo ends.

    A frame is told in the middle of a call of the reactor, which would swallow it.
    """

    def __init__(self, reactor: MonotonicReactor) -> None:
        self.gone: BrokenPipeError | None = None
        self._reactor = reactor

    def say(self, words: str) -> None:
        """Print a line, unless nobody reads any more."""
        if self.gone is not None:
            return
        try:
            click.echo(words)
        except BrokenPipeError as error:
            self.gone = error
            self._reactor.stop()


def _play(folder: Path, seed: int, clock: WallClock) -> dict[str, Any]:
    """Recharge and frank, in real time."""
    click.echo(
        f"\nThe line: {LINE.bit_s} bit/s, {LINE.delay_s * 1000:.0f} ms each way, "
        f"one bit in {round(1 / LINE.bit_error_rate)} struck (seed {seed})"
    )
    reactor = MonotonicReactor()
    path = folder / CAPTURE
    with (
        open_parties(folder, reactor) as parties,
        create_capture(path, clock, "demo") as capture,
    ):
        listener = _Listener(reactor)
        play = Demo(parties, capture, seed, listener.say)
        ended = run_on_a_reactor(reactor, play.play)
        if listener.gone is not None:
            raise listener.gone
        if not ended:
            raise LinkDownError("interrupted; start again with rmfs demo")
        picture = _picture(parties)
        click.echo("\n5. The books of the server")
        for line in picture.pop("lines"):
            click.echo(f"   {line}")
        registers = parties.psd.record.registers
    return {
        "recharges": [vars(recharge) for recharge in play.story.recharges],
        "dial_ins": play.story.dial_ins,
        "machine": {
            "ascending_paise": registers.ascending_paise,
            "descending_paise": registers.descending_paise,
            "control_total_paise": registers.control_total_paise,
            "items": registers.items,
        },
        "server": picture,
        "capture": str(path),
    }


def _steps(
    chain: list[dict[str, Any]], dial_ins: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Put dial-in and credit where they belong: behind the acknowledgement."""
    place = next(
        number
        for number, one in enumerate(chain, start=1)
        if one["step"] == "acknowledgement"
    )
    credited = [one for one in dial_ins if one["result"] == Outcome.CONFIRMED.value]
    return [
        *chain[:place],
        {"step": "dial_in", "dial_ins": len(dial_ins)},
        {"step": "credit", "credits": len(credited)},
        *chain[place:],
    ]


def _picture(parties: Parties) -> dict[str, Any]:
    with parties.store.reading() as connection:
        picture = picture_of_licence(connection, LICENCE, SystemWallClock().now())
        findings = verify_books(connection)
        total = ledger.total_paise(connection)
    if findings:
        raise InvariantError(f"the books do not add up: {findings[0]}")
    in_doubt = [one for one in picture["recharges"] if one["settled_at"] is None]
    waiting = [one for one in picture["discrepancies"] if one["resolved_at"] is None]
    return {
        "lines": list(show_licence(picture)),
        "ledger_sum_paise": total,
        "funds_remaining_paise": picture["funds"]["available_paise"],
        "in_doubt": len(in_doubt),
        "discrepancies": len(waiting),
    }


def _tell_what_next(folder: Path, result: dict[str, Any]) -> None:
    recharges, dial_ins = result["recharges"], result["dial_ins"]
    asked = Paise(sum(recharge["amount_paise"] for recharge in recharges))
    lost = sum(one["result"] == "carrier_lost" for one in dial_ins)
    given = Paise(result["machine"]["control_total_paise"])
    click.echo(
        f"\n{len(recharges)} recharges of {show_rupees(asked)} in all, "
        f"{len(dial_ins)} dial-ins, {lost} lost: the machine was given "
        f"{show_rupees(given)}, once."
    )
    click.echo(
        f"""
Where to look next
  rmfs machine show {folder / MACHINE}
  rmfs server show --server {folder / SERVER} {LICENCE}
  rmfs evidence --server {folder / SERVER} {LICENCE}
  rmfs dop licence show {LICENCE} --gateway {folder / GATEWAY}
  rmfs watch {folder / CAPTURE}    (Wireshark reads it after rmfs dissector install)"""
    )


def _clear(folder: Path) -> None:
    """Make room: a folder is emptied only if a demo made it."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise RmfsError(
                f"{folder} holds something that no demo made: choose another --folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("rmfs demo may empty this folder\n", "utf-8")
