"""`rmfs dissector`: Wireshark learns FMP/1."""

from pathlib import Path
from typing import Final

import click

from protocol.errors import RmfsError

_USUAL_FOLDER: Final = Path(".local", "lib", "wireshark", "plugins")
_FOLDERS_LINE: Final = "Personal Lua Plugins:"
_TSHARK_S: Final = 30


def add_commands(root: click.Group) -> None:
    """Bring `rmfs dissector`."""
    root.add_command(dissector)


@click.group(epilog="\b\nExample:\n  rmfs dissector install")
def dissector() -> None:
    """Let Wireshark read FMP/1: a script in Lua, made from the codecs' tables."""


@dissector.command(
    epilog="\b\nExample:\n  rmfs dissector install --to ~/.local/lib/wireshark/plugins"
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of Lua plugins; usually the one that tshark names as yours.",
)
def install(to: Path | None) -> None:
    """Put the dissector where Wireshark and tshark find it; an older one goes."""
    from rmfs_tools.dissector import FILE_NAME, MARK, make_script

    path = (to or plugins_folder()) / FILE_NAME
    try:
        if path.exists() and not path.read_text("utf-8", "replace").startswith(MARK):
            raise RmfsError(f"{path} was not made by rmfs: move it, or choose --to")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make_script(), "utf-8")
    except OSError as error:
        raise RmfsError(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"{path} is in place: start Wireshark, or reload Lua with Ctrl+Shift+L")
    click.echo("records are opened with: -o fmp1.keylog:FILE (docs/seeing-a-line.md)")


@dissector.command(
    epilog="\b\nExample:\n  rmfs dissector show > fmp1.lua\n"
    "  tshark -X lua_script:fmp1.lua -r first.pcapng"
)
def show() -> None:
    """Print the dissector, to be read or used without being installed."""
    from rmfs_tools.dissector import make_script

    click.echo(make_script(), nl=False)


def plugins_folder() -> Path:
    """Ask tshark for the person's folder of Lua plugins, or take the usual one."""
    import shutil
    import subprocess

    tshark = shutil.which("tshark")
    if tshark is not None:
        try:
            done = subprocess.run(  # noqa: S603  found on the person's own path
                [tshark, "-G", "folders"],
                capture_output=True,
                text=True,
                timeout=_TSHARK_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return Path.home() / _USUAL_FOLDER
        for line in done.stdout.splitlines():
            if line.startswith(_FOLDERS_LINE):
                return Path(line.removeprefix(_FOLDERS_LINE).strip())
    return Path.home() / _USUAL_FOLDER
