"""Watches a case step by step: what is reached, and what the unit owes to the bench.

A call is *good* as long as the bench has said in it nothing but what is right, or what
the unit must ignore (steps with ``!``). In a good call the unit does its part to the
end. The first thing in a good call that is wrong by itself is owed its ERROR.
"""

from collections.abc import Sequence
from typing import Final

from hw.lab.fuzz.answers import Owed, owed_answer
from hw.lab.fuzz.coverage import Reached
from hw.lab.fuzz.dialogue import (
    DELIVERED,
    FROZEN,
    GOODBYE,
    GREETED,
    LINE,
    NO_CALL,
    RECEIPTED,
    Dialogue,
)
from hw.lab.fuzz.events import SILENCE_S, event_of
from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.granting import UNASKED_PAISE
from hw.lab.side import number
from hw.lab.steps import Step
from hw.lab.taken import ENDED, Taken
from hw.lab.verbs import BESIDE, table_named
from protocol.link import Role
from protocol.messages import RefusalCode
from protocol.registers import RequestKind
from protocol.values import AMOUNT_PAISE_MAX

NOTHING: Final = "nothing"
NOT_LOOKED: Final = "not looked at"
_HARMLESS: Final = frozenset(
    {
        *("take", "keep", "differs", "hidden", "registers", "finish", "content"),
        *("apply", "drip"),
    }
)
"""Nothing that goes on the line by itself, or nothing that an honest end would not."""
_LIES: Final = frozenset({"body", "packet", "frame", "forget", "usage", "become"})
"""After these a server may be wrong about the machine, and in the right."""
_ASKING: Final = frozenset({"request", "amount_paise"})
_FREE: Final[dict[str, frozenset[str]]] = {
    "RECEIPT": frozenset({"orders"}),
    "REFUSAL": frozenset({"code"}),
}
"""Fields that an honest sender may fill as it likes."""
_FINISHED_FROM: Final = frozenset({DELIVERED, RECEIPTED, FROZEN})


