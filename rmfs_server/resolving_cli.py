"""Commands for what does not fit: frozen machines, and value in suspense.

`rmfs server frozen` lists the machines that wait for a person, with what the evidence
proposes; `resolve` ends a freeze, or all that are alike, or a life that the books do
not know to be over; `explain` ends what stands in suspense.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rmfs_server.options_cli import (
    EXIT_FAILED,
    FILE,
    LICENCE,
    by_person,
    json_option,
    server_option,
    tell,
)

if TYPE_CHECKING:
    from hw.database import Store
    from protocol.values import LicenceIdentifier
    from rmfs_server.frozen import Kind
    from rmfs_server.proposing import Evidence
    from rmfs_server.resolving import Resolving
    from rmfs_server.store.acts import By

_CLOSE: Final = "close"
_ACTIONS: Final = ("post", "reverse", "adopt", "keep", _CLOSE)

_old_copy_option: Final = click.option(
    "--old-copy",
    is_flag=True,
    help="You know that these books were put back from an old copy: a mark that alone "
    "does not fit is then newer than they are, and not that of a clone.",
)
_by_option: Final = click.option(
    "--by", "person", help="Who decides; your login name when left out."
)
_second_option: Final = click.option(
    "--second", help="Who agreed, where two persons are needed."
)


def add_commands(group: click.Group) -> None:
    """Add the commands to the group `rmfs server`."""
    for command in (frozen, resolve, explain):
        group.add_command(command)


@click.command("frozen", epilog="\b\nExample:\n  rmfs server frozen --old-copy")
@server_option
@_old_copy_option
@json_option
def frozen(*, server: Path, old_copy: bool, as_json: bool) -> None:
    """List the frozen machines, and what the evidence proposes for each."""
    from rmfs_server.frozen import picture_of_frozen, proposals, show_frozen

    with _resolving(server) as (_store, resolving):
        found = proposals(resolving, by_person(None, "evidence"), old_copy=old_copy)
    picture = picture_of_frozen(found)
    tell(picture, show_frozen(picture), as_json=as_json)


@click.command(
    "resolve",
    epilog="\b\nExamples:\n  rmfs server resolve N123456\n"
    '  rmfs server resolve N123456 --action post --reason "seen on the machine"\n'
    '  rmfs server resolve --proposed --old-copy --reason "copy of 21.11. put back"\n'
    "  rmfs server resolve N123456 --next-life provisioning.json\n"
    "  rmfs server resolve N123456 --next-life provisioning.json --action close "
    '--old-copy --reason "copy of 21.11. put back"',
)
@click.argument("licence", type=LICENCE, required=False)
@server_option
@click.option(
    "--action",
    type=click.Choice(_ACTIONS),
    help="Post or reverse the open voucher, adopt the machine's registers, keep the "
    "books, or, with --next-life, close a former life. Left out, the evidence is shown "
    "and nothing is changed.",
)
@click.option(
    "--proposed",
    is_flag=True,
    help="Instead of LICENCE: carry out what the evidence proposes, for every frozen "
    "machine, until nothing more is proposed. Asks once for each kind of proposal.",
)
@click.option(
    "--next-life",
    type=FILE,
    help="The provisioning file of the PSD's next life, where an old copy of the books "
    "does not know that LICENCE was withdrawn: it says what is to be posted.",
)
@click.option("--yes", is_flag=True, help="With --proposed: agree to every kind.")
@_old_copy_option
@_by_option
@_second_option
@click.option("--reason", default="", help="Why; needed with an action.")
@click.option("--json", "as_json", is_flag=True, help="With --proposed: for programs.")
def resolve(
    *,
    licence: "LicenceIdentifier | None",
    server: Path,
    action: str | None,
    proposed: bool,
    next_life: Path | None,
    yes: bool,
    old_copy: bool,
    person: str | None,
    second: str | None,
    reason: str,
    as_json: bool,
) -> int:
    """Show why a machine is frozen, and end it by a decision.

    With --next-life: show how a former life has ended, and close its books.
    Exit 1 when something still does not fit and a freeze stands.
    """
    from rmfs_server.proposing import Action
    from rmfs_server.showing import show_evidence

    if (licence is None) is not proposed or (proposed and action is not None):
        message = "name a licence, or --proposed alone for every frozen machine"
        raise click.UsageError(message)
    if action == _CLOSE and next_life is None:
        raise click.UsageError("close needs --next-life: the file says how it ended")
    by = by_person(person, reason, second)
    if next_life is not None:
        if licence is None or action not in (None, _CLOSE):
            message = "--next-life goes with LICENCE, and with no action but close"
            raise click.UsageError(message)
        _close_life(server, licence, next_life, by, action=action, old_copy=old_copy)
        return 0
    with _resolving(server) as (_store, resolving):
        if licence is None:
            return _resolve_proposed(
                resolving, by, yes=yes, old_copy=old_copy, as_json=as_json
            )
        if action is None:
            evidence = resolving.evidence(licence, by, old_copy=old_copy)
            click.echo("\n".join(show_evidence(evidence)))
            return 0
        done = resolving.resolve(licence, Action(action), by)
    if done.remaining is None:
        click.echo(f"{licence} is resolved: {action}")
        return 0
    click.echo(
        f"{action} is done, but {done.remaining.name} remains: {licence} stays frozen"
    )
    return EXIT_FAILED


@click.command(
    "explain",
    epilog="\b\nExamples:\n  rmfs server explain\n"
    '  rmfs server explain N123456 --reason "fund file of 22.11. came late"',
)
@click.argument("licence", type=LICENCE, required=False)
@server_option
@_by_option
@_second_option
@click.option("--reason", default="", help="Why; needed with a licence.")
def explain(
    *,
    licence: "LicenceIdentifier | None",
    server: Path,
    person: str | None,
    second: str | None,
    reason: str,
) -> None:
    """List what stands in suspense, or take that of LICENCE from its funds.

    Where its machine held less than the books said, the funds are given it.
    """
    from rmfs_server.suspense import Explaining, show_unexplained

    with _resolving(server) as (store, resolving):
        explaining = Explaining(store, resolving)
        if licence is None:
            click.echo("\n".join(show_unexplained(explaining.unexplained())))
            return
        found = explaining.explain(licence, by_person(person, reason, second))
    click.echo("\n".join(show_unexplained(found)))
    click.echo(f"{licence} is explained: nothing stands in suspense for it")


@contextmanager
def _resolving(server: Path) -> "Iterator[tuple[Store, Resolving]]":
    from rmfs_server.folder import open_books, read_server
    from rmfs_server.resolving import Resolving

    two_persons = read_server(server).settings.two_persons
    with open_books(server) as store:
        yield store, Resolving(store, two_persons=two_persons)


def _close_life(
    server: Path,
    licence: "LicenceIdentifier",
    next_life: Path,
    by: "By",
    *,
    action: str | None,
    old_copy: bool,
) -> None:
    from rmfs_server.folder import read_server
    from rmfs_server.former_life import FormerLives, show_former_life

    file = read_server(server).read_enrolment(next_life)
    with _resolving(server) as (store, resolving):
        lives = FormerLives(store, resolving)
        if action is None:
            found = lives.look(licence, file, by)
        else:
            found = lives.close(licence, file, by, old_copy=old_copy)
    click.echo("\n".join(show_former_life(found)))
    if action is not None:
        click.echo(f"{licence} is closed: enrol {next_life}")


def _resolve_proposed(
    resolving: "Resolving", by: "By", *, yes: bool, old_copy: bool, as_json: bool
) -> int:
    from rmfs_server.frozen import carry_out_proposed, show_kind

    def agree(kind: "Kind", found: "tuple[Evidence, ...]") -> bool:
        words = show_kind(kind, found)
        if yes:
            click.echo(words, err=True)
            return True
        return click.confirm(f"{words}\ncarry it out?", err=True)

    report = carry_out_proposed(
        resolving,
        by,
        agree,
        old_copy=old_copy,
        on_progress=lambda line: click.echo(line, err=True),
    )
    lines = [
        f"{len(report.resolved)} are resolved, {len(report.remaining)} stay frozen",
        *(f"{licence}: {why}" for licence, why in report.remaining.items()),
    ]
    tell(report.as_json(), lines, as_json=as_json)
    return EXIT_FAILED if report.remaining else 0
