"""Contents and credit keys of the bench: good, and as wrong as a case says."""

import pytest

from hw.entropy import SeededEntropy
from hw.lab.offers import Offers
from hw.lab.steps import StepError
from protocol.contents import (
    ContentError,
    FirmwareImage,
    content_id,
    read_body,
    read_content,
)
from protocol.keys import MakerKey
from protocol.messages import OrderKind
from protocol.values import EpochSeconds
from rmfs_tools.simulation.setting import CREDIT_KEY, IDENTITY, MAKER_KEY

NOW = EpochSeconds(1_790_000_000)


def offers(maker: MakerKey | None = MAKER_KEY) -> Offers:
    return Offers(IDENTITY, CREDIT_KEY, maker, SeededEntropy(b"offers"))


@pytest.mark.parametrize("kind", ["TARIFF", "SLOGAN", "FIRMWARE", "CREDIT_KEY"])
def test_a_content_is_what_its_kind_says_and_is_signed(kind: str) -> None:
    named, octets = offers().make(kind, {}, NOW)
    content = read_content(octets, MAKER_KEY.public)
    assert content.kind.name == kind
    assert content_id(octets) == named
    read_body(content)


def test_an_order_names_the_content_that_was_made_last() -> None:
    made = offers()
    named, _ = made.make("SLOGAN", {}, NOW)
    assert made.value(int(OrderKind.SLOGAN), NOW) == named
    assert made.value(int(OrderKind.CLOCK), NOW) == NOW
    assert made.value(9, NOW) == 0


def test_a_content_with_a_wrong_signature_has_the_id_of_its_octets() -> None:
    named, octets = offers().make("SLOGAN", {"signature": "wrong"}, NOW)
    assert content_id(octets) == named
    with pytest.raises(ContentError):
        read_content(octets, MAKER_KEY.public)


def test_other_octets_may_be_served_under_an_id() -> None:
    named, octets = offers().make("SLOGAN", {"served": "wrong"}, NOW)
    right = offers().make("SLOGAN", {}, NOW)[1]
    assert len(octets) == len(right)
    assert content_id(octets) != named


def test_a_content_may_be_for_another_model_and_an_image_as_long_as_it_has_to_be() -> (
    None
):
    octets = offers().make("FIRMWARE", {"model": "OTHER", "size": "600"}, NOW)[1]
    content = read_content(octets, MAKER_KEY.public)
    body = read_body(content)
    assert content.model == "OTHER"
    assert isinstance(body, FirmwareImage)
    assert len(body.payload) == 600


def test_without_a_maker_key_there_is_no_content() -> None:
    with pytest.raises(StepError, match="maker key"):
        offers(maker=None).make("SLOGAN", {}, NOW)
