"""Contents as cases want them: each is refused for the one fault that it is about."""

import pytest

from hw.entropy import SeededEntropy
from hw.lab.catalogue import Case, read_catalogue
from hw.lab.offers import Offers
from hw.lab.steps import StepError, parse_step
from hw.lab.verbs import check_step
from protocol.contents import (
    ContentError,
    ContentKind,
    CreditKeyUpdate,
    content_id,
    read_body,
    read_content,
)
from protocol.errors import LocalProtocolError
from protocol.link import Role
from protocol.values import EpochSeconds
from tests.spec.chan_parties import parties

NOW = EpochSeconds(1_800_000_000)
MODEL = "MODEL"
BODIES = {"CONT-3", "CONT-4", "CONT-5", "CONT-6", "CONT-7"}
REFUSED = [
    case
    for case in read_catalogue()
    if case.id.startswith("CONT-")
    and any(step.fields.get("order_serial") == "-1" for step in case.steps)
]
APPLIED = [
    case
    for case in read_catalogue()
    if case.id.startswith("CONT-") and case not in REFUSED
]


def offers() -> Offers:
    who = parties()
    return Offers(who.server, who.credit, who.maker, SeededEntropy(b"further keys"))


def made(of: Offers, text: str) -> bytes:
    step = parse_step(text)
    check_step(step, Role.MACHINE)
    return of.make(step.words[0], step.fields, NOW, MODEL)[1]


def fault(octets: bytes, kind: ContentKind) -> str:
    """Say what a machine finds in a content, in the words of CONT-2.1."""
    try:
        content = read_content(octets, parties().maker.public)
        read_body(content)
    except ContentError as error:
        return error.fault.name
    if content.kind is not kind or content.model not in {"", MODEL}:
        return "ANOTHER"
    return ""


def contents(case: Case) -> list[tuple[str, str]]:
    """Give the contents of a case with what is wrong with each."""
    of = offers()
    return [
        (
            step.text,
            fault(
                of.make(step.words[0], step.fields, NOW, MODEL)[1],
                ContentKind[step.words[0]],
            ),
        )
        for step in case.steps
        if step.verb == "content"
    ]


def expected(case: Case) -> set[str]:
    head = case.clause.partition(".")[0]
    if case.clause == "CONT-2.1":
        return {case.title.partition(":")[0]}
    if head in BODIES:
        return {"BODY"}
    return {"CONT-2.2": {"BODY", "SIGNATURE"}, "CONT-2.3": {"ANOTHER"}}.get(
        case.clause, {"SIGNATURE", ""}
    )


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_a_content_that_is_refused_has_the_fault_that_its_case_is_about(
    case: Case,
) -> None:
    for text, found in contents(case):
        assert found in expected(case), text


@pytest.mark.parametrize("case", APPLIED, ids=lambda case: case.id)
def test_a_content_that_is_to_be_applied_has_no_fault(case: Case) -> None:
    for text, found in contents(case):
        assert found == "", text


def test_a_content_is_named_by_the_octets_that_were_made() -> None:
    of = offers()
    octets = made(of, "content SLOGAN signature=wrong")
    assert of.content_id == content_id(octets)


def test_two_contents_that_are_made_at_the_same_time_are_not_the_same() -> None:
    of = offers()
    assert made(of, "content SLOGAN") != made(of, "content SLOGAN")


def test_a_content_that_is_served_wrongly_does_not_give_its_name() -> None:
    of = offers()
    octets = made(of, "content SLOGAN served=wrong")
    assert of.content_id != content_id(octets)


def test_a_credit_key_is_brought_by_the_content_that_says_nothing_else() -> None:
    of = offers()
    made(of, "content CREDIT_KEY number=2")
    assert [key.key_id for key in of.brought.values()] == [3]
    assert of.credit_keys[3] is next(iter(of.brought.values()))


@pytest.mark.parametrize("bend", ["key", "name", "kid", "dh"])
def test_a_credit_key_of_another_server_or_under_a_taken_id_is_not_brought(
    bend: str,
) -> None:
    of = offers()
    octets = made(of, f"content CREDIT_KEY {bend}=other")
    body = read_body(read_content(octets, parties().maker.public))
    assert isinstance(body, CreditKeyUpdate)
    assert of.brought == {}
    same = body.server.credential.ccs == parties().server.credential.ccs
    assert same is (bend == "key")


def test_a_model_that_is_none_cannot_be_made_without_bending_it() -> None:
    with pytest.raises(LocalProtocolError):
        made(offers(), "content SLOGAN 'model= X'")


def test_a_content_has_no_field_that_is_not_listed() -> None:
    with pytest.raises(StepError):
        check_step(parse_step("content SLOGAN colour=red"), Role.MACHINE)
    with pytest.raises(StepError):
        check_step(parse_step("content SLOGAN cut=some"), Role.MACHINE)
