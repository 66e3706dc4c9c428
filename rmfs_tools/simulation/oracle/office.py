"""What the server hears and says, held against the reference judgement.

Source:
    protocol/SPEC.md DLG-1.3, DLG-1.4, DLG-5.1, DLG-7, DLG-8, DLG-14.2; REG-5, REG-7.
"""

from rmfs_tools.simulation.oracle.conversations import Conversation
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.judge import (
    ACCOUNT_FROZEN,
    ASCENDING_BACK,
    FUNDS_SHORT,
    ITEMS_BACK,
    NUMBER_AHEAD,
    Settles,
    View,
    judge,
    overtaken,
)
from rmfs_tools.simulation.oracle.licence import Licence
from rmfs_tools.simulation.oracle.messages import (
    CODE_DISCREPANCY_MIN,
    CODE_USAGE_MISMATCH,
    USAGE_TYPE,
    Ack,
    Confirmation,
    Goodbye,
    Message,
    Receipt,
    Refusal,
    Statement,
    Usage,
    Voucher,
)
from rmfs_tools.simulation.oracle.properties import Property
from rmfs_tools.simulation.oracle.vouchers import Vouchers

_Answer = Voucher | Refusal | Receipt


class Office:
    """Looks at the server's side of the calls.

    Args:
        vouchers: All that was ever stored.
        findings: Where rare states are counted.
    """

    def __init__(self, vouchers: Vouchers, findings: Findings) -> None:
        self._vouchers = vouchers
        self._findings = findings

    def hear(self, licence: Licence, call: int, message: Message) -> None:
        """Take what the server accepted from a machine."""
        licence.hear()
        if isinstance(message, Statement):
            licence.converse(call, message)
            return
        conversation = licence.conversations.get(call)
        if conversation is None:
            return
        if conversation.superseded:
            conversation.heard_superseded = True
            self._findings.reached("superseded call heard")
        if isinstance(message, Confirmation):
            conversation.ask(message, licence.view(), licence.reported)
        elif isinstance(message, Goodbye):
            conversation.goodbye = message.mark
        elif isinstance(message, Usage):
            conversation.usage_unanswered = True

    def say(self, licence: Licence, call: int, message: Message, octets: bytes) -> None:
        """Look at what the server sealed."""
        licence.hear()
        if isinstance(message, Voucher):
            self._check_voucher(licence, call, message, octets)
        conversation = licence.conversations.get(call)
        if conversation is None:
            return
        if conversation.heard_superseded:
            licence.broken(
                Property.GEN_1, f"call {call} had lost, and was told {message}"
            )
        if isinstance(message, Receipt):
            self._check_receipt(licence, conversation, message)
        if isinstance(message, Refusal) and message.code >= CODE_DISCREPANCY_MIN:
            self._check_freezing(licence, conversation, message)
        if isinstance(message, Voucher | Refusal | Receipt):
            self._answer(licence, conversation, message, octets)
        elif isinstance(message, Ack) and message.of_type == USAGE_TYPE:
            conversation.usage_unanswered = False
            licence.usage_unsure = licence.restored

    def _check_voucher(
        self, licence: Licence, call: int, voucher: Voucher, octets: bytes
    ) -> None:
        if not self._vouchers.stored(octets):
            licence.broken(Property.ORDER_4, f"{voucher} was said and never stored")
        if self._vouchers.send(octets, call):
            self._findings.reached("voucher sent again")

    def _check_receipt(
        self, licence: Licence, conversation: Conversation, receipt: Receipt
    ) -> None:
        row = licence.row
        if conversation.frozen:
            licence.broken(Property.FREEZE_5, "a RECEIPT follows a discrepancy")
        known = row is not None and receipt.mark in (row.mark_issued, *licence.issued)
        settled = row is not None and row.number >= receipt.number
        if not (known and settled and receipt.number == conversation.number):
            licence.broken(
                Property.ORDER_5,
                f"{receipt} answers number {conversation.number}; stored is {row}",
            )

    def _check_freezing(
        self, licence: Licence, conversation: Conversation, refusal: Refusal
    ) -> None:
        """DLG-8.1: recorded, frozen and reported before it is said."""
        conversation.frozen = True
        row = licence.row
        was_frozen = any(view.row.frozen for view in conversation.judged_by())
        reported = licence.reported > conversation.reported
        if row is None or not row.frozen or not (was_frozen or reported):
            licence.broken(
                Property.FREEZE_3,
                f"refused with {refusal.code}; reported: {reported}, stored is {row}",
            )
        if refusal.code == NUMBER_AHEAD:
            self._findings.reached("number ahead frozen")
        elif refusal.code == ACCOUNT_FROZEN:
            self._findings.reached("frozen account refused")

    def _answer(
        self,
        licence: Licence,
        conversation: Conversation,
        answer: _Answer,
        octets: bytes,
    ) -> None:
        message = conversation.message
        if message is None:
            self._not_asked(licence, conversation, answer)
            return
        views = conversation.judged_by()
        found = [self._compare(view, message, answer, octets) for view in views]
        if found and all(found):
            # The newest books are those that were judged by, if nobody interfered.
            for broken, what in found[-1]:
                licence.broken(broken, what)
        if isinstance(answer, Refusal):
            self._check_refusal(licence, conversation, answer)
            conversation.refused = answer.code < CODE_DISCREPANCY_MIN
        conversation.answered()
        if isinstance(message, Statement):
            self._won(licence, conversation)
            in_order = not (
                isinstance(answer, Refusal) and answer.code >= CODE_DISCREPANCY_MIN
            )
            if in_order and message.mark in licence.issued:
                # Machine and books have met since the backup was put back.
                licence.restored = False

    def _not_asked(
        self, licence: Licence, conversation: Conversation, answer: _Answer
    ) -> None:
        """An answer to no judgement: a RECEIPT after a REFUSAL, or of the usage."""
        if isinstance(answer, Receipt) and conversation.refused:
            conversation.refused = False
        elif (
            isinstance(answer, Refusal)
            and answer.code == CODE_USAGE_MISMATCH
            and conversation.usage_unanswered
        ):
            conversation.usage_unanswered = False
        elif not conversation.frozen or isinstance(answer, Voucher):
            licence.broken(
                Property.JUDGE_2, f"call {conversation.call}: nobody asked for {answer}"
            )

    def _won(self, licence: Licence, conversation: Conversation) -> None:
        """DLG-14.2: the call whose STATEMENT verified last has won."""
        for other in licence.conversations.values():
            if other is not conversation and not other.superseded:
                other.superseded = True
                if other.message is not None:
                    self._findings.reached("older call superseded")
        conversation.superseded = False

    def _check_refusal(
        self, licence: Licence, conversation: Conversation, refusal: Refusal
    ) -> None:
        if not isinstance(conversation.message, Statement):
            return
        outstanding = licence.open is not None
        if refusal.cleared == outstanding:
            licence.broken(
                Property.PENDING_3,
                f"code {refusal.code} says that the request is cleared: "
                f"{refusal.cleared}, and a voucher is outstanding: {outstanding}",
            )
        views = conversation.views
        amount = conversation.message.amount_paise
        if refusal.code == FUNDS_SHORT and all(
            view.funds_paise >= amount for view in views
        ):
            licence.broken(
                Property.JUDGE_3, f"refused {amount}, though there are funds"
            )

    def _compare(
        self,
        view: View,
        message: Statement | Confirmation,
        answer: _Answer,
        octets: bytes,
    ) -> list[tuple[Property, str]]:
        """Say what is wrong with an answer, by one state of the books."""
        verdict = judge(view, message)
        code = answer.code if isinstance(answer, Refusal) else 0
        freezes = code >= CODE_DISCREPANCY_MIN
        said = f"{answer} answers {message}"
        if verdict.code:
            if not freezes:
                return [(Property.FREEZE_1, f"{verdict.code} shows: {said}")]
            if code != verdict.code and not _unknowable(view, code):
                return [(Property.FREEZE_5, f"{verdict.code} comes first: {said}")]
            return []
        if freezes:
            if _unknowable(view, code):
                return []
            return [(Property.FREEZE_2, f"the message is in order: {said}")]
        if isinstance(message, Confirmation):
            right = isinstance(answer, Receipt)
            return [] if right else [(Property.JUDGE_2, said)]
        if overtaken(view, message):
            return [(Property.GEN_2, f"dial-in {view.row.dial_in} was judged: {said}")]
        if verdict.settles is Settles.NOTHING and view.open is not None:
            wanted = view.open.void or view.open.voucher
            right = octets == wanted
            return [] if right else [(Property.JUDGE_1, f"{view.open} is out: {said}")]
        return _compare_with_request(message, answer, said)


def _compare_with_request(
    statement: Statement, answer: _Answer, said: str
) -> list[tuple[Property, str]]:
    """Nothing is outstanding: the request is granted or refused."""
    if isinstance(answer, Voucher):
        granted = (answer.kind, answer.amount_paise)
        right = statement.request != 0 and granted == (
            statement.request,
            statement.amount_paise,
        )
    else:
        right = isinstance(answer, Receipt) == (statement.request == 0)
    return [] if right else [(Property.JUDGE_2, said)]


def _unknowable(view: View, code: int) -> bool:
    """Say whether a code goes by registers that were accepted out of sight."""
    return view.accepted is None and code in (ASCENDING_BACK, ITEMS_BACK)
