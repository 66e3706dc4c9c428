"""`rmfs bench`: the commands that measure."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_device.typed_cli import LINE

if TYPE_CHECKING:
    from hw.lines.strings import LineAddress


def add_commands(root: click.Group) -> None:
    """Bring the commands that measure."""
    root.add_command(bench)


@click.group(epilog="\b\nExample:\n  rmfs bench wire --json")
def bench() -> None:
    """Measure; ratios within one run count, not seconds."""


@bench.command(epilog="\b\nExample:\n  rmfs bench wire --json")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def wire(*, as_json: bool) -> int:
    """Measure a complete recharge on modem lines, and TLS 1.3 beside it.

    Real parts in real time at 1,200, 2,400, 9,600 and 33,600 bit/s with 20 ms each way;
    it takes about a minute. TLS carries messages of the same sizes over the same link.
    Exit 1 when the recharge takes more than 800 octets or 1.25 times its limit.
    """
    from rmfs_tools.bench.wire import run

    return run(click.echo, as_json=as_json)


@bench.command(epilog="\b\nExample:\n  rmfs bench machine --json")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--quick", is_flag=True, help="Measure little, to see that it works.")
def machine(*, as_json: bool, quick: bool) -> int:
    """Measure a frank, its picture, a fleet of 1,000, and the reading of barcodes.

    CPU milliseconds on real files, memory in a process of its own, franks worn as the
    post wears them; it takes a few minutes. Exit 1 when a frank takes more than 20 ms,
    150 ms with its picture, the fleet more than 500 MB, or fewer than 99 % are read.
    """
    from rmfs_tools.bench.machine import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        as_json=as_json,
        quick=quick,
    )


@bench.command(
    epilog="\b\nExamples:\n  rmfs bench line --json\n"
    "  rmfs bench line --answer serial:/dev/ttyUSB0:baud=115200 "
    "--dial serial:/dev/ttyUSB1:baud=115200"
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--quick", is_flag=True, help="Measure little, to see that it works.")
@click.option("--dial", type=LINE, help="Measure a line of your own: what is dialled.")
@click.option("--answer", type=LINE, help="Where it is answered; else as --dial.")
def line(
    *,
    as_json: bool,
    quick: bool,
    dial: "LineAddress | None",
    answer: "LineAddress | None",
) -> int:
    """Measure what the link carries over noisy lines, and ZMODEM through the same.

    16 KiB at 33,600 bit/s with 20 ms each way, at five bit error rates, in virtual
    time; sz and rz, where they are installed, take a minute of real time. Exit 1 when
    a goal is missed or an octet arrives altered.

    With --dial the same file goes there and back, in real time, over a line of your
    own: a cable between two ports, two modems, a terminal server.
    """
    if answer is not None and dial is None:
        raise click.UsageError("--answer goes with --dial: name both ends of the line")
    if dial is not None:
        from rmfs_tools.bench import own_line

        return own_line.run(dial, answer or dial, click.echo, as_json=as_json)
    from rmfs_tools.bench.line import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        as_json=as_json,
        quick=quick,
    )


@bench.command(epilog="\b\nExample:\n  rmfs bench codec --json")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option(
    "--quick", is_flag=True, help="Measure little, and do not judge the times."
)
def codec(*, as_json: bool, quick: bool) -> int:
    """Measure what a frame of 256 octets costs, and what a damaged one costs others.

    CPU microseconds to encode and decode, megabytes a second to find frames in a
    stream, and recovery after junk, an early flag or an altered octet; pymodbus and
    sliplib beside ours, where they are installed; it takes a quarter of a minute. Exit
    1 when a frame takes more than 15 us, the stream runs below 20 MB/s, or ours loses a
    good frame.
    """
    from rmfs_tools.bench.codec import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        as_json=as_json,
        quick=quick,
    )


@bench.command(epilog="\b\nExample:\n  rmfs bench funds --json")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option(
    "--quick", is_flag=True, help="Measure little, and do not judge the times."
)
def funds(*, as_json: bool, quick: bool) -> int:
    """Measure what a fund file of 1,000, 10,000 and 100,000 lines costs a server.

    Seconds and memory from the signed octets to the commit, each length in a process
    of its own on books of as many licences, and microseconds for each line. It takes
    about a minute. Exit 1 when the longest takes more than 20 s or 300 MB.
    """
    from rmfs_tools.bench.funds import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        as_json=as_json,
        quick=quick,
    )


@bench.command(
    epilog="\b\nExamples:\n  rmfs bench recharge --json\n"
    "  rmfs bench recharge --part rates --quick"
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(["rates", "commits", "idle", "growth", "peers"]),
    help="Measure this alone; again for each of several.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--quick", is_flag=True, help="Measure little, and judge no times.")
def recharge(*, parts: tuple[str, ...], as_json: bool, quick: bool) -> int:
    """Measure what a complete recharge costs the server, beside what it must cost.

    A server in a process of its own, on SQLite and, where it is installed, on
    PostgreSQL; every commit waits for the disk. The whole takes a quarter of an hour
    and up to 8 GB of disk, most of both for growth.

    \b
    rates    machines dial 1, 64 and 1,000 at a time; exit 1 when a recharge
             fails, or takes more than 1.5 times the CPU of EDHOC, signatures,
             records and a bare connection
    commits  recharges that share a commit, and waits for the disk, as strace
             and PostgreSQL count them; exit 1 for a commit without one
    idle     memory of each of 10,000 lines that say nothing, and of as many on
             a bare listener; exit 1 when no machine is served beside them
    growth   CPU of a recharge, the database's too, with 1,000, 100,000 and
             1,000,000 machines in the books; exit 1 when it grows over 1.2
             times
    peers    the same beside servers that do less: a central system by ocpp,
             where it is installed, and one of asyncio and an ORM
    """  # noqa: D301 (click reads the backspace: what follows is not filled anew)
    from rmfs_tools.bench.recharge import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        parts=parts,
        as_json=as_json,
        quick=quick,
    )


@bench.command(epilog="\b\nExample:\n  rmfs bench overload --json")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--quick", is_flag=True, help="Measure little, and do not judge.")
def overload(*, as_json: bool, quick: bool) -> int:
    """Measure what is served when there is too much to do, or strangers call.

    A server on SQLite in a process of its own is given twice the calls that it can
    bear, then has to serve whoever was told "busy"; then strangers hold 1,000 lines,
    and begin as many handshakes as a core can send. It takes two minutes. Exit 1 when
    less than 80 % of the rate is kept in any of them, or a machine is not served.
    """
    from rmfs_tools.bench.overload import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        as_json=as_json,
        quick=quick,
    )


@bench.command(epilog="\b\nExample:\n  rmfs bench sign --json")
@click.option(
    "--hsm",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Where an HSM of your own is, as rmfs server hsm example shows: a key is made "
    "in it, and stays. Left out, SoftHSM.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--quick", is_flag=True, help="Measure little, and do not judge.")
def sign(*, hsm: Path | None, as_json: bool, quick: bool) -> int:
    """Measure what a voucher's signature costs with the key in a file, or in an HSM.

    Each is measured in processes of its own, one and two at once; what an HSM signs is
    verified each time, as the server does. It takes a few seconds. Exit 1 when one
    in SoftHSM takes more than 300 us of CPU.
    """
    from rmfs_tools.bench.sign import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        hsm=hsm,
        as_json=as_json,
        quick=quick,
    )


@bench.command(epilog="\b\nExample:\n  rmfs bench report --json")
@click.option(
    "--machines",
    type=click.IntRange(100, 90_000),
    default=10_000,
    show_default=True,
    help="Of the Circle; a tenth and a hundredth of them are measured besides.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option(
    "--quick", is_flag=True, help="Measure little, and do not judge the times."
)
def report(*, machines: int, as_json: bool, quick: bool) -> int:
    """Measure the month's report of a Circle as CSV, XLSX and PDF.

    Databases are filled with a month of deposits, downloads, dial-ins and classes, on
    SQLite and, where it is installed, on PostgreSQL; each file is written by a process
    of its own. It takes about five minutes. Exit 1 when the CSV of the longest takes
    more than 5 s or 300 MB, or does not sum up what the database was filled with.
    """
    from rmfs_tools.bench.report import run

    return run(
        click.echo,
        lambda words: click.echo(words, err=True),
        machines=machines,
        as_json=as_json,
        quick=quick,
    )
