"""`rmfs dop bank`: banks that the gateway asks at night, and what they handed over."""

import json
import sys
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
    public_key_of,
    reason_option,
)

if TYPE_CHECKING:
    from dop_gateway.bank.model import Bank, BankFile

_ROWS_MAX: Final = 1_000


@click.group("bank", epilog="\b\nExample:\n  rmfs dop bank show")
def dop_bank_group() -> None:
    """Look after banks and the e-Payment Central Server."""


@dop_bank_group.command(epilog="\b\nExample:\n  rmfs dop bank show --files 20 --json")
@gateway_option
@click.option(
    "--files",
    type=click.IntRange(0, _ROWS_MAX),
    default=0,
    show_default=True,
    help="So many files that were handed over, too, the latest first.",
)
@json_option
def show(*, gateway: Path, files: int, as_json: bool) -> None:
    """List the banks, and what they handed over."""
    from dop_gateway.bank import store

    with opened(gateway) as parts, parts.store.reading() as connection:
        banks = [_bank(one) for one in store.banks(connection)]
        found = [_file(one) for one in store.latest(connection, files)]
    if as_json:
        click.echo(json.dumps({"banks": banks, "files": found}))
        return
    for one in banks:
        use = "" if one["in_use"] else ", not in use"
        at = f"{one['user']}@{one['host']}:{one['port']}{one['folder']}"
        click.echo(f"{one['code']}  {one['kind']}  {one['name']}  {at}{use}")
    for one in found:
        words = f"  {one['words']}" if one["words"] else ""
        click.echo(
            f"{one['number']}  {one['bank']}  {one['name']}  {one['state']}{words}"
        )


@dop_bank_group.command(epilog="\b\nExample:\n  rmfs dop bank key")
@gateway_option
def key(*, gateway: Path) -> None:
    """Print the public key that banks have to let in."""
    import asyncssh

    with opened(gateway) as parts:
        private = asyncssh.import_private_key(parts.bank_ssh_key)
    click.echo(private.export_public_key("openssh").decode("ascii").strip())


@dop_bank_group.command(
    "set",
    epilog="\b\nExample:\n  rmfs dop bank set SBI --name 'State Bank of India' "
    "--account 30012345678 --host 127.0.0.1 --port 2022 --user dop "
    "--host-key bank/ssh_host.pub --key-id SBI-1 --key bank/signing.pub "
    "--reason 'agreed with the bank'",
)
@click.argument("code")
@gateway_option
@click.option(
    "--kind",
    type=click.Choice(["BANK", "E_PAYMENT"]),
    default="BANK",
    show_default=True,
    help="A bank, or the e-Payment Central Server.",
)
@click.option("--name", required=True, help="For people.")
@click.option("--account", default="", help="The Department's account there.")
@click.option("--host", required=True, help="Its SFTP server.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=22,
    show_default=True,
    help="Likewise.",
)
@click.option("--user", required=True, help="The account that it gave us.")
@click.option("--folder", default="/", show_default=True, help="Where its files stand.")
@click.option(
    "--host-key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File with the server's public key, as OpenSSH writes it.",
)
@click.option("--key-id", required=True, help="Of the key that signs its files.")
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File with that public key, as PEM.",
)
@click.option(
    "--in-use/--not-in-use", default=True, help="Whether it is asked at night."
)
@reason_option
def set_bank(
    *,
    code: str,
    gateway: Path,
    host_key: Path,
    key_file: Path,
    reason: str,
    **told: Any,
) -> None:
    """Make a bank known, or say anew where its files are and who signs them."""
    from dop_gateway.bank import service
    from dop_gateway.bank.model import Address, Bank, BankCode, BankKind

    address = Address(
        told["host"],
        told["port"],
        told["user"],
        host_key.read_text("utf-8").strip(),
        told["folder"],
    )
    bank = Bank(
        BankCode(code),
        BankKind[told["kind"]],
        told["name"],
        told["account"],
        address,
        told["key_id"],
        public_key_of(key_file, key_file.read_bytes()),
        told["in_use"],
    )
    with opened(gateway) as parts, parts.store.writing("set a bank") as connection:
        service.put(connection, bank, by_command(parts, reason))
    click.echo(f"{code} is known")


