"""What an operator writes into gateway.toml becomes what a gateway is made of."""

from dataclasses import replace

import pytest

from dop_gateway.outbox.model import Channel
from dop_gateway.settings import Settings, parse_settings, write_settings
from hw.clock import SystemWallClock
from protocol.errors import LocalProtocolError

SMS = Settings(
    sms_address="http://127.0.0.1:8090",
    sms_key="sample",
    sms_entity="1101234567890123456",
    sms_header="INPOST",
)
MAIL = Settings(mail_host="mail.example.org", mail_sender="rmfs@example.org")


def test_settings_are_read_as_they_were_written() -> None:
    assert parse_settings(write_settings(SMS)) == SMS


def test_settings_of_a_gateway_that_knew_fewer_are_read() -> None:
    assert parse_settings('database = ""') == Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('database = "', "Unterminated"),
        ("password_lanes = true", "password_lanes must be a int"),
        ('colour = "blue"', "there is no setting colour"),
    ],
)
def test_what_is_no_setting_is_told(text: str, words: str) -> None:
    with pytest.raises(LocalProtocolError, match=words):
        parse_settings(text)


def test_proxies_are_addresses_and_networks() -> None:
    told = Settings(proxies="127.0.0.1, 10.0.0.0/24,2001:db8::1")
    assert told.believed_proxies == ["127.0.0.1", "10.0.0.0/24", "2001:db8::1"]
    assert Settings().believed_proxies == []
    for wrong in ("*", "proxy.example.org", "10.0.0.1/24"):
        with pytest.raises(LocalProtocolError, match="neither an address"):
            _ = Settings(proxies=wrong).believed_proxies


def test_a_channel_that_is_not_set_has_nobody() -> None:
    clock = SystemWallClock()
    assert Settings().carriers(clock).channels == ()
    assert SMS.carriers(clock).channels == (Channel.SMS,)
    assert MAIL.carriers(clock).channels == (Channel.MAIL,)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (replace(MAIL, mail_security="SSL"), "TLS, STARTTLS, NONE"),
        (replace(MAIL, mail_sender="somebody"), "no address"),
        (replace(SMS, sms_header="INDIAPOST"), "six letters"),
        (replace(SMS, sms_address="127.0.0.1"), "http://"),
    ],
)
def test_a_setting_of_another_form_is_told(settings: Settings, words: str) -> None:
    with pytest.raises(LocalProtocolError, match=words):
        settings.carriers(SystemWallClock())
