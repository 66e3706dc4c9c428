"""The key log of a machine: channels that tell their keys, because a person asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fm_device.psd.device import ChannelMaker
    from protocol.channel import OnKeys
    from protocol.keys import Realm


class ToldKeys:
    """Whether and where the keys of channels are told."""

    def __init__(self, on_keys: "OnKeys | None") -> None:
        """Tell them to `on_keys`, or to nobody."""
        self._on_keys = on_keys

    @property
    def channel(self) -> "ChannelMaker":
        """Makes channels that do so."""
        from protocol.channel import MachineChannel

        return partial(MachineChannel, on_keys=self._on_keys)

    def check(self, realm: "Realm") -> None:
        """Refuse before anything is dialled.

        Raises:
            LocalProtocolError: Keys of production are asked for.
        """
        from protocol.channel import check_keys_may_be_told

        check_keys_may_be_told(realm, self._on_keys)


@contextmanager
def told_keys(path: Path | None) -> Iterator[ToldKeys]:
    """Open a key log, with a warning, or tell no keys.

    Raises:
        KeyLogError: The file cannot be written, or others can read it.
    """
    from hw.seen.keylog import WARNING, KeyLog

    if path is None:
        yield ToldKeys(None)
        return
    log = KeyLog(path)
    try:
        click.echo(WARNING.format(path=path), err=True)
        yield ToldKeys(log)
    finally:
        log.close()
