"""Mail servers and operators as they are met: over real sockets (GW-07, GW-12)."""

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dop_gateway.outbox.dlt_http import DltSettings, DltTextMessages
from dop_gateway.outbox.model import (
    Delivered,
    Language,
    MessageState,
    PutOff,
    Refused,
)
from dop_gateway.outbox.service import Carriers
from dop_gateway.outbox.smtp import Security, SmtpMailer, SmtpSettings
from dop_gateway.outbox.templates import shipped_templates
from dop_gateway.simulators.operator import (
    KEPT_MAX,
    DltError,
    Operator,
    Register,
    Standing,
    Submitted,
    Taken,
    parse_register,
    shipped_register,
)
from dop_gateway.simulators.sms import build_operator
from hw.clock import MemoryWallClock
from protocol.errors import LocalProtocolError
from tests.message_servers import (
    Mailbox,
    answering,
    mail_server,
    server_certificate,
    serving,
)
from tests.outbox_desk import (
    ASHA,
    ASHAS_MOBILE,
    BEGAN,
    DEPOSIT,
    PostRoom,
    open_post_room,
)

KEY = "a-key"
SMTP = SmtpSettings("127.0.0.1", 25, "franking@dop.example.invalid", Security.NONE)
DLT = DltSettings("http://127.0.0.1", KEY, "1101000000000000001", "INPOST")
TEMPLATE = shipped_templates().get("deposit-received")
LETTER = TEMPLATE.letter(Language.HI, DEPOSIT)
TEXT = TEMPLATE.text(Language.HI, DEPOSIT)
SUBMITTED = Submitted(
    "42-1",
    DLT.entity,
    DLT.header,
    TEXT.dlt_template,
    "919876543210",
    TEXT.body,
    unicode=True,
)


def mailer(port: int, **changed: Any) -> SmtpMailer:
    settings = replace(SMTP, port=port, **changed)
    return SmtpMailer(settings, MemoryWallClock(BEGAN))


def read(octets: bytes) -> EmailMessage:
    return email.message_from_bytes(octets, policy=email.policy.default)


def body(octets: bytes) -> str:
    """Give the text of a mail; the lines of a text end in CR LF on their way."""
    text: str = read(octets).get_content()
    return text.replace("\r\n", "\n")


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port at which nobody listens, and nobody else can begin to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def room(sqlite_url: str) -> PostRoom:
    return open_post_room(sqlite_url)


def test_a_mail_in_hindi_arrives_as_it_was_written() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        sent = mailer(port).send("42-1790000000", LETTER, ASHA.address)
    mail = read(mailbox.got[0])
    assert mail["Subject"] == "रु 2,000.00 की जमा राशि प्राप्त, रसीद R-42"
    assert body(mailbox.got[0]) == LETTER.body
    assert "Bengaluru GPO में प्राप्त हुई" in LETTER.body
    assert mailbox.got[0].isascii()
    assert mail["Message-ID"] == "<42-1790000000@dop.example.invalid>"
    assert sent == Delivered("<42-1790000000@dop.example.invalid>")
    assert mail["Date"] == "Mon, 16 Nov 2026 03:30:00 +0000"
    assert (mail["To"], mail["Auto-Submitted"]) == (ASHA.address, "auto-generated")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ("550 5.1.1 no asha@example.invalid here", Refused, "MSG-01-006"),
        ("451 4.7.1 asha@example.invalid: come again", PutOff, "MSG-01-007"),
    ],
)
def test_a_refused_recipient_is_told_without_the_address(
    answer: str, kind: type, code: str
) -> None:
    with mail_server(Mailbox({ASHA.address: answer})) as port:
        outcome = mailer(port).send("42-1", LETTER, ASHA.address)
    assert isinstance(outcome, kind)
    assert isinstance(outcome, PutOff | Refused)
    assert outcome.code == code
    assert answer[:3] in outcome.words
    assert "asha" not in outcome.words


def test_a_mail_server_that_is_away_is_tried_later() -> None:
    with closed_port() as port:
        outcome = mailer(port).send("42-1", LETTER, ASHA.address)
    assert isinstance(outcome, PutOff)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
