"""A machine written from SPEC.md alone, against every vector of `protocol/vectors/`.

It shares no code with the product (tests/house/test_witnesses.py), so each vector that
it meets shows that the text is enough to meet it.
"""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.witness import (
    spec_keys,
    spec_link,
    spec_machine,
    spec_messages,
)
from tests.witness.edhoc_peer import Party
from tests.witness.spec_keys import (
    Direction,
    MachineChannel,
    Maker,
    PeerError,
    ProvisioningError,
    RefusedError,
)
from tests.witness.spec_link import (
    ADDRESS_A,
    ADDRESS_B,
    Assembler,
    Deframer,
    Frame,
    Kind,
    MachineLink,
)
from tests.witness.spec_link import State as LinkState
from tests.witness.spec_machine import (
    Order,
    Psd,
    Request,
    SpecMachine,
    State,
    Voucher,
)
from tests.witness.spec_messages import Row

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


LINK = load("link.json")["vectors"]
CHANNELS = load("chan.json")["channels"]
KEY = load("key.json")
DLG = load("dlg.json")["vectors"]
MESSAGES = [vector for vector in DLG if "message" in vector]
DAMAGED = {"LINK-V21", "LINK-V22"}


# link.json


@pytest.mark.parametrize("vector", LINK, ids=lambda v: v["id"])
def test_the_frames_are_found_in_the_octets(vector: Any) -> None:
    frames = Deframer(vector["accm"]).take(bytes.fromhex(vector["octets"]))

    assert [frame.hex() for frame in frames] == vector["frames"]


@pytest.mark.parametrize(
    "vector", [v for v in LINK if v["id"] not in DAMAGED], ids=lambda v: v["id"]
)
def test_the_octets_are_made_from_the_frames(vector: Any) -> None:
    frames = [bytes.fromhex(frame) for frame in vector["frames"]]
    octets = b"\x7e".join(spec_link.stuff(frame, vector["accm"]) for frame in frames)

    assert (b"\x7e" + octets + b"\x7e").hex() == vector["octets"]


@pytest.mark.parametrize("vector", LINK, ids=lambda v: v["id"])
def test_a_frame_that_was_read_is_written_again_alike(vector: Any) -> None:
    modulus = vector.get("modulus", 8)
    for octets in map(bytes.fromhex, vector["frames"]):
        frame = spec_link.decode(octets, modulus)

        assert frame is not None
        assert frame.encode(modulus) == octets


@pytest.mark.parametrize(
    ("number", "frame"),
    [
        (1, Frame(ADDRESS_B, Kind.SABM, pf=True)),
        (2, Frame(ADDRESS_B, Kind.UA, pf=True)),
        (3, Frame(ADDRESS_B, Kind.DISC)),
        (4, Frame(ADDRESS_B, Kind.UA)),
        (5, Frame(ADDRESS_B, Kind.DM, pf=True)),
        (6, Frame(ADDRESS_B, Kind.I, ns=3, nr=5, information=b"\x03hi")),
        (7, Frame(ADDRESS_A, Kind.I, pf=True, ns=7, information=b"\x03\x00")),
        (13, Frame(ADDRESS_B, Kind.SREJ, nr=1)),
        (14, Frame(ADDRESS_B, Kind.REJ, nr=1)),
        (16, Frame(ADDRESS_B, Kind.RNR, nr=5)),
        (17, Frame(ADDRESS_B, Kind.FRMR, information=bytes.fromhex("210008"))),
        (19, Frame(ADDRESS_B, Kind.I, pf=True, ns=100, nr=127, information=b"\x03!")),
        (20, Frame(ADDRESS_B, Kind.RR, pf=True, nr=64)),
    ],
)
def test_a_frame_means_what_its_vector_says(number: int, frame: Frame) -> None:
    vector = LINK[number - 1]
    octets = bytes.fromhex(vector["frames"][0])

    assert spec_link.decode(octets, vector.get("modulus", 8)) == frame


def test_a_message_in_three_segments_is_put_together() -> None:
    vector = LINK[11]
    assembler = Assembler()
    for octets in map(bytes.fromhex, vector["frames"]):
        frame = spec_link.decode(octets)
        assert frame is not None
        assert assembler.take(frame.information)

    assert [m.hex() for m in assembler.messages] == vector["messages"]
    assert spec_link.segments(b"abcdef", 2) == [b"\x01ab", b"\x00cd", b"\x02ef"]