@dop_bank_group.command(
    epilog="\b\nExample:\n  rmfs dop bank fetch SBI --reason 'the file came late'"
)
@click.argument("code")
@gateway_option
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="Whose files are missed if they are not there; left out, today.",
)
@reason_option
@json_option
def fetch(
    *, code: str, gateway: Path, day: datetime | None, reason: str, as_json: bool
) -> int:
    """Ask a bank now, and take what is new; ends with 1 if a file is missing."""
    from dop_gateway.bank import nightly, store
    from protocol.parameters import business_date

    with opened(gateway) as parts:
        with parts.store.reading() as connection:
            bank = store.get(connection, code)
        of = business_date(parts.clock.now()) if day is None else day.date()
        done = nightly.fetch(parts, bank, of, by_command(parts, reason))
    if as_json:
        shown = {
            "bank": code,
            "files": [_file(one) for one in done.files],
            "missing": list(done.missing),
            "failure": done.failure,
        }
        click.echo(json.dumps(shown))
    else:
        click.echo(done.words)
    return EXIT_FAILED if done.failure or done.missing else 0


@dop_bank_group.command("file", epilog="\b\nExample:\n  rmfs dop bank file 17 > it.txt")
@click.argument("number", type=click.IntRange(min=1))
@gateway_option
def print_file(*, number: int, gateway: Path) -> None:
    """Print a file as it was handed over, to the octet."""
    from dop_gateway.bank import store
    from dop_gateway.bank.model import FileId

    with opened(gateway) as parts, parts.store.reading() as connection:
        octets = store.octets_of(connection, FileId(number))
    sys.stdout.buffer.write(octets)


@dop_bank_group.command(
    epilog="\b\nExample:\n  rmfs dop bank scroll SBI --first 2026-11-01 "
    "--last 2026-11-30 --format xlsx --to scroll.xlsx"
)
@click.argument("code")
@gateway_option
@click.option(
    "--first",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The first day of the account.",
)
@click.option(
    "--last", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The last one."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "xlsx", "pdf", "json"]),
    default="csv",
    show_default=True,
    help="How it is written.",
)
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that is written.",
)
def scroll(
    *, code: str, gateway: Path, first: datetime, last: datetime, form: str, to: Path
) -> None:
    """Write what the account took in, licence by licence, for the CPAO."""
    from dop_gateway.bank import store
    from dop_gateway.bank.scroll import SCROLL, ScrollFilter
    from dop_gateway.exports.writing import Format

    with opened(gateway) as parts, parts.store.reading() as connection:
        wanted = ScrollFilter(
            store.get(connection, code).code, first.date(), last.date()
        )
        by = by_command(parts, "")
        table = SCROLL.table(
            connection, wanted, person=by.actor.login, now=parts.clock.now()
        )
        with to.open("wb") as file:
            Format(form).write(table, file)
    click.echo(f"{to} is written")


def _bank(one: "Bank") -> dict[str, Any]:
    at = one.address
    return {
        "code": one.code,
        "kind": one.kind.name,
        "name": one.name,
        "account": one.account,
        "host": at.host,
        "port": at.port,
        "user": at.user,
        "folder": at.folder,
        "host_key": at.host_key,
        "key_id": one.key_id,
        "in_use": one.in_use,
    }


def _file(one: "BankFile") -> dict[str, Any]:
    from dop_gateway.web.fields import show_moment
    from protocol.exchange import show_amount

    day = one.business_date
    return {
        "number": one.id,
        "bank": one.bank,
        "name": one.name,
        "layout": one.layout,
        "file_id": one.file_id,
        "sequence": one.sequence,
        "business_date": None if day is None else day.isoformat(),
        "lines": one.line_count,
        "total": show_amount(one.total_paise),
        "state": one.state.name,
        "code": one.code,
        "words": one.words,
        "received_at": show_moment(one.received_at),
        "sha256": one.sha256,
    }
