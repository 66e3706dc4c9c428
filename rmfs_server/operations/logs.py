"""How a server writes its log: a line each, as text for people or JSON for programs.

Lines go to stderr: whoever starts the server (systemd, a container) keeps and rotates
them. Or they go to a file (`log_file`). As text a line is time, level, worker, the id
of the call in brackets, and words. As JSON it is one object with the same words::

    {"at": "2026-11-22T06:01:02.123456Z", "level": "info", "worker": 2,
     "call": "5f0c21-17", "words": "dial-in of N123456 (tcp:192.0.2.7:40001) is
     complete: voucher confirmed", "caller": "tcp:192.0.2.7:40001",
     "ended": "COMPLETE", "licence": "N123456", "result": "voucher confirmed",
     "seconds": 0.083}

What is logged about calls is in `call_record`; no line holds a key, a PIN or octets.
"""

import json
import logging
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, TextIO

from rmfs_server.operations.log_file import LogFile

_encode: Final = json.JSONEncoder(default=str).encode
"""Made once: it would take longer than to encode a line."""


class LogFormat(Enum):
    """How lines are written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(Enum):
    """The least that is said.

    At `INFO` a dial-in is one line, at its end; at `DEBUG` every step of it is.
    """

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR


def begin_log(
    worker: int | None = None,
    form: LogFormat = LogFormat.TEXT,
    level: LogLevel = LogLevel.INFO,
    stream: TextIO | None = None,
    path: Path | None = None,
) -> None:
    """Begin the log of this process, and end one that it had before.

    Args:
        worker: Number of the worker that it is, if it is one.
        form: How lines are written.
        level: The least that is said.
        stream: Where to; None: stderr.
        path: A file in the place of `stream`.

    Raises:
        LogFileError: The file cannot be opened.
    """
    # No line shows these, and each costs a look-up.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler: logging.Handler
    handler = logging.StreamHandler(stream) if path is None else LogFile(path)
    kind = JsonLines if form is LogFormat.JSON else TextLines
    handler.setFormatter(kind(worker))
    logging.basicConfig(level=level.value, handlers=[handler], force=True)
    for quiet in ("alembic", "asyncssh"):
        logging.getLogger(quiet).setLevel(logging.WARNING)


class TextLines(logging.Formatter):
    """Writes a line for people, in local time with its offset from UTC."""

    def __init__(self, worker: int | None = None) -> None:
        """Name the worker in each line, if it is one."""
        who = "" if worker is None else f" worker {worker}:"
        super().__init__(f"%(asctime)s %(levelname)s{who}%(of_call)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write a line; only the trace of an error follows in lines of its own."""
        call = record.__dict__.get("call")
        record.of_call = "" if call is None else f" [{call}]"
        return super().format(record)

    def formatTime(  # noqa: N802  # logging's
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        """Write when it was."""
        at = super().formatTime(record, datefmt)
        return f"{at}{super().formatTime(record, '%z')}"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's
        """Put the words into their line; what is no letter is shown by its code."""
        if not record.message.isprintable():
            record.message = record.message.encode("unicode_escape").decode("ascii")
        return super().formatMessage(record)


class JsonLines(logging.Formatter):
    """Writes a line for programs, in UTC."""

    def __init__(self, worker: int | None = None) -> None:
        """Name the worker in each line, if it is one."""
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Write a line; whatever its words hold, it is one line."""
        at = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Any] = {
            "at": f"{at.isoformat(timespec='microseconds')[:-6]}Z",
            "level": record.levelname.lower(),
        }
        if self._worker is not None:
            told["worker"] = self._worker
        extra = record.__dict__
        if "call" in extra:
            told["call"] = extra["call"]
        told["words"] = record.getMessage()
        if "caller" in extra:
            told["caller"] = extra["caller"]
        told.update(extra.get("fields", ()))
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return _encode(told)