def test_the_check_value_of_the_fcs() -> None:
    assert spec_link.fcs16(b"123456789") == 0x906E


# LINK procedures: a scripted server.


def connected() -> MachineLink:
    link = MachineLink()
    link.dial(0.0)
    assert link.octets_to_send().hex() == LINK[0]["octets"]
    link.receive(bytes.fromhex(LINK[1]["octets"]), 0.1)
    assert link.state is LinkState.CONNECTED
    return link


def hear(link: MachineLink, *frames: Frame, now: float = 0.2) -> None:
    for frame in frames:
        link.receive(b"\x7e" + spec_link.stuff(frame.encode()) + b"\x7e", now)


def said(link: MachineLink) -> list[Frame | None]:
    return [spec_link.decode(f) for f in Deframer().take(link.octets_to_send())]


def server_i(ns: int, information: bytes, *, pf: bool = False) -> Frame:
    return Frame(ADDRESS_A, Kind.I, pf, ns, 0, information)


def test_set_up_is_repeated_nine_times_in_all() -> None:
    link = MachineLink()
    link.dial(0.0)
    while link.deadline is not None:
        link.tick(link.deadline)

    assert said(link) == [Frame(ADDRESS_B, Kind.SABM, pf=True)] * 9
    assert link.state is LinkState.DISCONNECTED


def test_a_machine_with_nothing_to_say_acknowledges_the_set_up() -> None:
    link = connected()
    link.tick(0.6)

    assert said(link) == [Frame(ADDRESS_A, Kind.RR)]


def test_a_frame_without_an_answer_is_repeated_and_polled() -> None:
    link = connected()
    link.send(b"hello", 0.2)
    first = said(link)
    due = link.deadline
    assert due is not None
    link.tick(due)

    assert said(link) == [*first, Frame(ADDRESS_B, Kind.RR, pf=True)]
    hear(link, Frame(ADDRESS_B, Kind.RR, pf=True, nr=1), now=due + 0.1)
    assert link.deadline == pytest.approx(due + 0.1 + spec_link.T3_S)


@pytest.mark.parametrize("kind", [Kind.REJ, Kind.SREJ])
def test_what_a_server_rejects_is_repeated(kind: Kind) -> None:
    link = connected()
    link.send(bytes(600), 0.2)
    sent = said(link)
    hear(link, Frame(ADDRESS_B, kind, nr=1))
    repeated = said(link)

    poll = Frame(ADDRESS_B, Kind.RR, pf=True)
    assert repeated == [*(sent[1:] if kind is Kind.REJ else sent[1:2]), poll]


def test_a_gap_is_asked_for_once_and_filled() -> None:
    link = connected()
    hear(link, server_i(0, b"\x03a"), server_i(2, b"\x03c"), server_i(3, b"\x03d"))
    assert said(link) == [Frame(ADDRESS_A, Kind.SREJ, nr=1)]
    assert list(link.messages) == [b"a"]

    hear(link, server_i(1, b"\x03b"))
    assert list(link.messages) == [b"a", b"b", b"c", b"d"]


def test_an_answer_to_a_poll_names_the_gap() -> None:
    link = connected()
    hear(link, server_i(1, b"\x03b"), server_i(3, b"\x03d"))
    said(link)
    hear(link, Frame(ADDRESS_A, Kind.RR, pf=True))

    assert said(link) == [
        Frame(ADDRESS_A, Kind.SREJ, nr=2),
        Frame(ADDRESS_A, Kind.SREJ, pf=True, nr=0),
    ]


def test_a_frame_received_before_is_not_delivered_twice() -> None:
    link = connected()
    hear(link, server_i(0, b"\x03a"), server_i(0, b"\x03a", pf=True))

    assert list(link.messages) == [b"a"]
    assert said(link) == [Frame(ADDRESS_A, Kind.RR, pf=True, nr=1)]


def test_a_poll_vouches_for_what_was_sent_behind_it() -> None:
    link = connected()
    link.send(bytes(600), 0.2)
    hear(link, Frame(ADDRESS_B, Kind.SREJ, nr=1))
    said(link)
    link.send(b"more", 0.3)
    said(link)
    hear(link, Frame(ADDRESS_B, Kind.SREJ, nr=3))
    assert said(link) == []
    hear(link, Frame(ADDRESS_B, Kind.SREJ, pf=True, nr=1))

    repeated = said(link)
    assert [(f.kind, f.ns) for f in repeated if f] == [(Kind.I, 1), (Kind.RR, 0)]