class Watch:
    """Watches one case.

    Attributes:
        dialogue: Where the call stands.
        cells: What was reached.
        findings: What must not be.
        has_lied: The bench has stated what an honest machine would not, in this case.
        has_errands: Something was done at the unit that changes what it may answer.
    """

    def __init__(self, role: Role, *, has_lied: bool = False) -> None:
        """Begin without a call.

        Args:
            role: Of the unit under test.
            has_lied: What the bench's machine holds is none of an honest one.
        """
        self.dialogue = Dialogue(role)
        self.cells: set[Reached] = set()
        self.findings: list[Finding] = []
        self.has_lied = has_lied
        self.has_errands = False
        self._control_total_paise = 0
        self._asked_paise = 0
        self._role = role
        self._is_good = False
        self._is_itself = True
        self._ignorable = ""
        self._done: tuple[str, str] | None = None
        self._owed: tuple[Owed, str] | None = None
        self._said_s = 0.0
        self._has_answered = False
        self._last: Taken | None = None

    @property
    def is_good(self) -> bool:
        """Whether the call that is up is a good one."""
        return self._is_good

    def before(self, step: Step, now_s: float) -> None:
        """Take a step that is about to be carried out.

        Args:
            step: The step.
            now_s: Seconds since the case began.
        """
        event = event_of(step)
        if event:
            self._note(NOT_LOOKED)
            self._done = self.dialogue.state, event
        if step.verb in {"dial", "recharge"}:
            self._begin(step, now_s)
            return
        if now_s - self._said_s > SILENCE_S:
            self._is_good = False
        if step.verb == "become":
            self._is_itself = step.words[0] == "itself"
        if step.verb == "finish" and not self._can_finish:
            self._is_good = False
        if step.verb in _HARMLESS:
            return
        self.has_errands = self.has_errands or step.verb == "ask"
        if step.verb != "wait" and not step.expects:
            # What is ignored does not lengthen the unit's wait (DLG-2.2).
            self._said_s = now_s
        self._is_said(step)

    def _begin(self, step: Step, now_s: float) -> None:
        self._owed = None
        self._ignorable = ""
        self._said_s = now_s
        self.dialogue.did(step)
        unheard = {NOTHING, BESIDE} & set(step.words)
        has_faith = self._role is Role.MACHINE or not (
            self.has_lied or self.has_errands
        )
        known = self.dialogue.state != LINE and self._is_itself
        is_led = step.verb == "recharge"
        self._is_good = known and has_faith and not (unheard or is_led)

    def _is_said(self, step: Step) -> None:
        if step.expects:
            self._ignorable = event_of(step)
            return
        if step.verb != "wait":
            self._has_answered = True
        owed = None
        has_place = self.dialogue.has_place(step.words[0] if step.words else "")
        known = "VOUCHER" not in step.words or self._voucher_fits
        if self._is_good and self._owed is None and self.dialogue.unit_waits and known:
            owed = owed_answer(step, self._role, has_place=has_place)
        right = self._is_right(step, has_place=has_place)
        if not right and self._is_a_lie(step):
            self.has_lied = True
        self._is_good = self._is_good and right
        self._owed = None if owed is None else (owed, event_of(step))

    def _is_right(self, step: Step, *, has_place: bool) -> bool:
        if step.verb == "wait":
            return True
        if step.verb != "send" or not has_place or step.bends:
            return False
        free = _FREE.get(step.words[0], frozenset())
        if self._role is Role.SERVER and step.words[0] == "STATEMENT":
            return not step.fields
        if not set(step.fields) <= free or len(step.words) > 1:
            return False
        return self._has_sense(step)

    def _has_sense(self, step: Step) -> bool:
        """Whether a message without a lie in it fits what has come."""
        last = self._last
        match step.words[0]:
            case "VOUCHER":
                # The machine may have no room for what it has not asked for.
                return last is not None and self._voucher_fits and _asks(last)
            case "RECEIPT":
                return step.fields.get("orders", "0").isdigit()
            case "REFUSAL":
                return step.fields.get("code", "AMOUNT_LIMIT") == "AMOUNT_LIMIT"
            case "ACK":
                if last is None or last.name != "USAGE":
                    return last is not None
                return last.fields["part"] == last.fields["parts"]
            case "ORDER" | "WANT" | "USAGE" | "LAST_VOUCHER":
                return False
            case _:
                return True

    def _is_a_lie(self, step: Step) -> bool:
        """Whether a server may be wrong about the machine from now on."""
        if step.verb != "send":
            return step.verb in _LIES
        table = table_named(step.words[0])
        if table is None:
            return step.words[0] == "kept"
        if step.words[0] == "STATEMENT":
            return not set(step.fields) <= _ASKING
        return table.sender == "machine" and step.words[0] not in {"WANT", "GOODBYE"}

    @property
    def _can_finish(self) -> bool:
        """Whether an honest bench could lead the dialogue to its end from here."""
        if self._role is Role.SERVER:
            return self.dialogue.state in _FINISHED_FROM
        if self.dialogue.state == GREETED:
            return False
        return not (self.dialogue.unit_waits and self._has_answered)

    def after(
        self, step: Step, taken: Sequence[Taken], stopped: str, now_s: float
    ) -> None:
        """Take what came of a step.

        Args:
            step: The step.
            taken: What came while it was carried out.
            stopped: Why it stopped; empty: it did not.
            now_s: Seconds since the case began.
        """
        if step.verb == "take" and now_s - self._said_s > SILENCE_S:
            self._is_good = False
        if stopped and step.verb in {"send", "body"}:
            self._owed = None
        is_led = step.verb in {"finish", "recharge"} and not stopped
        for one in taken:
            if is_led and one.name == ENDED:
                self.dialogue.state = GOODBYE
            self._came(one)
        if not taken and step.verb == "take" and stopped:
            self._note(NOTHING)
        if step.verb == "finish" and stopped and self._is_good:
            self._complain(f"the dialogue does not end: {stopped}")
        if step.verb not in {"dial", "recharge", "take"}:
            self.dialogue.did(step)
        if step.verb == "dial" and stopped:
            self.dialogue.state, self._is_good = NO_CALL, False
        if step.verb in {"drop", "power", "disconnect", "finish", "recharge"}:
            self._is_good, self._owed = False, None

    def _came(self, taken: Taken) -> None:
        self._note(str(taken))
        owed, self._owed = self._owed, None
        if owed is not None:
            self._judge_answer(taken, *owed)
        if self._is_good:
            self._judge_part(taken)
        self.dialogue.came(taken)
        self._note_stated(taken)
        self._last = taken
        self._has_answered = False
        if taken.name in {"ERROR", ENDED}:
            self._is_good = False

    def _note(self, reaction: str) -> None:
        if self._done is not None:
            self.cells.add(Reached(*self._done, reaction))
            self._done = None

    def _note_stated(self, taken: Taken) -> None:
        """Note what the VOUCHER that the bench fills in follows from."""
        fields = taken.fields
        if taken.name in {"STATEMENT", "CONFIRMATION"} and fields:
            self._control_total_paise = number(fields, "control_total_paise")
        if taken.name == "STATEMENT" and fields:
            self._asked_paise = number(fields, "amount_paise") or UNASKED_PAISE

    @property
    def _voucher_fits(self) -> bool:
        """Whether CT behind a VOUCHER is an amount; else it is MALFORMED (DLG-2.1)."""
        return self._control_total_paise + self._asked_paise <= AMOUNT_PAISE_MAX

    def _judge_answer(self, taken: Taken, owed: Owed, event: str) -> None:
        """Judge the answer to something wrong."""
        codes, clause = owed
        words = f"{taken} came upon {event}"
        if taken.name != "ERROR":
            self._find(Oracle.CLAUSE, clause, f"{words}, not an ERROR")
        elif codes and str(taken).removeprefix("ERROR ") not in codes:
            expected = " or ".join(sorted(codes))
            self._find(Oracle.CLAUSE, clause, f"{words}, not ERROR {expected}")

    def _judge_part(self, taken: Taken) -> None:
        """Judge what comes in a good call: the unit has no reason to complain."""
        if taken.name == "ERROR":
            self._complain(f"{taken} came in {self.dialogue.state}")
        elif taken.name == ENDED and self.dialogue.state != GOODBYE:
            self._complain(f"the link ended in {self.dialogue.state}: {taken.wrong}")
        elif taken.name == "REFUSAL" and taken.fields:
            code = RefusalCode(number(taken.fields, "code"))
            if code.is_discrepancy and not self.has_lied:
                self._complain(f"an honest machine is refused with {code.name}")
        elif taken.name == "packet":
            self._complain(f"a packet came that is none: {taken.wrong}")

    def _complain(self, words: str) -> None:
        if self._ignorable:
            where = f"behind {self._ignorable}"
            clause = "DLG-2.2" if " body " in self._ignorable else "LINK-1.3"
            self._find(Oracle.IGNORED, clause, f"{words}, {where}")
        else:
            words = f"{words}, and nothing wrong was said"
            self._find(Oracle.CLAUSE, "DLG-15", words)

    def _find(self, oracle: Oracle, clause: str, reason: str) -> None:
        self.findings.append(Finding(oracle, clause, reason))


def _asks(statement: Taken) -> bool:
    """Whether a STATEMENT asks for a recharge."""
    if statement.name != "STATEMENT" or not statement.fields:
        return False
    return number(statement.fields, "request") == RequestKind.RECHARGE