@pytest.mark.parametrize(
    ("password", "trusts", "code"),
    [
        ("right", True, ""),
        ("wrong", True, "MSG-01-002"),
        ("right", False, "MSG-01-004"),
    ],
)
def test_a_mail_server_is_trusted_by_its_certificate_and_knows_us_by_a_login(
    tmp_path: Path, security: Security, password: str, trusts: bool, code: str
) -> None:
    certificate = server_certificate(tmp_path)
    mailbox = Mailbox(login=("dop", "right"))
    settings = {
        "security": security,
        "login": "dop",
        "password": password,
        "trusted": str(certificate) if trusts else "",
    }
    with mail_server(mailbox, security, certificate) as port:
        outcome = mailer(port, **settings).send("42-1", LETTER, ASHA.address)
    assert len(mailbox.got) == (not code)
    assert isinstance(outcome, PutOff if code else Delivered)
    assert getattr(outcome, "code", "") == code


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_nothing_is_told_to_a_server_that_does_not_protect_the_line(
    security: Security,
) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        safe = mailer(port, security=security, login="dop", password="x")
        outcome = safe.send("42-1", LETTER, ASHA.address)
    assert isinstance(outcome, PutOff)
    assert mailbox.got == []


def test_a_login_never_goes_over_a_line_that_is_not_protected() -> None:
    with pytest.raises(LocalProtocolError, match="needs TLS"):
        mailer(25, login="dop", password="x")


def test_an_address_that_is_none_is_refused_before_anything_is_sent() -> None:
    with closed_port() as port:
        outcome = mailer(port).send("42-1", LETTER, "आशा@example.invalid")
    assert isinstance(outcome, Refused)


def test_a_text_message_goes_by_the_operator_to_whom_it_is_for() -> None:
    operator = Operator(shipped_register())
    with serving(build_operator(operator, KEY)) as address:
        texts = DltTextMessages(replace(DLT, address=address))
        assert texts.send("42-1", TEXT, ASHAS_MOBILE.address) == Delivered("1")
        listed = httpx2.get(f"{address}/messages").json()
        page = httpx2.get(address).text
    assert operator.taken == (Taken(1, is_again=False, message=SUBMITTED),)
    assert listed == [asdict(operator.taken[0])]
    assert TEXT.body in page


def test_a_message_that_was_sent_twice_is_recognised_by_its_reference() -> None:
    operator = Operator(shipped_register())
    with serving(build_operator(operator, KEY)) as address:
        texts = DltTextMessages(replace(DLT, address=address))
        for _ in range(2):
            assert isinstance(texts.send("42-1", TEXT, "9876543210"), Delivered)
    assert [one.is_again for one in operator.taken] == [False, True]


def test_a_text_that_is_not_as_it_was_registered_is_given_up(room: PostRoom) -> None:
    registered = shipped_register()
    changed = {
        number: replace(one, text=one.text + " Thank you.")
        for number, one in registered.templates.items()
    }
    operator = Operator(replace(registered, templates=changed))
    number = room.put(ASHAS_MOBILE)
    with serving(build_operator(operator, KEY)) as address:
        texts = DltTextMessages(replace(DLT, address=address))
        assert room.deliver(Carriers(None, texts)) == (0, 0, 1)
    message = room.message(number)
    assert message.state is MessageState.GIVEN_UP
    assert "(630)" in message.last_error
    assert operator.taken == ()


def test_both_ways_to_somebody_arrive_by_real_servers(room: PostRoom) -> None:
    mailbox, operator = Mailbox(), Operator(shipped_register())
    for to in (ASHA, ASHAS_MOBILE):
        room.put(to, language=Language.HI)
    with (
        mail_server(mailbox) as port,
        serving(build_operator(operator, KEY)) as address,
    ):
        texts = DltTextMessages(replace(DLT, address=address))
        assert room.deliver(Carriers(mailer(port), texts)) == (2, 0, 0)
    assert body(mailbox.got[0]) == LETTER.body
    assert operator.taken[0].message.text == TEXT.body


def test_an_operator_that_is_away_is_tried_later(room: PostRoom) -> None:
    room.put(ASHAS_MOBILE)
    with closed_port() as port:
        texts = DltTextMessages(replace(DLT, address=f"http://127.0.0.1:{port}"))
        assert room.deliver(Carriers(None, texts)) == (0, 1, 0)
    room.clock.advance(60)
    operator = Operator(shipped_register())
    with serving(build_operator(operator, KEY)) as address:
        back = DltTextMessages(replace(DLT, address=address))
        assert room.deliver(Carriers(None, back)) == (1, 0, 0)
    assert len(operator.taken) == 1