@pytest.mark.parametrize(
    ("information", "reason"), [(b"", 0), (b"\x03", 0), (b"\x00a", 0), (b"\x07a", 0)]
)
def test_a_segment_out_of_order_is_rejected(information: bytes, reason: int) -> None:
    link = connected()
    hear(link, server_i(0, information))

    rejection = bytes([0x00, 0x20, reason])
    assert said(link) == [Frame(ADDRESS_A, Kind.FRMR, information=rejection)]


def test_a_message_that_is_too_long_is_rejected() -> None:
    link = connected()
    for number in range(17):
        segment = bytes([number == 0]) + bytes(255)
        hear(link, server_i(number % 8, segment))

    assert not link.up
    last = said(link)[-1]
    assert last is not None
    assert (last.kind, last.information[2]) == (Kind.FRMR, 4)


def test_a_busy_server_is_polled_and_not_sent_to() -> None:
    link = connected()
    hear(link, Frame(ADDRESS_B, Kind.RNR))
    link.send(b"x", 0.3)
    link.tick(0.7)
    assert said(link) == [Frame(ADDRESS_A, Kind.RR)]
    assert link.deadline is not None
    link.tick(link.deadline)
    assert said(link) == [Frame(ADDRESS_B, Kind.RR, pf=True)]
    hear(link, Frame(ADDRESS_B, Kind.RNR, pf=True))
    assert said(link) == []
    hear(link, Frame(ADDRESS_B, Kind.RR))

    assert said(link) == [Frame(ADDRESS_B, Kind.I, information=b"\x03x")]


def test_an_impossible_acknowledgement_is_rejected() -> None:
    link = connected()
    hear(link, Frame(ADDRESS_A, Kind.RR, nr=1))

    rejection = Frame(ADDRESS_A, Kind.FRMR, information=bytes.fromhex("210008"))
    assert said(link) == [rejection]
    assert link.state is LinkState.DISCONNECTED


def test_a_set_up_within_a_link_ends_it() -> None:
    link = connected()
    hear(link, Frame(ADDRESS_A, Kind.SABM, pf=True))

    assert said(link) == [Frame(ADDRESS_A, Kind.UA, pf=True)]
    assert not link.up


def test_an_orderly_close_waits_for_the_last_acknowledgement() -> None:
    link = connected()
    link.send(b"bye", 0.2, final=True)
    link.close(0.2)
    last = Frame(ADDRESS_B, Kind.I, pf=True, information=b"\x03bye")
    assert said(link) == [last]
    hear(link, Frame(ADDRESS_B, Kind.RR, pf=True, nr=1))
    assert said(link) == [Frame(ADDRESS_B, Kind.DISC)]
    hear(link, Frame(ADDRESS_B, Kind.UA))

    assert link.state is LinkState.DISCONNECTED
    assert link.deadline is None


# chan.json


def party(end: Any) -> Party:
    ccs = bytes.fromhex(end["ccs"])
    x = ccs[-67:-35]
    return Party(bytes.fromhex(end["kid"]), ccs, x, bytes.fromhex(end["dh_private"]))


def greeted(vector: Any) -> MachineChannel:
    server = replace(party(vector["server"]), private=b"")
    ephemeral = bytes.fromhex(vector["machine_ephemeral"])
    channel = MachineChannel(party(vector["machine"]), server, ephemeral)
    channel.greeting_1()
    channel.take_greeting_2(bytes.fromhex(vector["packets"][1]["packet"]))
    return channel


@pytest.mark.parametrize("vector", CHANNELS, ids=lambda v: v["name"])
def test_the_credentials_are_built_to_the_octet(vector: Any) -> None:
    for end in (vector["machine"], vector["server"]):
        ccs = bytes.fromhex(end["ccs"])
        kid, realm = bytes.fromhex(end["kid"]), chr(ccs[3])
        point = spec_keys.public_point(bytes.fromhex(end["dh_private"]))
        name = ccs[5 : 3 + ccs[2] - 0x60].decode()
        if len(kid) == 7:
            built = spec_keys.machine_ccs(realm, kid.decode(), name, point)
        else:
            built = spec_keys.server_ccs(realm, name, kid[0], point)

        assert built == ccs


