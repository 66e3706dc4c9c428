"""`rmfs dop job`: what is done by the clock, and what became of it."""

import json
import platform
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dop_gateway.options_cli import (
    EXIT_FAILED,
    by_command,
    gateway_option,
    json_option,
    opened,
    reason_option,
)

if TYPE_CHECKING:
    from dop_gateway.jobs.model import JobRun
    from dop_gateway.jobs.scheduler import Scheduler
    from dop_gateway.parts import Parts

_ROWS_MAX: Final = 1_000


@click.group("job", epilog="\b\nExample:\n  rmfs dop job runs --job audit-verify")
def job_group() -> None:
    """Look after what is done by the clock."""


@job_group.command("list", epilog="\b\nExample:\n  rmfs dop job list")
@gateway_option
@json_option
def list_jobs(*, gateway: Path, as_json: bool) -> None:
    """List the jobs, and when each is due next."""
    from dop_gateway.jobs.catalogue import JOBS
    from dop_gateway.jobs.dues import almanac

    with opened(gateway) as parts, parts.store.reading() as connection:
        known, now = almanac(connection), parts.clock.now()
        found = [
            {"name": job.name, "words": job.words, "due": _india(job.due(known, now))}
            for job in JOBS
        ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        click.echo(f"{one['name']}  next {one['due']}  {one['words']}")


@job_group.command(epilog="\b\nExample:\n  rmfs dop job runs --job audit-verify --json")
@gateway_option
@click.option("--job", "name", default=None, help="Of this job only.")
@click.option(
    "--last",
    type=click.IntRange(1, _ROWS_MAX),
    default=20,
    show_default=True,
    help="So many, the latest first.",
)
@json_option
def runs(*, gateway: Path, name: str | None, last: int, as_json: bool) -> None:
    """List moments at which a job was due, and what became of them."""
    from dop_gateway.jobs import store

    with opened(gateway) as parts, parts.store.reading() as connection:
        found = [_shown(run) for run in store.runs(connection, name, last)]
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        words = f"{one['state']} after {one['attempts']} attempts: {one['detail']}"
        click.echo(f"{one['moment']}  {one['job']}  {words}")


@job_group.command(
    epilog="\b\nExample:\n  rmfs dop job run audit-verify --at 2026-11-16T02:00 "
    "--reason 'the power was out'"
)
@click.argument("name")
@gateway_option
@click.option(
    "--at",
    required=True,
    type=click.DateTime(["%Y-%m-%dT%H:%M"]),
    help="For which moment, by India's clocks.",
)
@reason_option
@json_option
def run(*, name: str, gateway: Path, at: datetime, reason: str, as_json: bool) -> int:
    """Run a job now for a moment at which it was due; ends with 1 when it fails."""
    from dop_gateway.jobs.model import FOR_GOOD
    from hw.clock import epoch_seconds
    from protocol.parameters import INDIA

    with opened(gateway) as parts:
        scheduler = _scheduler(parts)
        moment = epoch_seconds(at.replace(tzinfo=INDIA))
        claim = scheduler.begin_by_hand(name, moment, by_command(parts, reason))
        outcome = scheduler.run(claim)
    if as_json:
        said = {"outcome": outcome.ending.name, "detail": outcome.words}
        click.echo(json.dumps(said))
    else:
        click.echo(f"{name}: {outcome.ending.value}: {outcome.words}")
    return 0 if outcome.ending in FOR_GOOD else EXIT_FAILED


def _scheduler(parts: "Parts") -> "Scheduler":
    from dop_gateway.jobs.catalogue import JOBS
    from dop_gateway.jobs.scheduler import Scheduler

    return Scheduler(parts, JOBS, f"{platform.node()}, by hand")


def _shown(run: "JobRun") -> dict[str, Any]:
    waits = "RUNS" if run.is_running else "WAITS"
    return {
        "job": run.job,
        "moment": _india(run.moment),
        "state": waits if run.ending is None else run.ending.name,
        "attempts": run.attempts,
        "started_at": _india(run.started_at),
        "ended_at": _india(run.ended_at),
        "detail": run.detail,
        "host": run.host,
    }


def _india(moment: int | None) -> str | None:
    from protocol.parameters import INDIA

    if moment is None:
        return None
    return datetime.fromtimestamp(moment, INDIA).isoformat(timespec="minutes")
