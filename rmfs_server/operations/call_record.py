"""One call as operators see it: an id, lines in the log, a share of the figures.

A call's id is ``RUN-NUMBER``, such as ``5f0c21-17``: the run is drawn when the process
starts, so that no two processes share an id. Every line of the log that is about a call
carries it, and so does the name of its capture. What is said here has names, codes and
times in it, and never a key, a PIN, a voucher or any other octet of a message.
"""

import logging
from typing import Any, Final

from hw.lines.port import LineLoss
from protocol.dialogue.server import BooksAnswer, Closed, Delivered, Frozen
from protocol.link import LinkCounters
from rmfs_server.operations.figures import COMPLETE, Figures

_log = logging.getLogger(__name__)

_TCP: Final = "tcp"


class CallRecords:
    """Begins the record of every call of a process.

    Attributes:
        figures: What all calls add to.
        run: Tells this process from all others of this server.
        newest: The id of the call that was answered last, for its capture; ``busy``
            after one that was turned away.
    """

    def __init__(self, run: str = "run") -> None:
        """Begin with no call.

        Args:
            run: Tells this process from all others of this server.
        """
        self.figures = Figures()
        self.newest = ""
        self.run = run
        self._begun = 0

    def answered(self, caller: str) -> "CallRecord":
        """Begin the record of a call that is answered."""
        self._begun += 1
        self.figures.calls += 1
        self.newest = f"{self.run}-{self._begun}"
        return CallRecord(self.figures, self.newest, caller)

    def turned_away(self, caller: str, reason: str, *, log: bool = True) -> None:
        """Count and log a call that is not answered.

        Args:
            caller: Who called.
            reason: One of a few words, such as ``draining``.
            log: Whether to log this one: a flood of callers is no flood of lines.
        """
        self.figures.turned_away[reason] += 1
        self.newest = "busy"
        if log:
            _log.warning("turned away a call from %s: %s", caller, reason)


class CallRecord:
    """What is kept of one call while it lasts.

    Attributes:
        call: Its id.
    """

    __slots__ = (
        "_answer",
        "_begun",
        "_caller",
        "_ended",
        "_figures",
        "_place",
        "_vouchers",
        "call",
    )

    def __init__(self, figures: Figures, call: str, caller: str) -> None:
        """Count a call that is answered."""
        self.call = call
        self._figures = figures
        self._caller = caller
        self._place = figures.place(place_of(caller))
        self._place.calls += 1
        self._begun: float | None = None
        self._ended = False
        self._vouchers = 0
        self._answer = "nothing was asked"
        if _log.isEnabledFor(logging.DEBUG):
            self._tell(logging.DEBUG, f"call of {caller} is answered")

    def dialogue_begun(self, now: float) -> None:
        """Count a link set-up, with which a dialogue begins."""
        self._figures.dialogues += 1
        self._begun = now
        self._ended = False
        self._vouchers = 0
        self._answer = "nothing was asked"
        if _log.isEnabledFor(logging.DEBUG):
            self._tell(logging.DEBUG, "the link is up")

    def books_answered(self, answer: BooksAnswer) -> None:
        """Count what the books decided."""
        if isinstance(answer, Delivered):
            self._figures.vouchers += 1
            self._vouchers += 1
            self._answer = "voucher sent"
        elif isinstance(answer, Frozen):
            self._refused("frozen", answer.refusal.code.name)
        elif isinstance(answer, Closed):
            if answer.refusal is not None:
                self._refused("refused", answer.refusal.code.name)
            elif self._vouchers:
                self._figures.confirmed += 1
                self._answer = "voucher confirmed"
            else:
                self._answer = "inspected"
        if _log.isEnabledFor(logging.DEBUG):
            name = type(answer).__name__
            self._tell(logging.DEBUG, f"the books answer: {name}", books=name)

    def books_failed(self, error: BaseException) -> None:
        """Count and log a question that the books could not answer."""
        self._figures.books_failed += 1
        _log.error("the books failed", exc_info=error, extra={"call": self.call})

    def ended_early(self, code: str, detail: str, licence: str | None) -> None:
        """Count and log how a dialogue or a call ended before its time.

        The first end counts: a line that is lost behind it, or idle, is no second one.

        Args:
            code: The name of an ERROR code, or LINE.
            detail: What happened, in words.
            licence: Who the machine said it was, if it got so far.
        """
        if self._ended:
            if _log.isEnabledFor(logging.DEBUG):
                self._tell(logging.DEBUG, f"behind its end: {code}: {detail}")
            return
        self._figures.ended[code] += 1
        self._ended = True
        self._tell(
            logging.INFO,
            f"call of {licence or 'an unknown machine'} ({self._caller}) "
            f"ended: {code}: {detail}",
            ended=code,
            licence=licence,
        )

    def dialogue_over(self, licence: str | None, now: float) -> None:
        """Count a dialogue that is over, and log one that ended well."""
        if self._begun is None:
            return
        seconds, self._begun = now - self._begun, None
        self._figures.dialogue_s.add(seconds)
        if self._ended:
            return
        self._figures.ended[COMPLETE] += 1
        self._ended = True
        if _log.isEnabledFor(logging.INFO):
            self._tell(
                logging.INFO,
                f"dial-in of {licence} ({self._caller}) is complete: {self._answer}",
                ended=COMPLETE,
                licence=licence,
                result=self._answer,
                seconds=round(seconds, 3),
            )

    def over(self, loss: LineLoss, link: LinkCounters) -> None:
        """Count what the line did to a call that is over."""
        self._place.add(link, loss.cause.name)
        if _log.isEnabledFor(logging.DEBUG):
            self._tell(
                logging.DEBUG,
                f"the line is lost: {loss}",
                octets_received=link.octets_received,
                octets_sent=link.octets_sent,
                damaged=link.framing.damaged,
                retransmissions=link.retransmissions,
            )

    def _refused(self, how: str, code: str) -> None:
        self._figures.refusals[code] += 1
        self._answer = f"{how} {code}"

    def _tell(self, level: int, words: str, **fields: Any) -> None:
        extra = {"call": self.call, "caller": self._caller, "fields": fields}
        _log.log(level, "%s", words, extra=extra)


def place_of(caller: str) -> str:
    """Say where a caller comes in: all of TCP is one place, each modem is its own."""
    return _TCP if caller.startswith("tcp:") else caller
