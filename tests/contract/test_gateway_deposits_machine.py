"""Whatever happens to payments in whatever order, every rupee is where its state says.

A machine of Hypothesis receives, verifies, realises, bounces, sends, answers, proposes,
approves and downloads at random; after each step the ledger says what the deposits say.
"""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dop_gateway.deposits import desk as suspense
from dop_gateway.deposits import verifying
from dop_gateway.deposits.advancing import advance
from dop_gateway.deposits.model import Action, Payment
from dop_gateway.errors import GatewayError
from dop_gateway.ledger import Source, movements
from protocol.exchange import PaymentMode
from protocol.values import parse_licence_identifier
from tests.deposit_desk import N1, N2, P1, DepositDesk, deposit_desk_at

LICENCES = st.sampled_from([N1, N2, P1, parse_licence_identifier("N999999")])
AMOUNTS = st.sampled_from([90_000, 100_000, 105_000, 200_000, 350_000])
WHICH = st.integers(0, 1_000)


class DepositMachine(RuleBasedStateMachine):
    """A Department to which anything may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.paid: list[Payment] = []
        self.open: list[str] = []
        self.moved = 0

    @initialize()
    def begin(self) -> None:
        """Open a Department."""
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        url = f"sqlite:///{folder / 'gateway.sqlite'}"
        self.desk: DepositDesk = self.stack.enter_context(deposit_desk_at(url))

    def _one(self, which: int) -> Payment | None:
        return self.paid[which % len(self.paid)] if self.paid else None

    @rule(licence=LICENCES, amount=AMOUNTS, cheque=st.booleans())
    def receive(self, licence: str, amount: int, cheque: bool) -> None:
        """Somebody pays."""
        payment = self.desk.payment(amount, licence=licence)
        if cheque:
            source, mode = Source.POST_OFFICE, PaymentMode.PO_CHEQUE
            payment = self.desk.payment(
                amount, licence=licence, source=source, mode=mode
            )
        self.desk.receive(payment)
        self.paid.append(payment)

    @rule(which=WHICH)
    def verify(self, which: int) -> None:
        """The account confirms a payment."""
        payment = self._one(which)
        if payment is not None:
            self.desk.verify(payment)

    @rule(which=WHICH)
    def realise(self, which: int) -> None:
        """A cheque is paid."""
        payment = self._one(which)
        if payment is not None:
            source, reference = payment.source, payment.reference
            with self.desk.store.writing("realise") as connection:
                by = self.desk.by()
                verifying.realise(connection, source, reference, self.desk.day, by)

    @rule(which=WHICH)
    def bounce(self, which: int) -> None:
        """The source takes a payment back."""
        payment = self._one(which)
        if payment is not None:
            self.desk.bounce(payment)

    @rule(maker=st.sampled_from(["N", "P"]))
    def send(self, maker: str) -> None:
        """A fund file is made."""
        self.open.append(self.desk.send(maker))

    @rule(which=WHICH, refused=st.integers(0, 3))
    def answer(self, which: int, refused: int) -> None:
        """A maker answers one of the files, whichever."""
        if self.open:
            file_id = self.open[which % len(self.open)]
            self.desk.answer(file_id, self.desk.told[file_id][:refused])

    @rule(which=WHICH, action=st.sampled_from(Action), licence=LICENCES)
    def decide(self, which: int, action: Action, licence: str) -> None:
        """One person proposes, another approves."""
        payment = self._one(which)
        if payment is None:
            return
        desk, number = self.desk, self.desk.deposit(payment).id
        to = licence if action is Action.RELEASE else ""
        try:
            with desk.store.writing("decide") as connection:
                by = desk.by("omar")
                made = suspense.propose(connection, number, action, by, licence=to)
                suspense.approve(connection, made.id, desk.by("sunita"))
        except GatewayError:
            pass

    @rule(licence=st.sampled_from([N1, N2, P1]), part=st.integers(1, 10))
    def download(self, licence: str, part: int) -> None:
        """A machine takes some of what remains."""
        known = parse_licence_identifier(licence)
        amount = self.desk.balances(known).remaining * part // 10
        if amount:
            self.moved += 1
            key = f"test:{self.moved}"
            self.desk.move(movements.downloaded(known, amount, key, "a test"))

    @rule(licence=st.sampled_from([N1, N2, P1]), part=st.integers(1, 10))
    def withdraw(self, licence: str, part: int) -> None:
        """A machine gives some of what it holds back."""
        known = parse_licence_identifier(licence)
        amount = self.desk.balances(known).machine * part // 10
        if amount:
            self.moved += 1
            key = f"test:{self.moved}"
            self.desk.move(movements.withdrawn(known, amount, key, "a test"))

    @rule(days=st.integers(1, 5))
    def pass_days(self, days: int) -> None:
        """Days pass, and the job of the day runs."""
        self.desk.next_day(days)
        with self.desk.store.writing("advance") as connection:
            advance(connection, self.desk.day, self.desk.by())

    @invariant()
    def adds_up(self) -> None:
        """The ledger says what the deposits say."""
        if self.paid:
            self.desk.adds_up()

    def teardown(self) -> None:
        """Close the Department."""
        self.stack.close()


DepositMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestDeposits = DepositMachine.TestCase
