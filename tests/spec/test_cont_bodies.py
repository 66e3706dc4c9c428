"""CONT-3 to CONT-7: bodies are read strictly, and a fault names its place."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.contents import (
    Addition,
    BadFieldError,
    ContentError,
    ContentFault,
    CreditKeyUpdate,
    FirmwareImage,
    Further,
    Slogan,
    Step,
    Tariff,
)
from protocol.contents.firmware import PAYLOAD_OCTETS_MAX
from protocol.errors import LocalProtocolError
from tests.spec.contents import (
    CREDIT_KEY,
    IMAGE,
    LETTER,
    SLOGAN,
    SPEED_POST,
    TARIFF,
    images,
    slogans,
    tariffs,
)

Change = Callable[[dict[str, Any]], object]


def refused(read: Callable[[bytes], object], octets: bytes) -> str:
    with pytest.raises(ContentError) as caught:
        read(octets)
    assert caught.value.fault is ContentFault.BODY
    return caught.value.detail


def changed(body: bytes, change: Change) -> bytes:
    fields = json.loads(body)
    change(fields)
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


@given(tariffs())
def test_a_tariff_is_read_back(tariff: Tariff) -> None:
    assert Tariff.from_body(tariff.to_body()) == tariff
    assert Tariff.from_fields(tariff.fields()) == tariff


@given(slogans())
def test_a_slogan_is_read_back(slogan: Slogan) -> None:
    assert Slogan.from_body(slogan.to_body()) == slogan


@given(images())
def test_a_firmware_image_is_read_back(image: FirmwareImage) -> None:
    assert FirmwareImage.from_body(image.to_body()) == image


def test_a_credit_key_is_read_back() -> None:
    assert CreditKeyUpdate.from_body(CREDIT_KEY.to_body()) == CREDIT_KEY
    assert len(CREDIT_KEY.to_body()) == 153


def test_a_slogan_has_these_octets() -> None:
    assert SLOGAN.to_body() == (
        b'{"approved":"LA/KN/2026/17","customer":0,'
        b'"lines":["SAVE WATER","SAVE LIFE"],"name":"Save water","number":2}'
    )


def test_the_longest_payload_fits_into_a_content() -> None:
    longest = replace(IMAGE, notes="n" * 240, payload=bytes(PAYLOAD_OCTETS_MAX))
    assert FirmwareImage.from_body(longest.to_body()) == longest
    with pytest.raises(LocalProtocolError, match="30001 octets"):
        replace(IMAGE, payload=bytes(PAYLOAD_OCTETS_MAX + 1))


@pytest.mark.parametrize(
    "octets",
    [
        SLOGAN.to_body() + b"\n",
        SLOGAN.to_body().replace(b":2", b":2.0"),
        SLOGAN.to_body().replace(b":2", b":2e0"),
        SLOGAN.to_body().replace(b'"number":2', b'"number":1,"number":2'),
        SLOGAN.to_body().replace(b'"Save', b'"\\u0053ave'),
        SLOGAN.to_body().replace(b",", b", "),
        b'{"number":2,"approved":"LA","customer":0,"lines":["A"],"name":"A"}',
        SLOGAN.to_body().decode().replace("Save", "S\u0101ve").encode(),
        b"[" * 60_000,
        b"1" * 60_000,
        b"NaN",
        b"",
    ],
)
def test_there_is_one_way_to_write_a_body(octets: bytes) -> None:
    assert refused(Slogan.from_body, octets)


def test_lists_in_lists_are_refused_at_any_depth() -> None:
    for depth in range(1, 1200):
        assert refused(Slogan.from_body, b"[" * depth + b"]" * depth)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda t: t.pop("name"), "the field name is missing"),
        (lambda t: t.update(vat=5), "vat: no such field; there are number, "),
        (lambda t: t.update(number=0), "number: 0 is not in 1 to 4294967295"),
        (lambda t: t.update(number=10**4000), "number: 1000000000"),
        (lambda t: t.update(number=True), "number: True is no whole number"),
        (lambda t: t.update(number="7"), "number: '7' is no whole number"),
        (lambda t: t.update(name=" x"), "name: ' x' is not 1 to 40 printable"),
        (lambda t: t.update(name=7), "name: 7 is no text"),
        (lambda t: t.update(valid_from="2025-02-29"), "valid_from: '2025-02-29'"),
        (lambda t: t.update(valid_from="20251001"), "valid_from: '20251001' is no day"),
        (lambda t: t.update(valid_from="1969-12-31"), "valid_from: 1969-12-31 is not"),
        (lambda t: t.update(classes=[]), "classes: there are 0, 1 to 64"),
        (lambda t: t.update(classes={}), "classes: {} is no list"),
        (lambda t: t.update(classes="ab"), "classes: 'ab' is no list"),
        (lambda t: t["classes"].reverse(), "classes[1].number: 3 is not more than 6"),
        (lambda t: t["classes"][1].update(letters="L"), "classes[1].letters: L stands"),
        (lambda t: t["classes"][1].update(letters="sp"), "classes[1].letters: 'sp'"),
        (lambda t: t["classes"][1].update(number=256), "classes[1].number: 256"),
        (lambda t: t["classes"][1].update(zones=["A", "A"]), "classes[1].zones[1]: A"),
        (lambda t: t["classes"][1].update(zones=["a", "B"]), "classes[1].zones[0]"),
        (
            lambda t: t["classes"][1].update(zones=["A"]),
            "classes[1].steps[0].paise: there are 2, 1 are needed",
        ),
        (lambda t: t["classes"][1].update(steps=[7]), "classes[1].steps[0]: 7 is no"),
        (lambda t: t["classes"][1].update(steps=[]), "classes[1].steps: there are 0"),
        (
            lambda t: t["classes"][1]["steps"][1].update(up_to_g=50),
            "classes[1].steps[1].up_to_g: 50 is not more than 50",
        ),
        (
            lambda t: t["classes"][1]["steps"][1].update(up_to_g=0),
            "classes[1].steps[1].up_to_g: 0 is not in",
        ),
        (
            lambda t: t["classes"][1]["steps"][1].update(paise=[-1, 0]),
            "classes[1].steps[1].paise[0]: -1",
        ),
        (
            lambda t: t["classes"][1].update(weight_max_g=251),
            "classes[1].weight_max_g: 251 is not where the last step ends, 250",
        ),
        (
            lambda t: t["classes"][0].update(weight_max_g=20),
            "classes[0].weight_max_g: 20 is not more than 20",
        ),
        (
            lambda t: t["classes"][0]["further"].update(every_g=0),
            "classes[0].further.every_g: 0",
        ),
        (
            lambda t: t["classes"][0]["further"].update(paise=[1, 2]),
            "classes[0].further.paise: there are 2, 1 are needed",
        ),
        (
            lambda t: t["classes"][0]["further"].update(paise=[2**32 - 1]),
            "classes[0].steps: the postage comes to",
        ),
        (
            lambda t: t["classes"][1]["additions"][0].update(paise=-1),
            "classes[1].additions[0].paise: -1",
        ),
        (
            lambda t: t["classes"][1]["additions"][0].update(name=""),
            "classes[1].additions[0].name: ''",
        ),
        (lambda t: t["classes"][1].update(source="x" * 241), "classes[1].source"),
    ],
)
def test_a_wrong_tariff_is_refused_with_the_place(change: Change, place: str) -> None:
    told = refused(Tariff.from_body, changed(TARIFF.to_body(), change))
    assert told.startswith(place)
    assert len(told) < 200


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda s: s.update(number=11), "number: 11 is not in 1 to 10"),
        (lambda s: s.update(lines=[]), "lines: there are 0, 1 to 3"),
        (lambda s: s.update(lines=["a"] * 4), "lines: there are 4"),
        (lambda s: s.update(lines=["a", "b" * 25]), "lines[1]: 'bbb"),
        (lambda s: s.update(customer=65536), "customer: 65536"),
        (lambda s: s.update(approved=""), "approved: ''"),
        (lambda s: s.update(name="\u0928"), "name: '\\u0928'"),
    ],
)
def test_a_wrong_slogan_is_refused_with_the_place(change: Change, place: str) -> None:
    told = refused(Slogan.from_body, changed(SLOGAN.to_body(), change))
    assert told.startswith(place)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda i: i.update(version=[0, 2]), "version: there are 2"),
        (lambda i: i.update(version=[0, 2, 256]), "version[2]: 256"),
        (lambda i: i.update(boots=1), "boots: 1 is neither true nor false"),
        (lambda i: i.update(payload="ABCD"), "payload: it is not lower-case hex"),
        (lambda i: i.update(payload="abc"), "payload: it is not lower-case hex"),
        (lambda i: i.update(notes=""), "notes: ''"),
    ],
)
def test_a_wrong_image_is_refused_with_the_place(change: Change, place: str) -> None:
    told = refused(FirmwareImage.from_body, changed(IMAGE.to_body(), change))
    assert told.startswith(place)


@given(st.binary(max_size=160))
def test_any_octets_as_a_credit_key_are_refused(octets: bytes) -> None:
    assert refused(CreditKeyUpdate.from_body, octets)


def test_a_record_made_by_ourselves_is_checked_alike() -> None:
    with pytest.raises(BadFieldError, match=r"classes\[1\].letters: L stands"):
        replace(TARIFF, classes=(LETTER, replace(SPEED_POST, letters="L")))
    with pytest.raises(BadFieldError, match="paise: there are 0"):
        Step(20, ())


def test_a_tariff_begins_at_midnight_in_india() -> None:
    assert TARIFF.begins == 1_759_257_000  # 2025-09-30T18:30:00Z
    last = replace(TARIFF, valid_from=date(2106, 2, 7))
    assert last.begins < 2**32


@pytest.mark.parametrize(
    ("weight_g", "paise"),
    [(1, 500), (20, 500), (21, 1000), (40, 1000), (41, 1500), (500, 12_500)],
)
def test_a_letter_costs_once_more_for_each_started_20_g(
    weight_g: int, paise: int
) -> None:
    assert LETTER.postage_paise(weight_g, "") == paise


@pytest.mark.parametrize(
    ("weight_g", "zone", "paise"),
    [(50, "LOCAL", 2400), (51, "LOCAL", 2900), (1, "200", 5200), (250, "200", 6400)],
)
def test_a_zone_has_its_own_column_and_an_addition_is_added(
    weight_g: int, zone: str, paise: int
) -> None:
    assert SPEED_POST.postage_paise(weight_g, zone) == paise


def test_a_further_step_may_be_of_another_width_than_the_first() -> None:
    book_post = replace(
        LETTER,
        steps=(Step(50, (400,)),),
        further=Further(50, (300,)),
        additions=(Addition("registration", 500),),
    )
    assert book_post.postage_paise(101, "") == 400 + 2 * 300 + 500


@pytest.mark.parametrize(
    ("weight_g", "zone"), [(0, "200"), (251, "200"), (50, ""), (50, "OVER")]
)
def test_postage_of_what_the_class_does_not_have_is_our_own_fault(
    weight_g: int, zone: str
) -> None:
    with pytest.raises(LocalProtocolError):
        SPEED_POST.postage_paise(weight_g, zone)