@pytest.mark.parametrize("vector", CHANNELS, ids=lambda v: v["name"])
def test_every_packet_of_a_channel_is_made_and_read(vector: Any) -> None:
    channel = greeted(vector)
    assert channel.greeting_1().hex() == vector["packets"][0]["packet"]
    channel.take_greeting_2(bytes.fromhex(vector["packets"][1]["packet"]))
    assert channel.binding.hex() == vector["exported"]["binding"]

    for step in vector["packets"][2:]:
        packet, body = bytes.fromhex(step["packet"]), bytes.fromhex(step["body"])
        if step["name"] == "GREETING_3":
            assert channel.greeting_3(body) == packet
        elif step["name"] == "GREETING_4":
            assert channel.take_greeting_4(packet) == body
        elif step["from"] == "machine":
            assert channel.seal(body) == packet
        else:
            assert channel.open(packet) == body


@pytest.mark.parametrize("vector", CHANNELS, ids=lambda v: v["name"])
def test_every_value_of_a_handshake_is_the_same(vector: Any) -> None:
    edhoc = greeted(vector)._edhoc
    for name in ("th_2", "th_3", "th_4", "prk_2e", "prk_3e2m", "prk_4e3m", "prk_out"):
        assert getattr(edhoc, name).hex() == vector[name], name
    for name, of in load("chan.json")["labels"].items():
        exported = edhoc.exporter(of["label"], b"", of["length"])
        assert exported.hex() == vector["exported"][name], name


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        ("", 1),
        ("0a", 1),
        ("05", 5),
        ("02" + "00" * 44, 1),
        ("0500000011223344556677aa", 5),
        ("02582c" + "00" * 43, 2),
        ("02582b" + "ff" * 43, 2),
    ],
)
def test_a_packet_that_breaks_a_rule_is_answered_with_its_code(
    packet: str, code: int
) -> None:
    vector = CHANNELS[0]
    channel = MachineChannel(
        party(vector["machine"]), party(vector["server"]), bytes(31) + b"\x01"
    )
    channel.greeting_1()
    with pytest.raises(RefusedError) as refused:
        channel.take_greeting_2(bytes.fromhex(packet))

    assert refused.value.code == code


def test_an_error_is_never_answered() -> None:
    with pytest.raises(PeerError) as error:
        spec_keys.open_packet(b"\x0e\x03", spec_keys.RECORD)

    assert error.value.code == 3


@pytest.mark.parametrize("spoiled", ["counter", "tag", "type"])
def test_a_record_that_was_touched_is_refused(spoiled: str) -> None:
    record = Direction(bytes(16), bytes(13)).seal(0x05, b"body")
    reader = Direction(bytes(16), bytes(13), counter=1 if spoiled == "counter" else 0)
    if spoiled == "tag":
        record = record[:-1] + bytes([record[-1] ^ 1])
    with pytest.raises(RefusedError) as refused:
        reader.open(0x04 if spoiled == "type" else 0x05, record)

    assert refused.value.code == 4


# key.json


@pytest.mark.parametrize("vector", KEY["signatures"])
def test_signatures_are_made_and_verified(vector: Any) -> None:
    scalar, octets = (bytes.fromhex(vector[n]) for n in ("private", "octets"))
    context, realm = vector["context"], vector["realm"]
    signature = bytes.fromhex(vector["signature"])
    point = spec_keys.public_point(scalar)

    assert spec_keys.covered(context, realm, octets).hex() == vector["covered"]
    assert spec_keys.sign(scalar, context, realm, octets) == signature
    assert spec_keys.verifies(point, context, realm, octets, signature)
    other = "P" if realm == "T" else "T"
    assert not spec_keys.verifies(point, context, other, octets, signature)


def maker(realm: str = "T") -> Maker:
    return Maker(
        spec_keys.public_point(bytes.fromhex(KEY["maker_key"]["private"])),
        realm,
        KEY["maker_key"]["name"],
    )


def believe(document: Any, *, by: Maker | None = None) -> spec_keys.Paper:
    known = by or maker()
    text = json.dumps(document).encode()
    return spec_keys.read_file(text, {known.fingerprint: known})