def test_an_operator_that_does_not_know_our_key_is_tried_later() -> None:
    with serving(build_operator(Operator(shipped_register()), "another")) as address:
        texts = DltTextMessages(replace(DLT, address=address))
        outcome = texts.send("42-1", TEXT, ASHAS_MOBILE.address)
    assert isinstance(outcome, PutOff)
    assert outcome.code == "MSG-02-004"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"entity": "1101"}, DltError.INVALID_ENTITY_ID),
        ({"entity": "1" * 19}, DltError.ENTITY_NOT_FOUND),
        ({"header": "inpost"}, DltError.HEADER_NOT_FOUND),
        ({"template": "1" * 19}, DltError.TEMPLATE_NOT_FOUND),
        ({"text": TEXT.body + "!"}, DltError.TEMPLATE_NOT_FOUND),
        ({"text": TEXT.body.replace("R-42", "")}, DltError.TEMPLATE_NOT_FOUND),
        ({"text": TEXT.body.replace("R-42", "9" * 41)}, DltError.TEMPLATE_NOT_FOUND),
    ],
)
def test_an_operator_refuses_what_was_not_registered(
    changed: dict[str, str], error: DltError
) -> None:
    submitted = Submitted(**{**asdict(SUBMITTED), **changed})
    assert Operator(shipped_register()).submit(submitted) is error


@pytest.mark.parametrize(
    ("standing", "error"),
    [
        (Standing.INACTIVE, DltError.TEMPLATE_INACTIVE),
        (Standing.BLACKLISTED, DltError.TEMPLATE_BLACKLISTED),
    ],
)
def test_an_operator_refuses_a_template_that_is_not_in_use(
    standing: Standing, error: DltError
) -> None:
    assert Operator(_standing(standing)).submit(SUBMITTED) is error


def test_an_operator_forgets_the_oldest_of_very_many() -> None:
    operator = Operator(shipped_register())
    for number in range(KEPT_MAX + 1):
        operator.submit(replace(SUBMITTED, reference=str(number)))
    assert [operator.taken[0].id, len(operator.taken)] == [2, KEPT_MAX]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"unicode": False}, 400),
        ({"to": "9876543210"}, 400),
        ({"text": ""}, 422),
        ({"more": "x"}, 422),
    ],
)
def test_a_message_of_another_form_is_refused_without_a_number_of_dlt(
    changed: dict[str, Any], status: int
) -> None:
    with serving(build_operator(Operator(shipped_register()), KEY)) as address:
        answer = httpx2.post(
            f"{address}/v1/messages",
            json={**asdict(SUBMITTED), **changed},
            headers={"Authorization": f"Bearer {KEY}"},
        )
    assert answer.status_code == status
    assert "code" not in answer.json()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", PutOff),
        (b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\n[]", Refused),
        (b"HTTP/1.1 202 Yes\r\nContent-Length: 4\r\n\r\nnull", Delivered),
        (b"HTTP/1.1 200 Yes\r\nContent-Length: 4\r\n\r\nnull", PutOff),
        (b"220 mail.example.invalid ESMTP\r\n", PutOff),
        (b"", PutOff),
    ],
)
def test_whatever_an_operator_answers_is_an_outcome(answer: bytes, kind: type) -> None:
    with answering(answer) as address:
        texts = DltTextMessages(replace(DLT, address=address))
        assert isinstance(texts.send("42-1", TEXT, "9876543210"), kind)


def test_an_operator_that_takes_for_ever_is_hung_up_on() -> None:
    """It holds the line and says nothing: no time-out of a step would be so soon."""
    with answering(b"", holds=True) as address:
        texts = DltTextMessages(replace(DLT, address=address), attempt_s_max=0.2)
        assert isinstance(texts.send("42-1", TEXT, "9876543210"), PutOff)


def test_a_number_that_is_no_mobile_one_is_refused_before_anything_is_sent() -> None:
    outcome = DltTextMessages(DLT).send("42-1", TEXT, "0804123456")
    assert isinstance(outcome, Refused)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"entity": "1101"}, "19 digits"),
        ({"header": "INPOST1"}, "six letters"),
        ({"address": "ftp://127.0.0.1"}, "http://"),
    ],
)
def test_settings_of_an_operator_are_looked_at_when_the_gateway_starts(
    changed: dict[str, str], why: str
) -> None:
    with pytest.raises(LocalProtocolError, match=why):
        DltTextMessages(replace(DLT, **changed))


@pytest.mark.parametrize(
    ("broken", "why"), [("=", "cannot be read"), ('entity = "1"', "lacks a field")]
)
def test_a_register_that_is_none_is_refused(broken: str, why: str) -> None:
    with pytest.raises(LocalProtocolError, match=why):
        parse_register(broken)


def _standing(standing: Standing) -> Register:
    registered = shipped_register()
    one = registered.templates[TEXT.dlt_template]
    templates = {TEXT.dlt_template: replace(one, standing=standing)}
    return replace(registered, templates=templates)
