"""Every command and every register of the emulated modem, as V.250 has them."""

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from hw.modem.network import PhoneNetwork
from hw.modem.profile import SETTINGS, FileProfiles, MemoryProfiles, ProfileError
from hw.modem.registers import REGISTERS
from tests.modem_desk import ModemDesk, one_desk


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        # 5.2.1: AT or at, and nothing in between.
        (b"AT\r", b"\r\nOK\r\n"),
        (b"at\r", b"\r\nOK\r\n"),
        (b"At\r", b""),
        (b"aT\r", b""),
        (b"xyzAT\r", b"\r\nOK\r\n"),
        (b"AAT\r", b"\r\nOK\r\n"),
        (b"A T\r", b""),
        # Spaces and small letters in a line do not matter.
        (b"AT e0 q0 V1\r", b"\r\nOK\r\n"),
        # 5.2.2: S5 corrects, but never the prefix.
        (b"ATQ1\b0\r", b"\r\nOK\r\n"),
        (b"AT\b\b\bE0\r", b"\r\nOK\r\n"),
        # The eighth bit is no part of a character.
        (bytes(octet | 0x80 for octet in b"AT\r"), b"\r\nOK\r\n"),
        # Control characters are not heeded.
        (b"AT\n\x00\r", b"\r\nOK\r\n"),
        # Too long.
        (b"AT" + b"E0" * 200 + b"\r", b"\r\nERROR\r\n"),
    ],
)
def test_a_line_is_read_as_it_was_typed(typed: bytes, answer: bytes) -> None:
    assert one_desk().type(typed) == answer


def test_what_is_typed_is_echoed_unless_it_is_told_not_to() -> None:
    desk = one_desk(echo=True)
    assert desk.type(b"ATX9\b4\r") == b"ATX9\b \b4\r\r\nOK\r\n"
    assert desk.type(b"ATE0\r") == b"ATE0\r\r\nOK\r\n"
    assert desk.type(b"AT\r") == b"\r\nOK\r\n"


def test_a_slash_repeats_the_line_before_at_once() -> None:
    desk = one_desk()
    assert desk.type(b"A/") == b"\r\nOK\r\n"
    desk.say("ATS7?")
    assert desk.type(b"A/") == b"\r\n050\r\n\r\nOK\r\n"
    assert desk.type(b"a/") == b"\r\n050\r\n\r\nOK\r\n"


def test_a_line_is_executed_up_to_its_first_wrong_command() -> None:
    desk = one_desk()
    assert desk.say("ATS8=7 N5 S8=9") == "ERROR"
    assert desk.say("ATS8?").startswith("007")


def test_only_the_last_result_of_a_line_is_told() -> None:
    assert one_desk().type(b"ATE0V1Q0X4&C1\r") == b"\r\nOK\r\n"


@pytest.mark.parametrize(
    "command",
    [
        *("ATB0", "ATN1", "ATY0", "AT&A0", "AT\\N3", "AT%C0", "AT!", "AT?", "AT=1"),
        *("ATS", "ATS7", "ATS=", "ATS7=", "ATS7=x", "ATS99?", "ATS13?", "ATS14=1"),
        *("ATI9", "ATH2", "ATO1", "ATZ2", "AT&F1", "AT&W2", "AT&V1", "AT&Z", "ATA1"),
        *("AT&", "AT+FCLASS=1", "AT+VCID", "AT+VCID=2", "AT&Z9=1", "AT&Z0=xyz"),
        *("ATD", "ATDL", "ATDS", "ATDS=3", "ATD12Q3", "ATDP12A", "ATO", "ATT1"),
    ],
)
def test_what_the_modem_does_not_know_is_an_error(command: str) -> None:
    assert one_desk().say(command) == "ERROR"


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_can_be_all_that_it_may_be_and_nothing_else(name: str) -> None:
    _, values = SETTINGS[name]
    for value in range(8):
        desk = one_desk()
        possible = value in values
        # What the modem says then, it may say in digits, or not at all.
        desk.say(f"AT{name}{value}")
        assert (desk.modem.profile.settings[name] == value) is (
            possible or value == SETTINGS[name][0]
        )
        answer = desk.say(f"ATQ0V1{name}{value}V1Q0")
        assert answer.endswith("OK" if possible else "ERROR")
    # A number that is left out is 0.
    desk.say(f"AT{name}")
    assert desk.modem.profile.settings[name] == 0


