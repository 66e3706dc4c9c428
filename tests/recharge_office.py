"""A recharge server of a few lines that remembers what it granted and what it ordered.

It stands for the books of the real one where a machine is cut off hundreds of times: a
number that was granted stays granted for the same amount, an order is announced until a
STATEMENT tells that it was taken, a content is cut into the parts that are wanted. The
books themselves are tried in `tests/contract` and `tests/power/test_exactly_once.py`.
"""

from dataclasses import dataclass, field

from fm_device.dial_in import DialInReport
from fm_device.firmware.dialling import DialPlan
from hw.lines.port import LineLoss, LossCause
from protocol.contents import Body, content_id, make_content, write_content
from protocol.dialogue.machine import (
    ContentTaken,
    OrderTaken,
    Outcome,
    VoucherApplied,
)
from protocol.keys import CreditKey, Realm
from protocol.messages import Confirmation, ContentPart, OrderKind, Want
from protocol.registers import RequestKind, VoucherKind, effect_paise
from protocol.values import Paise, RechargeNumber
from tests.machines import FACTORY_ORDERS, ISSUED, Bench
from tests.witness.small_server import CREDIT_KEY, MAKER_KEY, Dial


@dataclass
class Office:
    """What a server knows of one machine.

    Attributes:
        granted: Kind and amount of each voucher that was ever signed, by number.
        orders: Every order so far; the first has serial 1.
        contents: What the orders name.
        wanted: The offsets that were asked for, in each dial-in.
        credit_key: Signs the vouchers.
    """

    granted: dict[int, tuple[VoucherKind, Paise]] = field(default_factory=dict)
    orders: list[tuple[OrderKind, int]] = field(default_factory=list)
    contents: dict[int, bytes] = field(default_factory=dict)
    wanted: list[list[int]] = field(default_factory=list)
    credit_key: CreditKey = CREDIT_KEY

    def copy(self) -> "Office":
        """Know the same, from here on by itself."""
        return Office(
            dict(self.granted),
            list(self.orders),
            dict(self.contents),
            [list(offsets) for offsets in self.wanted],
            self.credit_key,
        )

    def order(self, kind: OrderKind, value: int = 0) -> None:
        """Have the machine do something at its next dial-in."""
        self.orders.append((kind, value))

    def bring(self, body: Body) -> int:
        """Sign a content and order it; give its id."""
        content = make_content(body, Realm.TEST, ISSUED)
        octets = write_content(content, MAKER_KEY)
        name = content_id(octets)
        self.contents[name] = octets
        self.order(FACTORY_ORDERS[content.kind.name], name)
        return name

    def effect_paise(self, after: int, up_to: int) -> int:
        """By how much the vouchers of some numbers change CT, all together."""
        return sum(
            effect_paise(kind, amount)
            for number, (kind, amount) in self.granted.items()
            if after < number <= up_to
        )

    def call(
        self,
        bench: Bench,
        kind: RequestKind = RequestKind.INSPECTION,
        amount: int = 0,
    ) -> None:
        """Let the machine dial in, as an operator wants it; the dial-in is complete."""
        machine = bench.machine
        plan = machine.calls.plan(kind, Paise(amount))
        assert isinstance(plan, DialPlan), plan
        before = machine.record.registers
        dial = bench.dial(plan.request)
        statement = dial.statement
        voucher = self._grant(statement.request, statement.amount_paise, dial)
        due = self.orders[statement.order_serial :]
        dial.say(dial.receipt(orders=len(due)))
        taken: dict[int, OrderTaken] = {}
        for serial, (order, value) in enumerate(due, statement.order_serial + 1):
            answer = dial.say(dial.order(order, value, serial))
            assert isinstance(answer, OrderTaken)
            taken[serial] = answer
        self.wanted.append([])
        while (packet := dial.psd.want()) is not None:
            want, _ = dial.open(packet)
            assert isinstance(want, Want)
            self.wanted[-1].append(want.offset)
            octets = self.contents.get(want.content_id)
            part = ContentPart.cut(want.content_id, want.offset, octets)
            answer = dial.say(part.encode())
            assert isinstance(answer, ContentTaken)
            taken.update((one.order.order_serial, one) for one in answer.orders)
        if dial.psd.usage():
            dial.say(dial.usage_ack())
        dial.psd.goodbye()
        dial.psd.hang_up()
        machine.calls.done(
            DialInReport(
                outcome=Outcome.CONFIRMED if voucher else Outcome.INSPECTED,
                before=before,
                after=machine.record.registers,
                pending=machine.record.pending,
                voucher=None,
                refusal=None,
                receipt=None,
                orders=tuple((one.order, one.applied) for one in taken.values()),
                failure=None,
                loss=LineLoss(LossCause.DROPPED_BY_PEER),
                octets_up=0,
                octets_down=0,
                duration_s=0.0,
            )
        )
        machine.look()

    def _grant(self, request: RequestKind, amount: Paise, dial: Dial) -> bool:
        """Sign the voucher that is asked for; one that was signed before is the same.

        A machine that was granted something asks for exactly that until it has it.
        """
        number = dial.statement.recharge_number + 1
        asked = (
            None
            if request is RequestKind.INSPECTION
            else (VoucherKind(int(request)), amount)
        )
        assert self.granted.get(number, asked) == asked
        if asked is None:
            return False
        self.granted[number] = asked
        answer = dial.say(
            dial.voucher(
                recharge_number=RechargeNumber(number),
                sign_with=self.credit_key.signing,
                credit_key=self.credit_key.key_id,
            )
        )
        assert isinstance(answer, VoucherApplied)
        confirmation, _ = dial.open(answer.packet)
        assert isinstance(confirmation, Confirmation)
        assert confirmation.recharge_number == number
        return True
