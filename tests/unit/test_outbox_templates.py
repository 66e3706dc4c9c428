"""What is said to people: only templates, within bounds, as they were registered."""

from itertools import product

import pytest

from dop_gateway.outbox.model import Language, To, ways_to
from dop_gateway.outbox.templates import (
    Template,
    parse_templates,
    shipped_templates,
)
from dop_gateway.simulators.operator import shipped_register
from protocol.errors import LocalProtocolError
from tests.outbox_desk import ASHA, ASHAS_MOBILE, DEPOSIT

SHIPPED = shipped_templates()
CASES = list(product(SHIPPED.by_id.values(), Language))

ONE = """
[[template]]
id = "a-test"
[template.variables]
licence = { characters_max = 20 }
[template.en]
subject = "About {licence}"
mail = "About {licence}."
sms = "About {licence}"
dlt_template = "1107000000000000901"
[template.hi]
subject = "{licence}"
mail = "{licence}"
sms = "{licence}"
dlt_template = "1107000000000000902"
"""


def _longest(template: Template) -> dict[str, str]:
    return {
        name: "9" * variable.characters_max
        for name, variable in template.variables.items()
    }


@pytest.mark.parametrize(
    ("template", "language"), CASES, ids=[f"{one.id}-{to.value}" for one, to in CASES]
)
def test_each_text_message_is_one_that_is_registered_at_its_longest_too(
    template: Template, language: Language
) -> None:
    text = template.text(language, template.fit(_longest(template)))
    registered = shipped_register().templates[text.dlt_template]
    assert registered.has(text.body)
    assert text.is_unicode == (language is Language.HI)


@pytest.mark.parametrize(
    ("template", "language"), CASES, ids=[f"{one.id}-{to.value}" for one, to in CASES]
)
def test_each_letter_is_filled_and_has_one_line_of_subject(
    template: Template, language: Language
) -> None:
    letter = template.letter(language, _longest(template))
    assert "{" not in letter.subject + letter.body
    assert "\n" not in letter.subject
    assert letter.body.endswith("\n")


def test_what_was_registered_has_nothing_that_is_not_said() -> None:
    said = {
        wording.dlt_template
        for template in SHIPPED.by_id.values()
        for wording in template.wordings.values()
    }
    assert said == shipped_register().templates.keys()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"amount": "2,000.00\r\nBcc: x@example.invalid"}, "no single line"),
        ({"amount": ""}, "no single line"),
        ({"amount": "9" * 21}, "at most 20 characters"),
        ({"password": "x"}, "no others"),
    ],
)
def test_a_variable_that_does_not_fit_is_refused_without_its_value(
    changed: dict[str, str], why: str
) -> None:
    with pytest.raises(LocalProtocolError, match=why) as refused:
        SHIPPED.get("deposit-received").fit({**DEPOSIT, **changed})
    assert "9999" not in str(refused.value)


def test_a_name_that_is_too_long_is_shortened_where_the_template_says_so() -> None:
    fitted = SHIPPED.get("deposit-received").fit({**DEPOSIT, "office": "x" * 50})
    assert fitted["office"] == "x" * 37 + "..."


def test_a_variable_that_looks_like_a_place_is_left_as_it_is() -> None:
    template = SHIPPED.get("deposit-available")
    text = template.text(Language.EN, {"licence": "{amount}", "amount": "5"})
    assert "licence {amount} can" in text.body


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("characters_max = 20", "characters_max = 41", "more than 40"),
        ("{ characters_max = 20 }", "{ characters_max = true }", "number above 3"),
        ("{ characters_max = 20 }", "{ max = 20 }", "no field max"),
        ("About {licence}.", "About {amount}.", "no variable amount"),
        ("0901", "090", "19 digits"),
        ("0901", "0902", "stands twice"),
        ('id = "a-test"', 'id = "A test"', "is not like"),
        ("[template.hi]", "[template.ta]", "no field ta"),
        ('sms = "About {licence}"', "", "lacks a field"),
        ('sms = "About', 'sms = "About\\n', "one line"),
        ("[[template]]", "[[template", "cannot be read"),
        (ONE, ONE + ONE, "stands twice"),
    ],
)
def test_templates_that_are_not_as_they_must_be_are_refused(
    old: str, new: str, why: str
) -> None:
    assert parse_templates(ONE).get("a-test")
    with pytest.raises(LocalProtocolError, match=why):
        parse_templates(ONE.replace(old, new))


def test_there_is_no_template_that_nobody_wrote() -> None:
    with pytest.raises(LocalProtocolError, match="no template free-text"):
        SHIPPED.get("free-text")


@pytest.mark.parametrize(
    ("email", "mobile", "ways"),
    [
        (ASHA.address, ASHAS_MOBILE.address, (ASHA, ASHAS_MOBILE)),
        (ASHA.address, "", (ASHA,)),
        ("", ASHAS_MOBILE.address, (ASHAS_MOBILE,)),
    ],
)
def test_somebody_is_told_in_every_way_that_they_gave(
    email: str, mobile: str, ways: tuple[To, ...]
) -> None:
    assert ways_to(email, mobile) == ways