@pytest.mark.parametrize("name", ["machine_file", "server_file"])
def test_a_provisioning_file_is_read_and_made_again(name: str) -> None:
    document = KEY[name]
    paper = believe(document)
    scalar = bytes.fromhex(KEY["maker_key"]["private"])

    assert paper.octets().hex() == document["signed_octets"]
    assert spec_keys.write_file(paper, scalar, "Maker") == document


@pytest.mark.parametrize(
    "change",
    [
        {"items": 618},
        {"items": 617.0},
        {"version": True},
        {"more": 1},
        {"signature": "00" * 64},
        {"signed_octets": "014D"},
        {"maker": {"name": "Maker", "fingerprint": "00" * 32}},
        {"maker": {**KEY["machine_file"]["maker"], "name": "Another"}},
    ],
)
def test_a_file_that_was_touched_is_not_believed(change: Any) -> None:
    with pytest.raises(ProvisioningError):
        believe({**KEY["machine_file"], **change})


def test_a_file_of_another_realm_than_its_makers_is_not_believed() -> None:
    with pytest.raises(ProvisioningError):
        believe(KEY["machine_file"], by=maker("P"))


def test_the_stored_identity_is_the_same() -> None:
    machine = KEY["machine"]
    identity = spec_keys.stored_identity(
        "T",
        "N123456",
        "PSD00001",
        1,
        dh_scalar=bytes.fromhex(machine["dh_private"]),
        signing_scalar=bytes.fromhex(machine["signing_private"]),
    )

    assert identity.hex() == machine["image"]


def test_the_credential_hashes_are_the_same() -> None:
    for end in ("machine", "server"):
        ccs = bytes.fromhex(KEY[end]["ccs"])
        assert spec_keys.credential_hash(ccs).hex() == KEY[end]["credential_hash"]


# dlg.json


def fields_of(vector: Any) -> dict[str, Any]:
    return {
        name: bytes.fromhex(value) if isinstance(value, str) else value
        for name, value in vector["fields"].items()
    }


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda v: v["id"])
def test_messages_are_packed_and_read(vector: Any) -> None:
    octets = bytes.fromhex(vector["octets"])

    assert spec_messages.pack(vector["message"], fields_of(vector)) == octets
    assert spec_messages.unpack(octets) == (vector["message"], fields_of(vector))


@pytest.mark.parametrize(
    "vector", [v for v in MESSAGES if "private_scalar" in v], ids=lambda v: v["id"]
)
def test_messages_are_signed(vector: Any) -> None:
    _, context, realm = vector["context"].split()
    before = bytes.fromhex(vector["signed_octets_before_message"])
    octets = bytes.fromhex(vector["octets"])
    scalar = bytes.fromhex(vector["private_scalar"])

    made = spec_keys.sign(scalar, context, realm, before + octets[:-64])
    assert made == octets[-64:]


def test_the_usage_digest_is_the_same() -> None:
    vector = next(v for v in DLG if v["id"] == "usage-digest")
    table = {row["class"]: Row(row["items"], row["paise"]) for row in vector["rows"]}

    assert spec_messages.usage_digest(table).hex() == vector["digest"]


def test_the_content_id_is_the_same() -> None:
    vector = next(v for v in DLG if v["id"] == "content-id")
    digest = sha256(bytes.fromhex(vector["content"])).digest()
    ordered = next(v for v in DLG if v["id"] == "order-tariff")

    assert digest[:8].hex() == vector["content_id"]
    assert int.from_bytes(digest[:8], "big") == ordered["fields"]["value"]


def test_the_parts_join_to_the_content() -> None:
    vector = next(v for v in DLG if v["id"] == "content-id")
    parts = [
        fields_of(v) for v in DLG if v["id"] in {"content-part", "content-last-part"}
    ]
    joined = b"".join(part["data"] for part in parts)

    assert joined[: parts[0]["total"]].hex() == vector["content"]
    assert not any(joined[parts[0]["total"] :])


def test_a_usage_report_is_the_same() -> None:
    vector = next(v for v in DLG if v["id"] == "usage")
    table = {3: Row(40, 120000), 7: Row(2, 4000)}

    assert spec_machine.usage_messages(12, table) == [bytes.fromhex(vector["octets"])]


