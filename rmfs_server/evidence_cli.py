"""`rmfs evidence`: prove what was signed for one recharge."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmfs_server.options_cli import (
    EXIT_FAILED,
    FOLDER,
    LICENCE,
    json_option,
    server_option,
    tell,
)

if TYPE_CHECKING:
    from protocol.values import LicenceIdentifier


@click.command(
    epilog="\b\nExamples:\n  rmfs evidence N123456 7 --out evidence-7\n"
    "  rmfs evidence --verify evidence-7"
)
@click.argument("licence", type=LICENCE, required=False)
@click.argument("number", type=click.IntRange(1), required=False)
@server_option
@click.option("--out", type=FOLDER, help="A new folder; else evidence-LICENCE-NUMBER.")
@click.option(
    "--verify",
    "verified",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Verify this folder of evidence instead; no server is needed.",
)
@json_option
def evidence(
    licence: "LicenceIdentifier | None",
    number: int | None,
    server: Path,
    out: Path | None,
    verified: Path | None,
    *,
    as_json: bool,
) -> int:
    """Export what was signed for recharge NUMBER of LICENCE, or for its last one.

    Exit 1 when evidence does not verify.
    """
    from rmfs_server.evidence import collect, describe, read_folder, write_folder
    from rmfs_server.folder import open_books

    if (licence is None) is (verified is None):
        message = "name a licence to export from, or a folder with --verify"
        raise click.UsageError(message)
    if verified is not None:
        return _check_evidence(read_folder(verified), str(verified), as_json=as_json)
    if licence is None:
        return EXIT_FAILED
    with open_books(server) as store, store.reading() as connection:
        files = collect(connection, licence, number)
    found = describe(files)["messages"]["voucher"]["recharge_number"]
    folder = out or Path(f"evidence-{licence}-{found}")
    write_folder(files, folder)
    return _check_evidence(files, str(folder), as_json=as_json)


def _check_evidence(files: dict[str, bytes], where: str, *, as_json: bool) -> int:
    from rmfs_server.evidence import describe, verify_evidence

    findings = verify_evidence(files)
    rows = [{"file": one.file, "detail": one.detail} for one in findings]
    said = {} if findings else describe(files)
    lines = [f"{row['file']}: {row['detail']}" for row in rows]
    if not findings:
        lines = [
            f"{where} verifies: {said['outcome']}",
            f"machine key {said['machine_key_fingerprint']}",
            f"credit key  {said['credit_key_fingerprint']}",
        ]
    tell({"folder": where, "findings": rows, **said}, lines, as_json=as_json)
    return EXIT_FAILED if findings else 0
