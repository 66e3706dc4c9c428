"""`rmfs dop sms-simulator` is an operator in a process of its own."""

import signal
from pathlib import Path

import httpx2

from dop_gateway.outbox.dlt_http import DltSettings, DltTextMessages
from dop_gateway.outbox.model import Delivered, Language, Refused
from dop_gateway.outbox.templates import shipped_templates
from tests.processes import TIMEOUT_S, Program

TEXT = shipped_templates().get("licence-issued")
FILLED = {"licence": "N123456", "valid_until": "31-12-2031", "office": "Bengaluru GPO"}
REGISTER = """
entity = "1101000000000000001"
headers = ["INPOST"]
[[template]]
id = "1107000000000000999"
text = "Nothing that the gateway says: {#var#}"
"""


def send(address: str) -> object:
    settings = DltSettings(address, "a-key", "1101000000000000001", "INPOST")
    text = TEXT.text(Language.HI, FILLED)
    return DltTextMessages(settings).send("42-1790000000", text, "9876543210")


def test_it_takes_what_the_gateway_says_shows_it_and_ends_in_order() -> None:
    with Program("dop", "sms-simulator", "--port", "0", "--key", "a-key") as operator:
        address = operator.said("listening at").rpartition(" ")[2]
        assert send(address) == Delivered("1")
        assert "लाइसेंस N123456 जारी हुआ" in httpx2.get(address, timeout=TIMEOUT_S).text
        operator.signal(signal.SIGTERM)
        assert operator.ended() == 0
        assert operator.err == ""


def test_it_refuses_what_is_not_in_its_own_register(tmp_path: Path) -> None:
    register = tmp_path / "register.toml"
    register.write_text(REGISTER)
    words = ("--port", "0", "--key", "a-key", "--register", register)
    with Program("dop", "sms-simulator", *words) as operator:
        address = operator.said("listening at").rpartition(" ")[2]
        refused = send(address)
        assert isinstance(refused, Refused)
        assert "(630)" in refused.words