@pytest.mark.parametrize("number", REGISTERS)
def test_every_register_can_be_read_and_set_within_its_range(number: int) -> None:
    desk = one_desk()
    kind = REGISTERS[number]
    assert desk.say(f"ATS{number}?") == f"{kind.usual:03d}\r\n\r\nOK"
    if not kind.settable:
        assert desk.say(f"ATS{number}=1") == "ERROR"
        return
    for value in (kind.least - 1, kind.most + 1):
        if value >= 0:
            assert desk.say(f"ATS{number}={value}") == "ERROR"
    keep = {3: 13, 4: 10, 5: 8}.get(number, 9 if number == 37 else kind.most)
    assert desk.say(f"ATS{number}={keep}") == "OK"
    assert desk.say(f"ATS{number}?") == f"{keep:03d}\r\n\r\nOK"


def test_registers_that_do_not_exist_are_errors() -> None:
    desk = one_desk()
    for number in set(range(300)) - set(REGISTERS):
        assert desk.say(f"ATS{number}?", 0.01) == "ERROR", number


def test_digits_stand_before_a_carriage_return_alone() -> None:
    desk = one_desk()
    assert desk.type(b"ATV0\r") == b"0\r"
    assert desk.type(b"ATS7?\r") == b"050\r\n0\r"
    assert desk.type(b"ATS99?\r") == b"4\r"
    assert desk.type(b"ATV1\r") == b"\r\nOK\r\n"


def test_line_ends_are_what_s3_and_s4_say() -> None:
    desk = one_desk()
    assert desk.type(b"ATS4=33\r") == b"\r!OK\r!"
    assert desk.type(b"ATS3=36\r") == b"$!OK$!"
    assert desk.type(b"AT$") == b"$!OK$!"
    assert desk.type(b"ATV0$") == b"0$"


def test_a_modem_that_is_told_to_be_quiet_tells_no_results() -> None:
    desk = one_desk()
    assert desk.type(b"ATQ1\r") == b""
    assert desk.type(b"ATS7?\r") == b"\r\n050\r\n"
    assert desk.type(b"ATQ0\r") == b"\r\nOK\r\n"


def test_a_modem_says_what_it_is() -> None:
    desk = one_desk()
    assert desk.say("ATI").splitlines()[0] == "33600"
    assert desk.say("ATI2") == "OK"
    assert "RMFS" in desk.say("ATI3")
    assert "V.34" in desk.say("ATI4")
    assert desk.type(b"ATI0I3\r").count(b"OK") == 1


def test_a_profile_is_written_brought_back_and_reset_to_the_makers() -> None:
    desk = one_desk()
    desk.say("ATS8=9X1&W")
    desk.say("ATS8=5&W1")
    assert "S08:009" in desk.say("AT&V").split("STORED PROFILE 0")[1]
    assert desk.say("AT&FE0") == "OK"
    assert desk.say("ATS8?").startswith("002")
    assert desk.say("ATZ") == "OK"
    assert desk.say("ATS8?").startswith("009")
    desk.say("ATZ1")
    assert desk.say("ATS8?").startswith("005")


def test_what_follows_a_reset_in_its_line_is_not_executed() -> None:
    desk = one_desk()
    desk.say("AT&W")
    assert desk.say("ATZS8=77") == "OK"
    assert desk.say("ATS8?").startswith("002")


def test_a_modem_comes_up_with_its_stored_profile() -> None:
    store = MemoryProfiles()
    first = one_desk(profiles=store)
    first.say("ATS7=33&W")
    again = ModemDesk(Clock(), PhoneNetwork(Clock()), "1", profiles=store).sit_down()
    assert again.say("ATS7?") == "033\r\n\r\nOK"


def test_telephone_numbers_are_kept_and_dialled() -> None:
    desk = one_desk()
    assert desk.say("AT&Z2=080,222") == "OK"
    assert "2=080,222" in desk.say("AT&V")
    desk.say("ATDS=2", 10)
    assert [news.words for news in desk.news if news.event == "dialling"] == [
        "dials 080222"
    ]
    assert desk.type(b"x") == b"\r\nNO CARRIER\r\n"
    desk.say("ATDL", 10)
    assert desk.news[-1].words == "dials 080222"


def test_profiles_outlive_the_program_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    one_desk(profiles=FileProfiles(path)).say("ATS7=44&W&Z1=1930")
    again = FileProfiles(path)
    assert again.profile(0).registers.get(7) == 44
    assert again.profile(1).registers.get(7) == 50
    assert again.number(1) == "1930"


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "{", "[" * 60_000, "\xff"),
        '{"profiles": {"0": {"settings": {"E": 7}}}}',
    ],
)
def test_a_file_of_profiles_that_is_none_says_what_to_do(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "profiles.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ProfileError, match="delete it"):
        FileProfiles(path)


def test_a_profile_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    store = FileProfiles(tmp_path / "missing" / "profiles.json")
    desk = one_desk(profiles=store)
    assert desk.say("AT&W") == "ERROR"
    assert desk.say("AT") == "OK"
