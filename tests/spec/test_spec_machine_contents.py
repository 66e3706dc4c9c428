"""CONT, DLG-10, DLG-16 and KEY-8 as a machine keeps them that knows SPEC.md alone.

The machine of `tests/witness/spec_machine.py` reads every vector of `cont.json` and
talks to a server that is written out here, packet by packet, without a channel: so the
server can also answer what no server may.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.witness import (
    cont_vectors,
    key_vectors,
    spec_keys,
    spec_machine,
    spec_messages,
)
from tests.witness.edhoc_peer import Party
from tests.witness.spec_contents import (
    ContentRefusedError,
    Firmware,
    Slogan,
    Tariff,
    content_id,
    in_force,
    read_content,
)
from tests.witness.spec_keys import MachineChannel, Maker, RefusedError, ServerPaper
from tests.witness.spec_link import Call, LinkEndedError
from tests.witness.spec_machine import (
    Capability,
    Dialogue,
    NotPossibleError,
    Order,
    Outcome,
    Psd,
    Request,
    SpecMachine,
    State,
)
from tests.witness.spec_messages import Row

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
CONT = json.loads((VECTORS / "cont.json").read_text(encoding="utf-8"))
BY_ID = {vector["id"]: vector for vector in CONT["vectors"]}
MAKER_POINT = bytes.fromhex(CONT["maker_key"]["x"] + CONT["maker_key"]["y"])
MAKER = Maker(MAKER_POINT, "T", "maker")
NOW_S = 1_795_219_200
MALFORMED, UNEXPECTED = 1, 5


def octets_of(vector_id: str) -> bytes:
    return bytes.fromhex(BY_ID[vector_id]["octets"])


def signed_body(
    kind: str, value: dict[str, Any], number: int, *, from_s: int = 0, model: str = ""
) -> bytes:
    body = cont_vectors.canonical(value).encode()
    made = cont_vectors.content("made", kind, body, number, from_s, model=model)
    return bytes.fromhex(made["octets"])


def tariff_of(number: int, day: str, paise: int) -> bytes:
    letter = {**cont_vectors.LETTER, "steps": [{"up_to_g": 20, "paise": [paise]}]}
    said = {"number": number, "valid_from": day, "classes": [letter]}
    midnight_s = cont_vectors.midnight(day)
    value = {**cont_vectors.TARIFF, **said}
    return signed_body("TARIFF", value, number, from_s=midnight_s)


def image(version: int = 2, octets: int = 0, *, boots: bool = True) -> bytes:
    said = {"version": [0, version, 0], "boots": boots, "payload": "ab" * octets}
    return signed_body("FIRMWARE", {**cont_vectors.IMAGE, **said}, version * 256)


def server_structure(key_id: int, **changes: bytes) -> bytes:
    """A SERVER structure of the vectors' server, with a credit key of its own."""
    parts = {
        "front": b"\x01ST\x05",
        "name": b"rmfs.example".ljust(16, b"\x00"),
        "dh": key_vectors.point(key_vectors.scalar("server")),
        "id": bytes([key_id]),
        "credit": key_vectors.point(key_vectors.scalar(f"credit {key_id}")),
        "issued": bytes(3) + bytes([key_id]),
    }
    return b"".join({**parts, **changes}.values())


def credit_key(key_id: int, **changes: bytes) -> bytes:
    body = server_structure(key_id, **changes)
    made = cont_vectors.content("made", "CREDIT_KEY", body, key_id)
    return bytes.fromhex(made["octets"])


# CONT: the vectors.


@pytest.mark.parametrize("vector", CONT["vectors"], ids=lambda v: v["id"])
def test_a_content_is_read_and_named(vector: Any) -> None:
    """CONT-1.1, CONT-1.2."""
    octets = bytes.fromhex(vector["octets"])
    content = read_content(octets, replace(MAKER, realm=vector["realm"]))

    assert (content.kind, content.model, content.number, content.valid_from_s) == (
        cont_vectors.KINDS[vector["kind"]],
        vector["model"],
        vector["number"],
        vector["valid_from"],
    )
    assert content.issued_s == vector["issued"]
    assert f"{content_id(octets):016x}" == vector["content_id"]


