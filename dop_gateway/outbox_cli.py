"""`rmfs dop outbox` and `rmfs dop sms-simulator`: messages to people."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dop_gateway.options_cli import (
    by_command,
    gateway_option,
    json_option,
    opened,
    reason_option,
)

if TYPE_CHECKING:
    from dop_gateway.outbox.model import Message

_ROWS_MAX: Final = 1_000


@click.group("outbox", epilog="\b\nExample:\n  rmfs dop outbox show --state GIVEN_UP")
def outbox_group() -> None:
    """Look after messages to people that wait or were given up."""


@outbox_group.command(epilog="\b\nExample:\n  rmfs dop outbox show --state GIVEN_UP")
@gateway_option
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(["WAITING", "SENT", "GIVEN_UP"]),
    default=("WAITING", "GIVEN_UP"),
    show_default=True,
    help="Those that stand like this. Again for more.",
)
@click.option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="From behind this number on; 1,000 are shown at most.",
)
@json_option
def show(*, gateway: Path, states: tuple[str, ...], after: int, as_json: bool) -> None:
    """List messages: where they stand, and what went wrong; never what they say."""
    from dop_gateway.outbox import store
    from dop_gateway.outbox.model import MessageId, MessageState

    wanted = [MessageState[name] for name in states]
    with opened(gateway) as parts, parts.store.reading() as connection:
        found = store.list_messages(connection, wanted, MessageId(after), _ROWS_MAX)
    if as_json:
        click.echo(json.dumps([_described(one) for one in found]))
        return
    for one in found:
        shown = _described(one)
        due = f", next {shown['next_attempt_at']}" if shown["next_attempt_at"] else ""
        error = f": {one.last_error}" if one.last_error else ""
        click.echo(
            f"{one.id} {one.state.name} {one.template} {one.language.value} by "
            f"{one.to.channel.value} to {shown['to']}, {one.attempts} attempts"
            f"{due}{error}"
        )
    click.echo(f"{len(found)} messages")


@outbox_group.command(
    epilog="\b\nExample:\n  rmfs dop outbox retry 42 --reason 'template is registered'"
)
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1, required=True)
@gateway_option
@reason_option
def retry(*, numbers: tuple[int, ...], gateway: Path, reason: str) -> None:
    """Have messages tried again, as if they were new; all of them, or none."""
    from dop_gateway.outbox.model import MessageId
    from dop_gateway.outbox.service import Outbox
    from dop_gateway.outbox.templates import shipped_templates

    outbox = Outbox(shipped_templates())
    with opened(gateway) as parts, parts.store.writing("ask again") as connection:
        by = by_command(parts, reason)
        for number in numbers:
            outbox.ask_again(connection, MessageId(number), by)
    click.echo(f"{len(numbers)} messages are tried again")


@click.command(
    "sms-simulator", epilog="\b\nExample:\n  rmfs dop sms-simulator --port 8090"
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where it listens."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8090,
    show_default=True,
    help="Where it listens; 0 for one that is free.",
)
@click.option(
    "--key", default="sample", show_default=True, help="That senders are known by."
)
@click.option(
    "--register",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="TOML of what was registered; left out, the sample that is shipped.",
)
def sms_simulator(*, host: str, port: int, key: str, register: Path | None) -> None:
    """Be an operator of text messages (DLT) that shows them and delivers to nobody."""
    from dop_gateway.program import serve
    from dop_gateway.simulators.operator import (
        Operator,
        parse_register,
        shipped_register,
    )
    from dop_gateway.simulators.sms import build_operator

    known = (
        shipped_register()
        if register is None
        else parse_register(register.read_text("utf-8"))
    )
    serve(
        build_operator(Operator(known), key),
        host,
        port,
        lambda address: click.echo(f"listening at {address}"),
    )


def _described(message: "Message") -> dict[str, Any]:
    from dop_gateway.outbox.api import MessageShown

    return MessageShown.of(message).model_dump(mode="json")
