"""`rmfs dop`: make the Department's gateway, run it, and look after it."""

import json
from pathlib import Path

import click

from dop_gateway.api_cli import openapi
from dop_gateway.bank_cli import dop_bank_group
from dop_gateway.bank_simulator_cli import bank_group
from dop_gateway.deposits_cli import deposit_group, suspense_group
from dop_gateway.exchange_cli import exchange_group
from dop_gateway.jobs_cli import job_group
from dop_gateway.licences_cli import licence_group, maker_group
from dop_gateway.master_cli import calendar_group, parameter_group
from dop_gateway.money_cli import (
    incident_group,
    reconcile_command,
    verify_command,
)
from dop_gateway.offices_cli import office_group
from dop_gateway.options_cli import (
    EXIT_FAILED,
    gateway_option,
    json_option,
    opened,
)
from dop_gateway.outbox_cli import outbox_group, sms_simulator
from dop_gateway.people_cli import person_group
from dop_gateway.posting_cli import frank_group, usage_command
from dop_gateway.reports_cli import report_command


def add_commands(root: click.Group) -> None:
    """Bring the commands of the gateway."""
    dop.add_command(person_group)
    dop.add_command(office_group)
    dop.add_command(calendar_group)
    dop.add_command(parameter_group)
    dop.add_command(maker_group)
    dop.add_command(licence_group)
    dop.add_command(audit_group)
    dop.add_command(job_group)
    dop.add_command(deposit_group)
    dop.add_command(suspense_group)
    dop.add_command(dop_bank_group)
    dop.add_command(frank_group)
    dop.add_command(usage_command)
    dop.add_command(report_command)
    dop.add_command(outbox_group)
    dop.add_command(sms_simulator)
    dop.add_command(openapi)
    dop.add_command(reconcile_command)
    dop.add_command(verify_command)
    dop.add_command(incident_group)
    dop.add_command(exchange_group)
    root.add_command(dop)
    root.add_command(bank_group)


@click.group("dop", epilog="\b\nExample:\n  rmfs dop run --gateway rmfs-gateway")
def dop() -> None:
    """Keep the Department's gateway (DCR)."""


@dop.command(epilog="\b\nExample:\n  rmfs dop init --gateway rmfs-gateway")
@gateway_option
@click.option(
    "--database", default="", help="URL of a PostgreSQL; left out, a file in FOLDER."
)
def init(*, gateway: Path, database: str) -> None:
    """Make a gateway in a new folder, with new keys and an empty database."""
    from dop_gateway.folder import create_gateway
    from dop_gateway.settings import Settings
    from hw.entropy import SystemEntropy

    create_gateway(gateway, Settings(database), SystemEntropy())
    click.echo(f"a gateway is in {gateway}")
    click.echo("let the first person in: rmfs dop person add --help")


@dop.command(epilog="\b\nExample:\n  rmfs dop migrate --gateway rmfs-gateway")
@gateway_option
def migrate(*, gateway: Path) -> None:
    """Bring it to the newest version: database and keys; the gateway must not run."""
    from dop_gateway.folder import migrate_gateway
    from hw.entropy import SystemEntropy

    migrate_gateway(gateway, SystemEntropy())


@dop.command(epilog="\b\nExample:\n  rmfs dop run --port 8080 --sftp-port 2122")
@gateway_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where it listens."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="Where it listens; 0 for one that is free.",
)
@click.option(
    "--sftp-port",
    type=click.IntRange(0, 65_535),
    default=None,
    help="Serve the drop of the makers here too; 0 for a port that is free.",
)
@click.option(
    "--sftp-host", default="127.0.0.1", show_default=True, help="Where the drop is."
)
def run(
    *, gateway: Path, host: str, port: int, sftp_port: int | None, sftp_host: str
) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that run are finished."""
    from dop_gateway.folder import read_gateway
    from dop_gateway.program import DropAddress, run_gateway
    from dop_gateway.web.log import log_to_stderr

    log_to_stderr()
    folder = read_gateway(gateway)
    drop = None
    if sftp_port is not None:
        drop = DropAddress(sftp_host, sftp_port, folder.sftp_host_key)
    proxies = folder.settings.believed_proxies
    with opened(gateway) as parts:
        run_gateway(
            parts,
            host,
            port,
            lambda address: click.echo(f"listening at {address}"),
            drop=drop,
            proxies=proxies,
        )


@click.group("audit", epilog="\b\nExample:\n  rmfs dop audit verify")
def audit_group() -> None:
    """The audit trail: is it as it was written?"""


@audit_group.command(epilog="\b\nExample:\n  rmfs dop audit head --json")
@gateway_option
@json_option
def head(*, gateway: Path, as_json: bool) -> None:
    """Print number and hash of its last row, to be noted where nobody changes it."""
    from dop_gateway.audit import trail

    with opened(gateway) as parts, parts.store.reading() as connection:
        end = trail.head(connection)
    if as_json:
        click.echo(json.dumps({"number": end.number, "hash": end.hash.hex()}))
        return
    click.echo(f"{end.number} {end.hash.hex()}")


@audit_group.command(epilog="\b\nExample:\n  rmfs dop audit verify")
@gateway_option
@json_option
def verify(*, gateway: Path, as_json: bool) -> int:
    """Recompute its chain; ends with 1 when something in it was changed."""
    from dop_gateway.audit import trail

    with opened(gateway) as parts, parts.store.reading() as connection:
        findings = list(trail.verify(connection))
        end = trail.head(connection)
    if as_json:
        found = [
            {"rule": one.rule, "subject": one.subject, "detail": one.detail}
            for one in findings
        ]
        click.echo(json.dumps({"rows": end.number, "findings": found}))
    else:
        for one in findings:
            click.echo(f"{one.subject}: {one.rule}: {one.detail}")
        click.echo(f"{end.number} rows, {len(findings)} findings")
    return EXIT_FAILED if findings else 0
