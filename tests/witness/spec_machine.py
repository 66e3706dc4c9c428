"""A franking machine written from `protocol/SPEC.md` alone: chapters DLG and REG.

It is what an OEM in another country would build with nothing but the text and the
vectors: own link (`spec_link.py`), own channel and files (`spec_keys.py`), own
reader of contents (`spec_contents.py`), own messages, registers and dialogue (here). It
imports nothing of the product, and its author had read nothing of it. One thread,
blocking, everything in one JSON text: a witness, no product.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from enum import IntEnum, IntFlag
from typing import Any, Final, NoReturn

from tests.witness.edhoc_peer import Party
from tests.witness.spec_contents import (
    Content,
    ContentRefusedError,
    CreditKey,
    Firmware,
    Slogan,
    Tariff,
    content_id,
    day_of,
    in_force,
    read_content,
)
from tests.witness.spec_keys import (
    AMOUNT_MAX_PAISE,
    ERROR,
    MachineChannel,
    MachinePaper,
    Maker,
    RefusedError,
    ServerPaper,
    credential_hash,
    draw_scalar,
    machine_ccs,
    public_point,
    sign,
    verifies,
)
from tests.witness.spec_link import N1, Call, Line, LinkEndedError, TcpLine
from tests.witness.spec_messages import (
    DISCREPANCIES,
    HELD_OCTETS_MAX,
    NUMBER_AHEAD,
    Fields,
    Row,
    pack,
    unpack,
    usage_digest,
)

SIGNATURE_OCTETS: Final = 64
ANSWER_TIMEOUT_S: Final = 60.0
COUNTER_MAX: Final = 2**32 - 1
WANTS_MAX: Final = 512
"""As many a server answers in one dialogue (DLG-16.6)."""
FETCHING_MAX_S: Final = 600.0
CREDIT_KEYS_MAX: Final = 4
WRONG_MAX: Final = 5
"""So many wrong PINs and vouchers in a row lock this PSD out (DLG-4.10)."""


# REG, KEY: what a PSD holds.


class Request(IntEnum):
    """What a STATEMENT may ask for (DLG-4.1)."""

    INSPECTION = 0
    RECHARGE = 1
    WITHDRAWAL = 2
    REFUND = 4


class Voucher(IntEnum):
    """What a VOUCHER may do (DLG-5)."""

    RECHARGE = 1
    WITHDRAWAL = 2
    VOID = 3
    REFUND = 4


class Order(IntEnum):
    """DLG-10."""

    CLOCK = 1
    LOCK = 2
    UNLOCK = 3
    NEXT_CALL = 4
    NOTHING = 5
    FRANK_LIMIT = 6
    FUNDS_LIMIT = 7
    RETIRE_CREDIT_KEY = 8
    TARIFF = 16
    SLOGAN = 17
    FIRMWARE = 18
    CREDIT_KEY = 19
    SLOGAN_OFF = 20


class Capability(IntFlag):
    """What a machine may offer in its STATEMENT (DLG-11.2)."""

    NONE = 0
    TARIFF = 1
    SLOGAN = 2
    FIRMWARE = 4
    CREDIT_KEY = 8
    LIMITS = 32
    ALL = 47


NEEDED: Final = {
    Order.FRANK_LIMIT: Capability.LIMITS,
    Order.FUNDS_LIMIT: Capability.LIMITS,
    Order.RETIRE_CREDIT_KEY: Capability.CREDIT_KEY,
    Order.TARIFF: Capability.TARIFF,
    Order.SLOGAN: Capability.SLOGAN,
    Order.FIRMWARE: Capability.FIRMWARE,
    Order.CREDIT_KEY: Capability.CREDIT_KEY,
    Order.SLOGAN_OFF: Capability.SLOGAN,
}
"""The capability without which a machine is not sent an order (DLG-10.6)."""
WITH_CONTENT: Final = frozenset(
    {Order.TARIFF, Order.SLOGAN, Order.FIRMWARE, Order.CREDIT_KEY}
)


class State(IntEnum):
    """The states of DLG-4.5 that this machine comes into."""

    INSTALLED = 1
    IN_SERVICE = 2
    BLOCKED = 3
    LOCKED = 4
    WITHDRAWN = 6
    WITHHELD = 7
    LOCKED_OUT = 8


WITHHOLDING: Final = frozenset({3, 4, 6})
"""States of a licence that stop its machine (DLG-4.9)."""
IST_S: Final = 19_800
DAY_S: Final = 86_400
BLOCKED_AFTER_DAYS: Final = 31


def business_day(time_s: int) -> int:
    """The day in Asia/Kolkata, counted from 1970 (DLG-4.8)."""
    return (time_s + IST_S) // DAY_S


@dataclass(frozen=True)
class Psd:
    """Everything that the machine must not lose; stored whole, at once."""

    realm: str
    licence: str
    psd_serial: str
    dh_scalar: bytes
    signing_scalar: bytes
    generation: int = 1
    ascending_paise: int = 0
    descending_paise: int = 0
    control_total_paise: int = 0
    items: int = 0
    items_with_zero: int = 0
    recharge_number: int = 0
    order_serial: int = 0
    mark: bytes = bytes(8)
    dial_in: int = 0
    state: int = State.INSTALLED
    pending: int = Request.INSPECTION
    pending_paise: int = 0
    last_voucher: bytes = b""
    receipt_s: int = 0
    licence_state: int = 0
    clock_offset_s: int = 0
    next_call_s: int = 0
    usage: dict[int, Row] = field(default_factory=dict)
    reported: dict[int, Row] = field(default_factory=dict)
    wrong_in_a_row: int = 0
    lock_in_force: bool = False
    frank_limit_paise: int = 0
    funds_limit_paise: int = 0
    credit_keys: dict[int, bytes] = field(default_factory=dict)
    """Public keys by their ids; empty, it has those that it was made with."""
    tariffs: dict[int, bytes] = field(default_factory=dict)
    slogans: dict[int, bytes] = field(default_factory=dict)
    firmware: bytes = b""
    fetched_id: int = 0
    fetched_total: int = 0
    fetched: bytes = b""
    """The parts of a content, from its first octet on (DLG-16.5)."""

    @property
    def ccs(self) -> bytes:
        point = public_point(self.dh_scalar)
        return machine_ccs(self.realm, self.licence, self.psd_serial, point)

    def paper(self, issued_s: int, model: str, firmware: str) -> MachinePaper:
        """What the maker signs at enrolment (KEY-5.1)."""
        return MachinePaper(
            self.realm,
            self.licence,
            self.psd_serial,
            model,
            firmware,
            public_point(self.dh_scalar),
            public_point(self.signing_scalar),
            self.ascending_paise,
            self.descending_paise,
            self.items,
            self.items_with_zero - self.items,
            self.recharge_number,
            self.generation,
            issued_s,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=bytes.hex)

    @staticmethod
    def from_json(text: str) -> "Psd":
        values = json.loads(text)
        plain = ("dh_scalar", "signing_scalar", "mark", "last_voucher")
        for name in (*plain, "firmware", "fetched"):
            values[name] = bytes.fromhex(values[name])
        for name in ("credit_keys", "tariffs", "slogans"):
            values[name] = {
                int(key): bytes.fromhex(octets) for key, octets in values[name].items()
            }
        for name in ("usage", "reported"):
            values[name] = {int(key): Row(**row) for key, row in values[name].items()}
        return Psd(**values)


def new_psd(
    realm: str, licence: str, psd_serial: str, entropy: Callable[[int], bytes]
) -> Psd:
    """A PSD with fresh keys: the DH scalar is drawn first (KEY-3.3)."""
    dh_scalar = draw_scalar(entropy)
    return Psd(realm, licence, psd_serial, dh_scalar, draw_scalar(entropy))


class NotPossibleError(Exception):
    """The operator asks for what the machine must refuse."""


@dataclass(frozen=True)
class Outcome:
    """What the operator is told after a dial-in."""

    complete: bool
    applied: Voucher | None
    refusal: int | None
    allowed_paise: int
    funds_paise: int


class SpecMachine:
    """A machine that franks, and dials its server over any blocking line."""

    def __init__(
        self,
        psd: Psd,
        servers: list[ServerPaper],
        *,
        store: Callable[[str], None],
        entropy: Callable[[int], bytes],
        monotonic: Callable[[], float],
        wall_clock_s: Callable[[], int],
        maker: Maker | None = None,
        offers: Capability = Capability.NONE,
        model: str = "",
        pin: str = "",
    ) -> None:
        """Switch a machine on.

        Args:
            psd: what was stored last.
            servers: files of one server, one for each credit key that it had when
                the machine was made.
            store: keeps a text of the whole PSD.
            entropy: gives random octets.
            monotonic: gives seconds that only rise.
            wall_clock_s: gives seconds since 1970.
            maker: whose contents are believed; needed by what `offers` of contents.
            offers: the capabilities in its STATEMENT.
            model: which contents for one model are for it (CONT-2.3).
            pin: the supervisor's.
        """
        self.psd = psd
        self._server = servers[0]
        self._made_with = {paper.credit_key_id: paper.credit_point for paper in servers}
        self._store = store
        self._entropy = entropy
        self._monotonic = monotonic
        self._wall_clock_s = wall_clock_s
        self._maker = maker
        self._offers = offers
        self._model = model
        self._pin = pin
        self._line: Line | None = None
        self._in_dialogue = False
        self._stated = State(psd.state)
        self.segment_octets = N1 - 1
        self.wants_max = WANTS_MAX
        self.held_octets_max = HELD_OCTETS_MAX
        self.supervisor_present = False
        self.wants: list[tuple[int, int]] = []
        """Content id and offset of each WANT that it has sent."""

    # The operator.

    def frank(self, product_class: int, postage_paise: int) -> None:
        """Print one imprint, of the value 0 as well (REG-2)."""
        psd = self.psd
        withdrawing = psd.pending in {Request.WITHDRAWAL, Request.REFUND}
        if self.state is not State.IN_SERVICE or withdrawing or self._in_dialogue:
            raise NotPossibleError("nothing can be franked now")
        if postage_paise > psd.descending_paise:
            raise NotPossibleError("there is not so much credit")
        if 0 < psd.frank_limit_paise < postage_paise:
            raise NotPossibleError("that is more than one frank may have")
        if psd.items_with_zero >= COUNTER_MAX:
            raise NotPossibleError("an item counter is full")
        valued = 1 if postage_paise else 0
        row = psd.usage.get(product_class, Row())
        row = Row(row.items + valued, row.amount_paise + postage_paise)
        self._keep(
            ascending_paise=psd.ascending_paise + postage_paise,
            descending_paise=psd.descending_paise - postage_paise,
            items=psd.items + valued,
            items_with_zero=psd.items_with_zero + 1,
            usage={**psd.usage, product_class: row},
        )

    def frank_mail(self, product_class: int, weight_g: int, zone: str = "") -> int:
        """Print what the tariff of the day asks for; the postage (CONT-8)."""
        tariff = in_force(self.tariffs, day_of(self.now_s()))
        if tariff is None:
            raise NotPossibleError("there is no tariff")
        postage_paise = tariff.of(product_class).postage(weight_g, zone)
        self.frank(product_class, postage_paise)
        return postage_paise

    def enter_pin(self, pin: str) -> bool:
        """Let the supervisor in; too often wrong, and the PSD is locked out."""
        if self.psd.state == State.LOCKED_OUT:
            return False
        if pin != self._pin:
            self._count_wrong()
            return False
        self._keep(wrong_in_a_row=0)
        self.supervisor_present = True
        return True

    def connect(self, host: str, port: int) -> None:
        """Take a TCP line for the next dial-in."""
        self.connect_line(TcpLine(host, port))

    def connect_line(self, line: Line) -> None:
        self._line = line

    def dial(
        self, request: Request = Request.INSPECTION, amount_paise: int = 0
    ) -> Outcome:
        """One dial-in over the line connected; a pending request goes first."""
        if self._line is None:
            raise NotPossibleError("no line is connected")
        if self.psd.pending == Request.INSPECTION and request != Request.INSPECTION:
            if request == Request.WITHDRAWAL:
                amount_paise = self.psd.descending_paise
            limit_paise = self.psd.funds_limit_paise
            descending_paise = self.psd.descending_paise + amount_paise
            if request == Request.RECHARGE and 0 < limit_paise < descending_paise:
                raise NotPossibleError("that is more than the machine may hold")
            self._keep(pending=int(request), pending_paise=amount_paise)
        self._keep(dial_in=self.psd.dial_in + 1)
        line, self._line = self._line, None
        call = Call(line, self._monotonic, self.segment_octets)
        self._in_dialogue = True
        try:
            return Dialogue(self, call, self._monotonic).run()
        finally:
            self._in_dialogue = False

    # What the dialogue needs of the PSD.

    def channel(self) -> MachineChannel:
        psd = self.psd
        own_point = public_point(psd.dh_scalar)
        server = self._server
        return MachineChannel(
            Party(psd.licence.encode("ascii"), psd.ccs, own_point[:32], psd.dh_scalar),
            Party(bytes([server.kid]), server.ccs, server.dh_point[:32]),
            draw_scalar(self._entropy),
        )

    @property
    def credit_keys(self) -> dict[int, bytes]:
        return self.psd.credit_keys or self._made_with

    @property
    def tariffs(self) -> list[Tariff]:
        bodies = [self._believed(octets).body for octets in self.psd.tariffs.values()]
        return [body for body in bodies if isinstance(body, Tariff)]

    @property
    def slogans(self) -> dict[int, Slogan]:
        bodies = [self._believed(octets).body for octets in self.psd.slogans.values()]
        return {body.number: body for body in bodies if isinstance(body, Slogan)}

    @property
    def firmware(self) -> tuple[int, int, int]:
        """What runs: an image that does not start is not used (CONT-6)."""
        if self.psd.firmware:
            image = self._believed(self.psd.firmware).body
            if isinstance(image, Firmware) and image.boots:
                return image.version
        return 1, 0, 0

    @property
    def state(self) -> State:
        """The state, as the last RECEIPT makes it (DLG-4.8, DLG-4.9)."""
        psd = self.psd
        if psd.state == State.IN_SERVICE and psd.licence_state in WITHHOLDING:
            return State.WITHHELD
        days = business_day(self.now_s()) - business_day(psd.receipt_s)
        if psd.state == State.IN_SERVICE and days >= BLOCKED_AFTER_DAYS:
            return State.BLOCKED
        return State(psd.state)

    def now_s(self) -> int:
        return self._wall_clock_s() + self.psd.clock_offset_s

    def statement(self, binding: bytes) -> bytes:
        psd = self.psd
        self._stated = self.state
        major, minor, patch = self.firmware
        fields = {
            "version": 1,
            "capabilities": self._offers,
            "licence": psd.licence.encode("ascii"),
            "psd_serial": psd.psd_serial.encode("ascii"),
            "firmware_major": major,
            "firmware_minor": minor,
            "firmware_patch": patch,
            "state": self._stated,
            "ascending_paise": psd.ascending_paise,
            "descending_paise": psd.descending_paise,
            "control_total_paise": psd.control_total_paise,
            "items": psd.items,
            "items_with_zero": psd.items_with_zero,
            "recharge_number": psd.recharge_number,
            "order_serial": psd.order_serial,
            "mark": psd.mark,
            "usage_digest": usage_digest(psd.usage),
            "time": self.now_s(),
            "dial_in": psd.dial_in,
            "request": psd.pending,
            "amount_paise": psd.pending_paise,
        }
        return self._signed("STATEMENT", fields, binding)

    def confirmation(self, binding: bytes) -> bytes:
        psd = self.psd
        fields = {
            "licence": psd.licence.encode("ascii"),
            "recharge_number": psd.recharge_number,
            "ascending_paise": psd.ascending_paise,
            "descending_paise": psd.descending_paise,
            "control_total_paise": psd.control_total_paise,
            "items": psd.items,
            "items_with_zero": psd.items_with_zero,
            "state": self.state,
        }
        return self._signed("CONFIRMATION", fields, binding)

    def apply_voucher(self, body: bytes) -> Voucher:
        """Apply it, or count one more that was wrong (DLG-5.3, DLG-4.10)."""
        try:
            return self._apply_voucher(body)
        except RefusedError:
            self._count_wrong()
            raise

    def _apply_voucher(self, body: bytes) -> Voucher:
        """The checks of REG-6 in their order, then one indivisible step."""
        _, voucher = unpack(body)
        psd = self.psd
        key = self.credit_keys.get(voucher["credit_key"])
        signed, signature = body[:-SIGNATURE_OCTETS], voucher["signature"]
        if key is None or not verifies(key, "VOUCHER", psd.realm, signed, signature):
            _no_voucher("the signature")
        licence = psd.licence.encode("ascii")
        own = credential_hash(psd.ccs)
        if (voucher["licence"], voucher["credential_hash"]) != (licence, own):
            _no_voucher("it is for another PSD")
        if voucher["recharge_number"] != psd.recharge_number + 1:
            _no_voucher("the recharge number")
        kind, amount = Voucher(voucher["kind"]), voucher["amount_paise"]
        effect = {Voucher.RECHARGE: amount, Voucher.VOID: 0}.get(kind, -amount)
        before = voucher["control_total_before_paise"]
        after = voucher["control_total_after_paise"]
        if before != psd.control_total_paise or after != before + effect:
            _no_voucher("the control totals")
        descending = psd.descending_paise + effect
        possible = descending >= 0 and after <= AMOUNT_MAX_PAISE
        if not possible or (kind is Voucher.WITHDRAWAL and descending != 0):
            _no_voucher("the registers after it")
        self._keep(
            descending_paise=descending,
            control_total_paise=after,
            recharge_number=voucher["recharge_number"],
            pending=int(Request.INSPECTION),
            pending_paise=0,
            last_voucher=body,
            wrong_in_a_row=0,
            state=int(State.WITHDRAWN) if kind is Voucher.WITHDRAWAL else psd.state,
        )
        return kind

    def take_refusal(self, fields: Fields) -> None:
        """CLEARED ends the pending request, whatever the code is (DLG-4.3)."""
        if fields["disposition"] == 0:
            self._keep(pending=int(Request.INSPECTION), pending_paise=0)

    def take_receipt(self, fields: Fields) -> None:
        """Mark, time and state in one step (DLG-7.1), for our number only (DLG-7.6)."""
        psd = self.psd
        if fields["recharge_number"] != psd.recharge_number:
            raise RefusedError(5, "a RECEIPT for another recharge number")
        installed = psd.state == State.INSTALLED
        self._keep(
            mark=fields["mark"],
            receipt_s=fields["time"],
            licence_state=fields["licence_state"],
            state=int(State.IN_SERVICE) if installed else psd.state,
            next_call_s=psd.next_call_s if fields["time"] < psd.next_call_s else 0,
        )

    def take_order(self, fields: Fields) -> bool:
        """Apply an order; False when it and those after it are not applied."""
        psd = self.psd
        serial = fields["order_serial"]
        if serial <= psd.order_serial:
            return True
        if serial != psd.order_serial + 1:
            return False
        effect = self._effect(Order(fields["order"]), fields["value"])
        if effect is None:
            return False
        self._keep(order_serial=serial, **effect)
        return True

    def take_orders(self, orders: list[Fields]) -> None:
        """Apply them in order, up to the first that cannot be."""
        for fields in orders:
            if not self.take_order(fields):
                return

    def wanted(self, orders: list[Fields]) -> tuple[int, int] | None:
        """Content id and offset of the part that the order due waits for (DLG-16.2)."""
        psd = self.psd
        for fields in orders:
            kind = Order(fields["order"])
            is_due = fields["order_serial"] == psd.order_serial + 1
            if is_due and kind in WITH_CONTENT and self._has_offered(kind):
                wanted: int = fields["value"]
                if psd.fetched_id != wanted:
                    return wanted, 0
                if len(psd.fetched) < psd.fetched_total or not psd.fetched_total:
                    return wanted, len(psd.fetched)
        return None

    def take_part(self, fields: Fields) -> None:
        """Keep a part that was wanted (DLG-16.5)."""
        psd = self.psd
        wanted, total = fields["content_id"], fields["total"]
        same = (psd.fetched_id, psd.fetched_total) == (wanted, total)
        octets = psd.fetched if same else b""
        if fields["offset"] == len(octets):
            octets += fields["data"][: total - len(octets)]
        else:
            octets = b""
        if len(octets) == total and content_id(octets) != wanted:
            octets = b""
        self._keep(fetched_id=wanted, fetched_total=total, fetched=octets)

    def _effect(self, kind: Order, value: int) -> dict[str, Any] | None:
        """What an order changes, None if it is not possible now (DLG-10)."""
        psd = self.psd
        if not self._has_offered(kind):
            return None
        if kind in WITH_CONTENT:
            return self._effect_of_content(kind, value)
        jumps = abs(value - self.now_s()) > DAY_S and not self.supervisor_present
        kept = self.credit_keys
        remaining = {key_id: kept[key_id] for key_id in kept if key_id != value}
        impossible = {
            Order.CLOCK: not 1 <= value <= COUNTER_MAX
            or (jumps and self._stated is not State.INSTALLED),
            Order.NEXT_CALL: value > COUNTER_MAX,
            Order.FRANK_LIMIT: value > AMOUNT_MAX_PAISE,
            Order.FUNDS_LIMIT: value > AMOUNT_MAX_PAISE,
            Order.RETIRE_CREDIT_KEY: not remaining,
        }
        if impossible.get(kind, False):
            return None
        lockable = psd.state in {State.INSTALLED, State.IN_SERVICE}
        locked = psd.state in {State.LOCKED, State.LOCKED_OUT}
        again = psd.state == State.LOCKED_OUT and psd.lock_in_force
        unlocked = {
            "state": int(State.LOCKED if again else State.IN_SERVICE),
            "wrong_in_a_row": 0,
            "lock_in_force": again,
        }
        locking = {"state": int(State.LOCKED)} if lockable else {}
        slogans = {at: each for at, each in psd.slogans.items() if at != value}
        effects: dict[Order, dict[str, Any]] = {
            Order.CLOCK: {"clock_offset_s": value - self._wall_clock_s()},
            Order.LOCK: {**locking, "lock_in_force": True},
            Order.UNLOCK: unlocked if locked else {},
            Order.NEXT_CALL: {"next_call_s": value},
            Order.NOTHING: {},
            Order.FRANK_LIMIT: {"frank_limit_paise": value},
            Order.FUNDS_LIMIT: {"funds_limit_paise": value},
            Order.RETIRE_CREDIT_KEY: {"credit_keys": remaining},
            Order.SLOGAN_OFF: {"slogans": slogans},
        }
        return effects[kind]

    def _effect_of_content(self, kind: Order, value: int) -> dict[str, Any] | None:
        """DLG-10.9; a content that is whole and wrong is not fetched again."""
        psd = self.psd
        whole = psd.fetched_total and len(psd.fetched) == psd.fetched_total
        if not whole or psd.fetched_id != value:
            return None
        try:
            content = self._believed(psd.fetched)
        except ContentRefusedError:
            return None
        if content.kind != kind or content.model not in {"", self._model}:
            return None
        body, number = content.body, content.number
        if isinstance(body, CreditKey):
            return self._effect_of_credit_key(body)
        if kind is Order.TARIFF:
            others = {at: each for at, each in psd.tariffs.items() if at != number}
            return {"tariffs": {**others, number: psd.fetched}}
        if kind is Order.SLOGAN:
            return {"slogans": {**psd.slogans, number: psd.fetched}}
        return {"firmware": psd.fetched}

    def _effect_of_credit_key(self, key: CreditKey) -> dict[str, Any] | None:
        """The credit key alone, of our server, under an id that is free (KEY-8.6)."""
        own, known = self._server, self.credit_keys
        server = own.realm, own.kid, own.name, own.dh_point
        if (key.realm, key.kid, key.server_name, key.dh_point) != server:
            return None
        if known.get(key.credit_key_id, key.credit_point) != key.credit_point:
            return None
        keys = {**known, key.credit_key_id: key.credit_point}
        return {"credit_keys": keys} if len(keys) <= CREDIT_KEYS_MAX else None

    def _has_offered(self, kind: Order) -> bool:
        needed = NEEDED.get(kind, Capability.NONE)
        return needed in self._offers

    def _believed(self, octets: bytes) -> Content:
        if self._maker is None:
            raise ContentRefusedError("SIGNATURE", "no maker is known")
        return read_content(octets, self._maker)

    def _count_wrong(self) -> None:
        """DLG-4.10: in the states of DLG-4.7 only."""
        psd = self.psd
        wrong = psd.wrong_in_a_row + 1
        lockable = psd.state in {State.INSTALLED, State.IN_SERVICE, State.LOCKED}
        out = wrong >= WRONG_MAX and lockable
        state = int(State.LOCKED_OUT) if out else psd.state
        self._keep(wrong_in_a_row=wrong, state=state)

    def changed_rows(self) -> dict[int, Row]:
        psd = self.psd
        return {
            number: row
            for number, row in sorted(psd.usage.items())
            if row.items and psd.reported.get(number) != row
        }

    def rows_were_acknowledged(self, rows: dict[int, Row]) -> None:
        self._keep(reported={**self.psd.reported, **rows})

    def _signed(self, context: str, fields: Fields, binding: bytes) -> bytes:
        unsigned = pack(context, {**fields, "signature": bytes(SIGNATURE_OCTETS)})
        front = unsigned[:-SIGNATURE_OCTETS]
        psd = self.psd
        return front + sign(psd.signing_scalar, context, psd.realm, binding + front)

    def _keep(self, **changes: Any) -> None:
        """Change and store in one step; what is not stored has not happened."""
        after = replace(self.psd, **changes)
        self._store(after.to_json())
        self.psd = after


def _no_voucher(why: str) -> NoReturn:
    raise RefusedError(11, why)


def usage_messages(dial_in: int, rows: dict[int, Row]) -> list[bytes]:
    """The parts of a report, four rows to each (DLG-9.2)."""
    numbers = sorted(rows)
    groups = [numbers[at : at + 4] for at in range(0, len(numbers), 4)]
    messages = []
    for part, group in enumerate(groups, 1):
        fields: Fields = {"dial_in": dial_in, "part": part, "parts": len(groups)}
        for place in range(1, 5):
            number = group[place - 1] if place <= len(group) else 0
            row = rows[number] if number else Row()
            fields[f"class_{place}"] = number
            fields[f"items_{place}"] = row.items
            fields[f"amount_{place}_paise"] = row.amount_paise
        messages.append(pack("USAGE", fields))
    return messages


class Dialogue:
    """One dial-in, from SABM to DISC, in the order of DLG-1."""

    def __init__(
        self, machine: SpecMachine, call: Call, monotonic: Callable[[], float]
    ) -> None:
        self._machine = machine
        self._call = call
        self._monotonic = monotonic
        self._up_at = monotonic()
        self._channel = machine.channel()
        self._applied: Voucher | None = None
        self._refusal: Fields = {}
        self._receipt: Fields = {}

    def run(self) -> Outcome:
        """Raise PeerError, RefusedError or LinkEndedError where it failed."""
        try:
            self._call.open()
            self._up_at = self._monotonic()
            self._talk()
        except RefusedError as error:
            self._send_error(error.code)
            raise
        finally:
            self._call.close()
        return Outcome(
            complete=bool(self._receipt),
            applied=self._applied,
            refusal=self._refusal.get("code"),
            allowed_paise=self._refusal.get("allowed_paise", 0),
            funds_paise=self._receipt.get("funds_paise", 0),
        )

    def _talk(self) -> None:
        machine, channel = self._machine, self._channel
        self._call.send(channel.greeting_1())
        channel.take_greeting_2(self._packet())
        # The rows belong to the STATEMENT: its signature covers their digest.
        rows = machine.changed_rows()
        self._call.send(channel.greeting_3(machine.statement(channel.binding)))
        self._answered(channel.take_greeting_4(self._packet()))
        if self._receipt:
            self._take_orders(self._receipt["orders"])
            self._report(rows)
        psd = machine.psd
        goodbye = {"mark": psd.mark, "order_serial": psd.order_serial}
        self._call.send(channel.seal(pack("GOODBYE", goodbye)), final=True)

    def _answered(self, body: bytes) -> None:
        """The answer to the STATEMENT, up to the RECEIPT."""
        while 0x40 <= body[0] <= 0x7F:
            body = self._body()
        name, fields = unpack(body)
        asked = self._machine.psd.pending
        if name == "VOUCHER":
            self._applied = self._machine.apply_voucher(body)
            confirmation = self._machine.confirmation(self._channel.binding)
            self._call.send(self._channel.seal(confirmation))
            name, fields = self._expect("RECEIPT", "REFUSAL")
            if name == "REFUSAL":
                self._frozen(fields)
        elif name == "REFUSAL" and fields["code"] in DISCREPANCIES:
            self._frozen(fields)
        elif name == "REFUSAL" and fields["receipt_follows"]:
            self._refusal = fields
            self._machine.take_refusal(fields)
            name, fields = self._expect("RECEIPT")
        if name == "RECEIPT" and (
            self._applied is not None or self._refusal or asked == Request.INSPECTION
        ):
            self._machine.take_receipt(fields)
            self._receipt = fields
        elif not self._refusal:
            raise RefusedError(5, f"{name} does not answer the request")

    def _frozen(self, fields: Fields) -> None:
        if fields["code"] not in DISCREPANCIES or fields["receipt_follows"]:
            raise RefusedError(5, "a refusal of this kind has no place here")
        self._refusal = fields
        self._machine.take_refusal(fields)
        last = self._machine.psd.last_voucher
        if fields["code"] == NUMBER_AHEAD and last:
            message = pack("LAST_VOUCHER", {"voucher": last})
            self._call.send(self._channel.seal(message))
            self._acknowledgement(0x15, 0)

    def _take_orders(self, orders: int) -> None:
        """All that are announced, each at once; then what the next one brings."""
        machine = self._machine
        taken: list[Fields] = []
        for _ in range(orders):
            _, fields = self._expect("ORDER")
            taken.append(fields)
            machine.take_orders(taken)
        for _ in range(machine.wants_max):
            wanted = machine.wanted(taken)
            late = self._monotonic() - self._up_at > FETCHING_MAX_S
            if wanted is None or late or not self._fetch(*wanted):
                return
            machine.take_orders(taken)

    def _fetch(self, wanted: int, offset: int) -> bool:
        """Fetch one part; False when nothing more is to be had now (DLG-16.4)."""
        want = {"content_id": wanted, "offset": offset}
        self._machine.wants.append((wanted, offset))
        self._call.send(self._channel.seal(pack("WANT", want)))
        _, fields = self._expect("CONTENT")
        if (fields["content_id"], fields["offset"]) != (wanted, offset):
            raise RefusedError(5, "a CONTENT that was not asked for")
        if not 0 < fields["total"] <= self._machine.held_octets_max:
            return False
        self._machine.take_part(fields)
        return True

    def _report(self, rows: dict[int, Row]) -> None:
        dial_in = self._machine.psd.dial_in
        messages = usage_messages(dial_in, rows)
        for message in messages:
            self._call.send(self._channel.seal(message))
        if not messages:
            return
        name, fields = self._expect("ACK", "REFUSAL")
        if name == "REFUSAL":
            self._frozen(fields)
        else:
            _check_ack(fields, 0x12, dial_in)
            self._machine.rows_were_acknowledged(rows)

    def _acknowledgement(self, of_type: int, number: int) -> None:
        _, fields = self._expect("ACK")
        _check_ack(fields, of_type, number)

    def _expect(self, *names: str) -> tuple[str, Fields]:
        name, fields = unpack(self._body())
        if name not in names:
            raise RefusedError(5, f"{name} has no place here")
        return name, fields

    def _body(self) -> bytes:
        """The next body that is not elective (DLG-2.2)."""
        while True:
            body = self._channel.open(self._packet())
            if not 0x40 <= body[0] <= 0x7F:
                return body

    def _packet(self) -> bytes:
        try:
            return self._call.receive(ANSWER_TIMEOUT_S)
        except TimeoutError as error:
            raise RefusedError(7, "the server says nothing") from error

    def _send_error(self, code: int) -> None:
        try:
            self._call.send(bytes([ERROR, code]), final=True)
        except LinkEndedError:
            return


def _check_ack(fields: Fields, of_type: int, number: int) -> None:
    if (fields["of_type"], fields["number"]) != (of_type, number):
        raise RefusedError(5, "an ACK of something else")