@pytest.mark.parametrize("vector", CONT["refused"], ids=lambda v: v["id"])
def test_what_is_no_content_has_the_fault_of_its_vector(vector: Any) -> None:
    """CONT-2.1, CONT-3 to CONT-7."""
    with pytest.raises(ContentRefusedError) as refused:
        read_content(bytes.fromhex(vector["octets"]), MAKER)

    assert refused.value.fault == vector["fault"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"NaN",
        b"[" * 60_000,
        b'{"number":' + b"9" * 5_000 + b"}",
        b'"\\ud800"',
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("kind", [16, 17, 18, 19])
def test_any_octets_under_a_signature_are_refused_in_one_way(
    body: bytes, kind: int
) -> None:
    """CONT-2.2."""
    front = cont_vectors.head(kind, 1, 0, len(body)) + body
    with pytest.raises(ContentRefusedError) as refused:
        read_content(cont_vectors.signed(front), MAKER)

    assert refused.value.fault == "BODY"


def test_a_wrong_body_under_a_wrong_signature_is_not_looked_into() -> None:
    """CONT-2.2."""
    front = cont_vectors.head(17, 1, 0, 1) + b"{"
    with pytest.raises(ContentRefusedError) as refused:
        read_content(cont_vectors.signed(front, maker="another"), MAKER)

    assert refused.value.fault == "SIGNATURE"


def tariff() -> Tariff:
    body = read_content(octets_of("tariff"), MAKER).body
    assert isinstance(body, Tariff)
    return body


@pytest.mark.parametrize("vector", CONT["postage"], ids=lambda v: v["id"])
def test_the_postage_is_the_same(vector: Any) -> None:
    """CONT-8.2."""
    product = tariff().of(vector["class"])

    assert product.postage(vector["weight_g"], vector["zone"]) == vector["paise"]


def test_the_letter_of_the_example_costs_what_it_says() -> None:
    """CONT-8.3."""
    letter = tariff().of(3)

    assert [letter.postage(g) for g in (20, 21, 500)] == [500, 1_000, 12_500]
    for weight_g in (0, 501):
        with pytest.raises(ValueError, match="letter"):
            letter.postage(weight_g)


def test_one_step_without_further_needs_no_scale() -> None:
    """CONT-8.4."""
    letter = tariff().of(3)

    assert not letter.any_weight
    assert replace(letter, further=None).any_weight
    assert not tariff().of(6).any_weight


def test_the_tariff_of_a_day_is_the_latest_that_has_begun() -> None:
    """CONT-8.1: of two from one day the one that was ordered later."""
    first, second = date(2026, 1, 1), date(2026, 7, 1)
    held = [
        replace(tariff(), number=number, valid_from=day)
        for number, day in ((9, first), (4, second), (3, second))
    ]

    def number_on(day: date) -> int | None:
        found = in_force(held, day)
        return found.number if found else None

    assert number_on(date(2025, 12, 31)) is None
    assert number_on(first) == 9
    assert number_on(date(2026, 6, 30)) == 9
    assert number_on(second) == 3


# A server, written out.


class PlainChannel(MachineChannel):
    """A channel that seals nothing; what is sealed is tested with CHAN."""

    def greeting_1(self) -> bytes:
        return b"1"

    def take_greeting_2(self, packet: bytes) -> None:
        self.binding = bytes(32)

    def greeting_3(self, body: bytes) -> bytes:
        return body

    def take_greeting_4(self, packet: bytes) -> bytes:
        return packet

    def seal(self, body: bytes) -> bytes:
        return body

    def open(self, packet: bytes) -> bytes:
        return packet


class PlainMachine(SpecMachine):
    """The outsider's machine on a plain channel."""

    def channel(self) -> MachineChannel:
        nobody = Party(b"", b"", b"")
        return PlainChannel(nobody, nobody, b"")


Part = dict[str, Any]


@dataclass
class Server:
    """Books with orders and contents of one machine; `spoil` changes each CONTENT."""

    orders: list[tuple[Order, int]] = field(default_factory=list)
    contents: dict[int, bytes] = field(default_factory=dict)
    spoil: Callable[[Part], Part] = lambda part: part
    cut_after: int | None = None
    said: list[str] = field(default_factory=list)
    capabilities: int = 0
    goodbye_serial: int | None = None

    def order(self, kind: Order, content: bytes | int) -> None:
        if isinstance(content, bytes):
            self.contents[content_id(content)] = content
            content = content_id(content)
        self.orders.append((kind, content))

    def answers(self, message: bytes) -> list[bytes]:
        if message == b"1":
            return [b"2"]
        name, fields = spec_messages.unpack(message)
        self.said.append(name)
        if name == "STATEMENT":
            self.capabilities = fields["capabilities"]
            return self._receipted(fields)
        if name == "WANT":
            return [self._part(fields["content_id"], fields["offset"])]
        if name == "USAGE":
            ack = {"of_type": 0x12, "number": fields["dial_in"]}
            return [spec_messages.pack("ACK", ack)]
        self.goodbye_serial = fields["order_serial"]
        return []

    def _receipted(self, statement: dict[str, Any]) -> list[bytes]:
        begun = statement["order_serial"]
        waiting = list(enumerate(self.orders, 1))[begun:]
        receipt = {
            "recharge_number": statement["recharge_number"],
            "mark": b"new mark",
            "time": NOW_S,
            "funds_paise": 0,
            "licence_state": 1,
            "orders": len(waiting),
        }
        return [spec_messages.pack("RECEIPT", receipt)] + [
            spec_messages.pack(
                "ORDER", {"order_serial": serial, "order": kind, "value": value}
            )
            for serial, (kind, value) in waiting
        ]

    def _part(self, wanted: int, offset: int) -> bytes:
        content = self.contents.get(wanted, b"")
        part = {
            "content_id": wanted,
            "offset": offset,
            "total": len(content),
            "data": content[offset : offset + 512],
        }
        return spec_messages.pack("CONTENT", self.spoil(part))


class PlainCall(Call):
    """A call whose other end is `Server`, without a link."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiting: deque[bytes] = deque()
        self._parts = 0
        self.error: int | None = None

    def open(self) -> None:
        """Nothing has to be set up."""

    def close(self) -> None:
        """Nor closed."""

    def send(self, message: bytes, *, final: bool = False) -> None:
        if message[0] == spec_keys.ERROR:
            self.error = message[1]
            return
        if message[0] == 0x16:
            if self._parts == self._server.cut_after:
                raise LinkEndedError("cut")
            self._parts += 1
        self._waiting += self._server.answers(message)

    def receive(self, timeout_s: float) -> bytes:
        return self._waiting.popleft()


@dataclass
class Place:
    """A machine, its clocks, and what it stored."""

    machine: PlainMachine
    images: list[str]
    now_s: list[float]

    def dial(self, server: Server) -> Outcome:
        machine = self.machine
        return Dialogue(machine, PlainCall(server), lambda: self.now_s[0]).run()

    def refused(self, server: Server) -> int | None:
        """Dial, and say which ERROR the machine sends."""
        call = PlainCall(server)
        with pytest.raises(RefusedError):
            Dialogue(self.machine, call, lambda: 0.0).run()
        return call.error

    def restarted(self) -> "Place":
        return place(Psd.from_json(self.images[-1]))


PAPER = ServerPaper(
    "T",
    5,
    "rmfs.example",
    key_vectors.point(key_vectors.scalar("server")),
    1,
    key_vectors.point(key_vectors.scalar("credit 1")),
    0,
)


def place(psd: Psd | None = None, offers: Capability = Capability.ALL) -> Place:
    images: list[str] = []
    now_s = [0.0]
    own = psd or Psd(
        "T",
        "N123456",
        "PSD00001",
        key_vectors.scalar("machine").to_bytes(32, "big"),
        key_vectors.scalar("machine signing").to_bytes(32, "big"),
        ascending_paise=0,
        descending_paise=500_000,
        control_total_paise=500_000,
        state=State.IN_SERVICE,
        receipt_s=NOW_S,
        licence_state=1,
    )
    machine = PlainMachine(
        own,
        [PAPER],
        store=images.append,
        entropy=bytes,
        monotonic=lambda: now_s[0],
        wall_clock_s=lambda: NOW_S,
        maker=MAKER,
        offers=offers,
        model="FM 100",
        pin="4711",
    )
    return Place(machine, images, now_s)


# DLG-16: fetching.


def test_parts_are_wanted_in_order_and_the_order_is_applied() -> None:
    """DLG-16.1, DLG-16.2, DLG-16.5: before USAGE, part by part, then those behind."""
    at, server = place(), Server()
    content = image(octets=600)
    server.order(Order.FIRMWARE, content)
    server.order(Order.LOCK, 7)
    at.machine.frank(3, 500)

    assert at.dial(server).complete
    offsets = list(range(0, len(content), 512))
    assert at.machine.wants == [(content_id(content), offset) for offset in offsets]
    assert server.said == ["STATEMENT", *["WANT"] * len(offsets), "USAGE", "GOODBYE"]
    assert at.machine.firmware == (0, 2, 0)
    assert (at.machine.state, server.goodbye_serial) == (State.LOCKED, 2)


def test_a_content_is_wanted_for_the_order_that_is_due_alone() -> None:
    """DLG-16.2: one that stands behind an order that is not possible waits."""
    at, server = place(), Server()
    server.order(Order.CLOCK, 1)
    server.order(Order.SLOGAN, octets_of("slogan"))

    assert at.dial(server).complete
    assert (at.machine.wants, at.machine.psd.order_serial) == ([], 0)


def test_parts_outlive_the_line_and_the_power() -> None:
    """DLG-16.5: what was kept is not wanted again, wherever the line was cut."""
    content = image(octets=900)
    parts = -(-len(content) // 512)
    for cut_after in range(parts):
        at, server = place(), Server(cut_after=cut_after)
        server.order(Order.FIRMWARE, content)
        with pytest.raises(LinkEndedError):
            at.dial(server)
        at = at.restarted()
        assert at.dial(replace(server, cut_after=None)).complete
        assert len(at.machine.wants) == parts - cut_after
        assert at.machine.firmware == (0, 2, 0)


def test_octets_of_another_content_id_are_dropped_and_fetched_anew() -> None:
    """DLG-16.5, DLG-16.6: 512 times at most, and then USAGE goes on."""
    content = octets_of("slogan")

    def spoiled(part: Part) -> Part:
        return {**part, "data": b"X" + part["data"][1:]}

    at, server = place(), Server(spoil=spoiled)
    server.order(Order.SLOGAN, content)
    at.machine.frank(3, 500)
    assert at.dial(server).complete
    assert at.machine.wants == [(content_id(content), 0)] * 512
    assert server.said[-2:] == ["USAGE", "GOODBYE"]
    assert at.machine.psd.order_serial == 0
    assert at.dial(replace(server, spoil=lambda part: part)).complete
    assert at.machine.psd.order_serial == 1


def test_another_total_begins_the_content_anew() -> None:
    """DLG-16.5."""
    content = image(octets=900)
    totals = iter([len(content), len(content), len(content) - 1])

    def changing(part: Part) -> Part:
        return {**part, "total": next(totals, len(content))}

    at, server = place(), Server(spoil=changing)
    server.order(Order.FIRMWARE, content)
    assert at.dial(server).complete
    assert [offset for _, offset in at.machine.wants[:5]] == [0, 512, 1024, 0, 512]
    assert at.machine.psd.order_serial == 1


def test_not_here_ends_the_fetching_of_this_dialogue() -> None:
    """DLG-16.4: the order stays, and the next dial-in asks again."""
    at, server = place(), Server()
    server.order(Order.SLOGAN, octets_of("slogan"))
    server.contents.clear()
    at.machine.frank(3, 500)

    for dialled in (1, 2):
        server.said.clear()
        assert at.dial(server).complete
        assert server.said[:2] == ["STATEMENT", "WANT"]
        assert server.said[-1] == "GOODBYE"
        assert len(at.machine.wants) == dialled
    assert at.machine.psd.order_serial == 0


def test_a_content_that_is_too_large_for_the_machine_is_left() -> None:
    """DLG-16.4."""
    at, server = place(), Server()
    at.machine.held_octets_max = 1_000
    server.order(Order.FIRMWARE, image(octets=900))

    assert at.dial(server).complete
    assert len(at.machine.wants) == 1
    assert (at.machine.psd.fetched, at.machine.psd.order_serial) == (b"", 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"content_id": 1}, UNEXPECTED),
        ({"offset": 512, "total": 1_024}, UNEXPECTED),
        ({"total": 65_537}, MALFORMED),
        ({"offset": 100}, MALFORMED),
        ({"offset": 512, "total": 512}, MALFORMED),
        ({"total": 511, "data": bytes(511) + b"\x01"}, MALFORMED),
        ({"total": 0, "data": b"\x01"}, MALFORMED),
    ],
)
def test_a_content_that_breaks_a_rule_is_answered_with_its_code(
    changes: Part, code: int
) -> None:
    """DLG-16.4."""
    at, server = place(), Server(spoil=lambda part: {**part, **changes})
    server.order(Order.FIRMWARE, image(octets=900))

    assert at.refused(server) == code
    assert (at.machine.psd.fetched, at.machine.psd.order_serial) == (b"", 0)


def test_a_content_that_nobody_wanted_is_unexpected() -> None:
    """DLG-16.4."""
    at = place()

    class Eager(Server):
        def answers(self, message: bytes) -> list[bytes]:
            answers = super().answers(message)
            return [*answers, self._part(1, 0)] if message[0] == 0x10 else answers

    at.machine.frank(3, 500)
    assert at.refused(Eager()) == UNEXPECTED


def test_nothing_is_wanted_ten_minutes_after_the_link_was_set_up() -> None:
    """DLG-16.6: the next dial-in fetches the rest."""
    at = place()

    def slow(part: Part) -> Part:
        at.now_s[0] += 301
        return part

    server = Server(spoil=slow)
    server.order(Order.FIRMWARE, image(octets=900))
    assert at.dial(server).complete
    assert len(at.machine.wants) == 2
    assert at.dial(server).complete
    assert [offset for _, offset in at.machine.wants] == [0, 512, 1_024, 1_536]


# DLG-10: the orders.


def taken(at: Place, kind: Order, content: bytes | int) -> bool:
    """Dial with one more order; whether it is applied."""
    serial = at.machine.psd.order_serial
    server = Server([(Order.NOTHING, 0)] * serial)
    server.order(kind, content)
    assert at.dial(server).complete
    assert Psd.from_json(at.images[-1]) == at.machine.psd
    return at.machine.psd.order_serial == serial + 1


@pytest.mark.parametrize(
    ("offers", "expected"),
    [(Capability.ALL, 0x2F), (Capability.NONE, 0), (Capability.LIMITS, 0x20)],
)
def test_the_statement_lists_what_is_offered(offers: Capability, expected: int) -> None:
    """DLG-11.2, DLG-10.6."""
    server = Server()
    place(offers=offers).dial(server)

    assert server.capabilities == expected


@pytest.mark.parametrize("kind", sorted(spec_machine.NEEDED))
def test_an_order_that_was_not_offered_waits_with_all_behind_it(kind: Order) -> None:
    """DLG-10.1: and is fetched by nobody."""
    at, server = place(offers=Capability.NONE), Server()
    server.order(kind, octets_of("slogan") if kind >= Order.TARIFF else 1)
    server.order(Order.LOCK, 1)

    assert at.dial(server).complete
    assert (at.machine.psd.order_serial, at.machine.wants) == (0, [])
    assert at.machine.state is State.IN_SERVICE


def test_limits_bound_franks_and_recharges() -> None:
    """DLG-10.8: each replaces the one before it; 0 is none."""
    at = place()
    assert taken(at, Order.FRANK_LIMIT, 1_000)
    at.machine.frank(3, 1_000)
    with pytest.raises(NotPossibleError):
        at.machine.frank(3, 1_001)
    assert taken(at, Order.FUNDS_LIMIT, 600_000)
    at.machine.connect_line(NoLine())
    with pytest.raises(NotPossibleError):
        at.machine.dial(Request.RECHARGE, 110_000)
    assert at.machine.psd.pending == Request.INSPECTION

    assert taken(at, Order.FRANK_LIMIT, 0)
    assert taken(at, Order.FUNDS_LIMIT, 0)
    at.machine.frank(3, 1_001)
    assert not taken(at, Order.FRANK_LIMIT, 2**53)
    assert not taken(at, Order.FUNDS_LIMIT, 2**53)


class NoLine:
    """A line that nobody may use."""

    def send(self, octets: bytes) -> None:
        raise AssertionError(octets)

    def receive(self, timeout_s: float) -> bytes:
        raise AssertionError(timeout_s)

    def close(self) -> None:
        """Nothing was open."""


def test_a_clock_that_would_jump_waits_for_the_supervisor() -> None:
    """DLG-10.3, DLG-10.11."""
    at = place()
    assert not taken(at, Order.CLOCK, NOW_S + 86_401)
    assert at.machine.enter_pin("4711")
    assert taken(at, Order.CLOCK, NOW_S + 86_401)
    assert at.machine.now_s() == NOW_S + 86_401
    assert not taken(at, Order.CLOCK, 0)
    assert not taken(at, Order.CLOCK, 2**32)


def test_a_new_machine_takes_any_clock() -> None:
    """DLG-10.3: its STATEMENT said INSTALLED."""
    at = place(replace(place().machine.psd, state=State.INSTALLED))

    assert taken(at, Order.CLOCK, NOW_S - 10 * 86_400)
    assert not taken(at, Order.CLOCK, NOW_S)


def test_a_call_is_due_until_a_receipt_is_not_before_it() -> None:
    """DLG-10.5."""
    at = place()
    assert taken(at, Order.NEXT_CALL, NOW_S + 1)
    assert taken(at, Order.NOTHING, 0)
    assert at.machine.psd.next_call_s == NOW_S + 1
    assert taken(at, Order.NEXT_CALL, NOW_S)
    assert taken(at, Order.NOTHING, 0)
    assert at.machine.psd.next_call_s == 0
    assert not taken(at, Order.NEXT_CALL, 2**32)


def test_a_tariff_that_was_taken_gives_the_postage_of_its_days() -> None:
    """DLG-10.9, CONT-8.1."""
    at = place()
    with pytest.raises(NotPossibleError):
        at.machine.frank_mail(3, 20)
    assert taken(at, Order.TARIFF, octets_of("tariff"))
    assert at.machine.frank_mail(3, 21) == 1_000
    assert taken(at, Order.TARIFF, tariff_of(8, "2026-11-22", 600))
    assert at.machine.frank_mail(3, 20) == 500
    assert taken(at, Order.CLOCK, NOW_S + 86_400)
    assert at.machine.frank_mail(3, 20) == 600
    assert at.machine.psd.usage == {3: Row(3, 2_100)}


def test_a_slogan_replaces_the_one_of_its_number_until_it_is_removed() -> None:
    """DLG-10.10, CONT-5."""
    at = place()
    other = {**cont_vectors.SLOGAN, "lines": ["PLANT TREES"]}
    assert taken(at, Order.SLOGAN, octets_of("slogan"))
    assert taken(at, Order.SLOGAN, signed_body("SLOGAN", other, 2))
    assert at.machine.slogans == {2: Slogan(2, "Save water", ("PLANT TREES",), 0)}
    assert taken(at, Order.SLOGAN_OFF, 3)
    assert list(at.machine.slogans) == [2]
    assert taken(at, Order.SLOGAN_OFF, 2)
    assert at.machine.slogans == {}


def test_an_image_that_does_not_start_leaves_the_firmware_that_ran() -> None:
    """CONT-6."""
    at = place()
    assert taken(at, Order.FIRMWARE, image(3, boots=False))
    assert at.machine.firmware == (1, 0, 0)
    assert taken(at, Order.FIRMWARE, image(3))
    assert at.machine.firmware == (0, 3, 0)
    body = read_content(at.machine.psd.firmware, MAKER).body
    assert body == Firmware((0, 3, 0), boots=True, payload=b"")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (Order.SLOGAN, octets_of("tariff")),
        (Order.SLOGAN, octets_of("slogan")[:-1] + b"\x00"),
        (Order.SLOGAN, b"?"),
        (Order.TARIFF, octets_of("tariff-of-production-for-one-model")),
        (
            Order.SLOGAN,
            signed_body("SLOGAN", cont_vectors.SLOGAN, 2, model="FM 200"),
        ),
    ],
)
def test_a_content_that_cannot_be_used_holds_back_what_is_behind(
    kind: Order, content: bytes
) -> None:
    """DLG-10.9, DLG-10.11, CONT-2.3: until the server takes the order back."""
    at, server = place(), Server()
    server.order(kind, content)
    server.order(Order.LOCK, 1)
    for _ in range(2):
        assert at.dial(server).complete
        assert (at.machine.state, at.machine.psd.order_serial) == (State.IN_SERVICE, 0)
    assert len(at.machine.wants) == -(-len(content) // 512), "fetched once"

    server.orders[0] = (Order.NOTHING, 0)
    assert at.dial(server).complete
    assert (at.machine.state, at.machine.psd.order_serial) == (State.LOCKED, 2)


def test_a_content_for_the_own_model_is_taken() -> None:
    """CONT-2.3."""
    content = signed_body("SLOGAN", cont_vectors.SLOGAN, 2, model="FM 100")

    assert taken(place(), Order.SLOGAN, content)


def test_an_order_applied_before_it_was_taken_back_stays_in_force() -> None:
    """DLG-10.7, DLG-10.11."""
    at = place()
    assert taken(at, Order.LOCK, 1)
    at.machine.take_order({"order_serial": 1, "order": Order.NOTHING, "value": 0})

    assert (at.machine.state, at.machine.psd.order_serial) == (State.LOCKED, 1)


# KEY-8: credit keys.


def voucher(key_id: int, at: Place) -> bytes:
    psd = at.machine.psd
    fields = {
        "kind": 1,
        "licence": b"N123456",
        "credential_hash": hashlib.sha256(psd.ccs).digest()[:8],
        "recharge_number": psd.recharge_number + 1,
        "amount_paise": 10_000,
        "control_total_before_paise": psd.control_total_paise,
        "control_total_after_paise": psd.control_total_paise + 10_000,
        "time": NOW_S,
        "credit_key": key_id,
        "signature": bytes(64),
    }
    front = spec_messages.pack("VOUCHER", fields)[:-64]
    scalar = key_vectors.scalar(f"credit {key_id}").to_bytes(32, "big")
    return front + spec_keys.sign(scalar, "VOUCHER", "T", front)


def test_vouchers_of_a_new_key_are_applied_and_of_a_retired_one_not() -> None:
    """KEY-8.6, KEY-8.7, KEY-8.5."""
    at = place()
    with pytest.raises(RefusedError):
        at.machine.apply_voucher(voucher(2, at))
    assert taken(at, Order.CREDIT_KEY, octets_of("credit-key"))
    assert taken(at, Order.RETIRE_CREDIT_KEY, 1)
    at = at.restarted()
    at.machine.apply_voucher(voucher(2, at))
    with pytest.raises(RefusedError):
        at.machine.apply_voucher(voucher(1, at))
    assert at.machine.psd.recharge_number == 1


def test_the_last_credit_key_stays() -> None:
    """KEY-8.7; an id that is not held changes nothing (DLG-10.10)."""
    at = place()
    assert taken(at, Order.RETIRE_CREDIT_KEY, 2)
    assert taken(at, Order.RETIRE_CREDIT_KEY, 300)
    assert not taken(at, Order.RETIRE_CREDIT_KEY, 1)
    assert list(at.machine.credit_keys) == [1]


@pytest.mark.parametrize(
    "changes",
    [
        {"front": b"\x01ST\x06"},
        {"name": b"rmfs.examples".ljust(16, b"\x00")},
        {"dh": key_vectors.point(key_vectors.scalar("another"))},
    ],
)
def test_a_credit_key_of_another_server_is_not_taken(
    changes: dict[str, bytes],
) -> None:
    """KEY-8.6."""
    at = place()

    assert not taken(at, Order.CREDIT_KEY, credit_key(2, **changes))
    assert list(at.machine.credit_keys) == [1]


def test_another_key_under_an_id_that_is_held_is_not_taken() -> None:
    """KEY-8.6; the same key under its id changes nothing."""
    at = place()
    other = key_vectors.point(key_vectors.scalar("another"))

    assert not taken(at, Order.CREDIT_KEY, credit_key(1, credit=other))
    assert taken(at, Order.CREDIT_KEY, credit_key(1))
    assert at.machine.credit_keys == {1: PAPER.credit_point}


def test_a_psd_holds_four_credit_keys() -> None:
    """KEY-8.5."""
    at = place()
    for key_id in (2, 3, 4):
        assert taken(at, Order.CREDIT_KEY, credit_key(key_id))
    assert not taken(at, Order.CREDIT_KEY, credit_key(5))
    assert taken(at, Order.RETIRE_CREDIT_KEY, 3)
    assert taken(at, Order.CREDIT_KEY, credit_key(5))
    assert list(at.machine.credit_keys) == [1, 2, 4, 5]


# DLG-4.9, DLG-4.10: states.


@pytest.mark.parametrize("way", ["PINs", "vouchers"])
@pytest.mark.parametrize(
    "state", [State.INSTALLED, State.IN_SERVICE, State.LOCKED], ids=lambda s: s.name
)
def test_a_psd_that_was_tried_too_often_is_locked_out_until_an_order(
    way: str, state: State
) -> None:
    """DLG-4.10, DLG-10.4: neither a dial-in nor a PIN lifts it; nor a lock with it."""
    at = place(replace(place().machine.psd, state=state))
    for _ in range(5):
        assert at.machine.state is state
        if way == "PINs":
            assert not at.machine.enter_pin("0000")
        else:
            with pytest.raises(RefusedError):
                at.machine.apply_voucher(voucher(2, at))
    assert at.machine.state is State.LOCKED_OUT
    assert not at.machine.enter_pin("4711")
    with pytest.raises(NotPossibleError):
        at.machine.frank(3, 500)
    assert taken(at, Order.LOCK, 1)
    assert at.machine.state is State.LOCKED_OUT

    at.machine.apply_voucher(voucher(1, at))
    assert taken(at, Order.UNLOCK, 0)
    assert State(at.machine.psd.state) is State.LOCKED
    assert taken(at, Order.UNLOCK, 0)
    assert State(at.machine.psd.state) is State.IN_SERVICE
    assert not at.machine.enter_pin("0000")
    at.machine.frank(3, 500)


def test_those_that_are_right_in_between_are_not_in_a_row() -> None:
    """DLG-4.10."""
    at = place()
    for _ in range(5):
        assert not at.machine.enter_pin("0000")
        assert at.machine.enter_pin("4711")

    assert at.machine.state is State.IN_SERVICE


def test_a_machine_that_is_withheld_is_locked_and_unlocked_as_any_other() -> None:
    """DLG-4.7, DLG-4.9: after UNLOCK it is WITHHELD again, not IN_SERVICE."""
    machine = place(replace(place().machine.psd, licence_state=4)).machine
    states = [machine.state]
    for serial, kind in enumerate((Order.LOCK, Order.UNLOCK), 1):
        machine.take_order({"order_serial": serial, "order": kind, "value": 0})
        states.append(machine.state)

    assert states == [State.WITHHELD, State.LOCKED, State.WITHHELD]