def test_nine_rows_make_three_parts() -> None:
    parts = spec_machine.usage_messages(1, {n: Row(n, n) for n in range(1, 10)})
    fields = [spec_messages.unpack(part)[1] for part in parts]

    assert [(f["part"], f["parts"], f["class_1"], f["class_4"]) for f in fields] == [
        (1, 3, 1, 4),
        (2, 3, 5, 8),
        (3, 3, 9, 0),
    ]


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        ("1418070f6e5d4c3b2a000000", 1),
        ("21000000052402000000000000000000", 1),
        ("2100000005020000200000000000000001", 1),
        ("210000000502000020000000000000" + "01", 1),
        ("3f", 5),
    ],
)
def test_a_message_that_breaks_a_rule_is_answered_with_its_code(
    octets: str, code: int
) -> None:
    with pytest.raises(RefusedError) as refused:
        spec_messages.unpack(bytes.fromhex(octets))

    assert refused.value.code == code


# REG: the checks of a PSD.


CREDIT_SCALAR = bytes.fromhex("22" * 32)


def machine_of_the_vectors(**registers: Any) -> SpecMachine:
    """The machine of key.json with the registers before voucher-recharge."""
    stored: list[str] = []
    paper = believe(KEY["server_file"])
    assert isinstance(paper, spec_keys.ServerPaper)
    point = spec_keys.public_point(CREDIT_SCALAR)
    psd = Psd(
        "T",
        "N123456",
        "PSD00001",
        bytes.fromhex(KEY["machine"]["dh_private"]),
        bytes.fromhex(KEY["machine"]["signing_private"]),
        ascending_paise=124000,
        descending_paise=200000,
        control_total_paise=324000,
        recharge_number=4,
        state=State.IN_SERVICE,
        receipt_s=1795219200,
        pending=Request.RECHARGE,
        pending_paise=200000,
        usage={3: Row(42, 124000)},
    )
    return SpecMachine(
        replace(psd, **registers),
        [replace(paper, credit_key_id=1, credit_point=point)],
        store=stored.append,
        entropy=bytes,
        monotonic=lambda: 0.0,
        wall_clock_s=lambda: 1795219200,
    )


def voucher(**changes: Any) -> bytes:
    fields = fields_of(next(v for v in DLG if v["id"] == "voucher-recharge"))
    fields["credential_hash"] = bytes.fromhex(KEY["machine"]["credential_hash"])
    front = spec_messages.pack("VOUCHER", {**fields, **changes})[:-64]
    return front + spec_keys.sign(CREDIT_SCALAR, "VOUCHER", "T", front)


def test_a_voucher_in_order_is_applied_once() -> None:
    machine = machine_of_the_vectors()

    assert machine.apply_voucher(voucher()) is Voucher.RECHARGE
    psd = machine.psd
    assert (psd.descending_paise, psd.control_total_paise) == (400000, 524000)
    assert (psd.recharge_number, psd.pending) == (5, Request.INSPECTION)
    with pytest.raises(RefusedError):
        machine.apply_voucher(voucher())


@pytest.mark.parametrize(
    "changes",
    [
        {"credit_key": 2},
        {"licence": b"N123457"},
        {"credential_hash": bytes(8)},
        {"recharge_number": 6},
        {"recharge_number": 4},
        {"control_total_before_paise": 324001, "control_total_after_paise": 524001},
        {"control_total_after_paise": 524001},
        {"kind": 2, "control_total_after_paise": 223999, "amount_paise": 100001},
        {"kind": 2, "control_total_after_paise": 224000, "amount_paise": 100000},
        {"kind": 4, "control_total_after_paise": 123900, "amount_paise": 200100},
        {"kind": 3},
    ],
)
def test_a_voucher_out_of_order_changes_nothing(changes: Any) -> None:
    machine = machine_of_the_vectors()
    before = machine.psd
    with pytest.raises(RefusedError) as refused:
        machine.apply_voucher(voucher(**changes))

    assert refused.value.code == 11
    # DLG-4.10: it counts those that were wrong in a row, and nothing else.
    assert machine.psd == replace(before, wrong_in_a_row=1)


def test_a_voucher_with_another_signature_changes_nothing() -> None:
    machine = machine_of_the_vectors()
    octets = voucher()
    with pytest.raises(RefusedError):
        machine.apply_voucher(octets[:-1] + bytes([octets[-1] ^ 1]))

    assert machine.psd.recharge_number == 4


