"""What the Department says of our files: taken, taken in part, refused."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from protocol.exchange import ExchangeFile
from protocol.values import EpochSeconds
from rmfs_server.store import received_files, sent_files, told_items
from rmfs_server.store.received_files import RefusedLine
from rmfs_server.store.schema import SentState


def apply(connection: Connection, file: ExchangeFile, now: EpochSeconds) -> list[str]:
    """Note what an acknowledgement says, in the transaction of its record.

    The first answer about a file stands. What a refused file told is told again by the
    next one; a file goes again until it is answered.

    Returns:
        Names of the files that never went from here.
    """
    unknown: list[str] = []
    fresh: dict[str, int] = {}
    lines: dict[str, dict[str, RefusedLine]] = {}
    for line in file.lines:
        values: Mapping[str, Any] = line.values
        if line.record == "refused":
            one = RefusedLine(values["line_id"], values["code"], values["words"])
            lines.setdefault(values["file_id"], {})[one.line_id] = one
            continue
        sent = sent_files.with_hash(connection, values["sha256"])
        if sent is None:
            unknown.append(values["file_name"])
        elif sent.state is SentState.OFFERED:
            state = SentState[values["verdict"]]
            why = values["code"], values["words"]
            sent_files.answer(connection, sent.identity, state, why, now)
            fresh[sent.file_id] = sent.identity
            if state is SentState.REFUSED:
                told_items.give_back(connection, sent.identity)
                received_files.give_back(connection, sent.identity)
    for file_id, identity in fresh.items():
        refused = lines.get(file_id, {}).values()
        sent_files.refuse_lines(connection, identity, refused)
    return unknown