@pytest.mark.parametrize(
    ("kind", "after", "amount", "state"),
    [
        (2, 124000, 200000, State.WITHDRAWN),
        (3, 324000, 0, State.IN_SERVICE),
        (4, 224000, 100000, State.IN_SERVICE),
    ],
)
def test_the_other_kinds_do_what_they_say(
    kind: int, after: int, amount: int, state: State
) -> None:
    machine = machine_of_the_vectors()
    machine.apply_voucher(
        voucher(kind=kind, amount_paise=amount, control_total_after_paise=after)
    )

    psd = machine.psd
    assert psd.control_total_paise == after
    assert psd.ascending_paise + psd.descending_paise == after
    assert psd.state == state


def test_a_machine_without_capabilities_lets_what_it_did_not_offer_wait() -> None:
    machine = machine_of_the_vectors()
    _, statement = spec_messages.unpack(machine.statement(bytes(32)))
    assert statement["capabilities"] == 0

    for kind in (6, 7, 8, 16, 17, 18, 19, 20):
        fields = {"order_serial": 1, "order": kind, "value": 1}
        assert not machine.take_order(fields)
    assert not machine.take_order({"order_serial": 2, "order": 2, "value": 0})
    assert machine.take_order({"order_serial": 1, "order": 5, "value": 0})
    assert machine.take_order({"order_serial": 2, "order": 2, "value": 0})
    assert (machine.psd.order_serial, machine.state) == (2, State.LOCKED)


@pytest.mark.parametrize(
    ("licence_state", "state"),
    [
        (1, State.IN_SERVICE),
        (2, State.IN_SERVICE),
        (3, State.WITHHELD),
        (4, State.WITHHELD),
        (5, State.IN_SERVICE),
        (6, State.WITHHELD),
    ],
)
def test_the_receipt_says_whether_the_licence_stops_the_machine(
    licence_state: int, state: State
) -> None:
    machine = machine_of_the_vectors()
    fields = fields_of(next(v for v in DLG if v["id"] == "receipt"))
    fields |= {"recharge_number": 4, "licence_state": licence_state}
    machine.take_receipt(fields)

    assert machine.state is state
    machine.take_receipt({**fields, "licence_state": 2})
    assert machine.state is State.IN_SERVICE


def test_orders_are_applied_in_order_and_once() -> None:
    machine = machine_of_the_vectors(order_serial=2)

    def order(serial: int, kind: int, value: int) -> bool:
        fields = {"order_serial": serial, "order": kind, "value": value}
        return machine.take_order(fields)

    assert order(2, Order.LOCK, 7)
    assert machine.psd.state == State.IN_SERVICE
    assert order(3, Order.LOCK, 7)
    assert machine.psd.state == State.LOCKED
    assert not order(5, Order.UNLOCK, 0)
    assert not order(4, 16, 0)
    assert not order(4, Order.CLOCK, 0)
    assert not order(4, Order.CLOCK, 1795219200 - 86401)
    assert order(4, Order.UNLOCK, 0)
    assert (machine.psd.state, machine.psd.order_serial) == (State.IN_SERVICE, 4)


@pytest.mark.parametrize(
    ("receipt_s", "state"),
    [
        (1795219200, State.IN_SERVICE),
        (1795219200 - 31 * 86400, State.BLOCKED),
        (1795219200 - 30 * 86400, State.IN_SERVICE),
        # 00:00 UTC is 05:30 in India: the business day began 19,800 s before.
        (1795219200 - 30 * 86400 - 19800, State.IN_SERVICE),
        (1795219200 - 30 * 86400 - 19801, State.BLOCKED),
    ],
)
def test_a_machine_is_blocked_on_the_31st_day(receipt_s: int, state: State) -> None:
    midnight_s = 1795219200
    assert midnight_s % 86400 == 0
    machine = machine_of_the_vectors(receipt_s=receipt_s)

    assert machine.state is state


def test_a_receipt_for_another_number_is_refused() -> None:
    machine = machine_of_the_vectors()
    vector = next(v for v in DLG if v["id"] == "receipt")
    with pytest.raises(RefusedError) as refused:
        machine.take_receipt(fields_of(vector))

    assert refused.value.code == 5
    assert machine.psd.mark == bytes(8)


def test_what_a_machine_stores_is_what_it_starts_with_again() -> None:
    psd = machine_of_the_vectors(last_voucher=voucher(), reported={3: Row(1, 2)}).psd

    assert Psd.from_json(psd.to_json()) == psd
