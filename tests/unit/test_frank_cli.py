"""`rmfs frank`, as a person at a counter types it."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import zxingcpp
from click.testing import CliRunner, Result
from PIL import Image

from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from protocol.errors import RmfsError
from protocol.indicium import (
    Indicium,
    Verdict,
    authentication_code,
    authentication_key,
    sign_indicium,
)
from protocol.keys import (
    MachineIdentity,
    MachineProvisioning,
    MakerKey,
    Realm,
    SigningKey,
    read_private_key,
    write_private_key,
    write_provisioning,
    write_public_key,
)
from protocol.values import LicenceIdentifier, Paise, RechargeNumber
from rmfs_server.folder import Settings, create_server, read_server
from rmfs_tools.cli import main
from rmfs_tools.frank_cli import add_commands
from tests.spec.franks import FRANK, MACHINE, TIME, TODAY, ZERO, next_frank

OCTETS = sign_indicium(FRANK, MACHINE)
VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"


def picture(*octets: bytes) -> bytes:
    """Draw barcodes side by side on white paper, as a PNG."""
    paper = Image.new("L", (300 * max(1, len(octets)), 300), 255)
    for place, content in enumerate(octets):
        symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.DataMatrix)
        drawn: Any = symbol.to_image(scale=5)
        view = memoryview(drawn)
        assert view.shape is not None
        height, width = view.shape
        modules = Image.frombytes("L", (width, height), view.tobytes())
        paper.paste(modules, (300 * place + 40, 40))
    file = io.BytesIO()
    paper.save(file, "PNG")
    return file.getvalue()


class Counter:
    """A person at a post office counter, with a folder of papers and scans."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.maker = MakerKey.generate("maker", Realm.TEST, SeededEntropy(b"maker"))
        self.root = click.Group()
        add_commands(self.root)
        (folder / "factory.pem").write_text(
            write_private_key(self.maker.signing.scalar)
        )
        create_server(
            folder / "server",
            Settings("rmfs.example", Realm.TEST),
            entropy=SeededEntropy(b"server"),
            clock=MemoryWallClock(datetime.fromtimestamp(TIME, UTC)),
            maker_key=folder / "factory.pem",
        )
        self.provision(MACHINE)

    def provision(
        self, machine: MachineIdentity, name: str = "provisioning.json"
    ) -> Path:
        content = MachineProvisioning(
            machine.credential,
            "FM 100",
            "1.0.3",
            Paise(0),
            Paise(0),
            Paise(0),
            0,
            0,
            RechargeNumber(0),
            TIME,
        )
        return self.write(name, write_provisioning(content, self.maker).encode())

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def frank(self, indicium: Indicium, name: str = "front.png") -> str:
        return str(self.write(name, picture(sign_indicium(indicium, MACHINE))))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(
            self.root, ["frank", *arguments], standalone_mode=False
        )

    def verify(self, *arguments: str, today: str = "2026-11-22") -> Result:
        return self.run(
            "verify",
            *arguments,
            *("--machine", str(self.folder / "provisioning.json")),
            *("--maker", str(self.folder / "server" / "makers" / "maker.pem")),
            *("--today", today),
        )


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


def said(result: Result, code: int) -> str:
    if isinstance(result.exception, Exception):
        raise result.exception
    assert result.return_value == code, result.output
    return result.stdout


def test_a_picture_of_a_genuine_frank_is_genuine(counter: Counter) -> None:
    shown = said(counter.verify(counter.frank(FRANK)), 0)

    assert "front.png: GENUINE (IND-20-000)\n" in shown
    assert "  signed by the machine:\n    value      Rs 5.00\n" in shown
    assert "class      L\n" in shown
    assert "made       2026-11-22 11:00:00 in India" in shown
    assert "item       42 (with a value: 40)" in shown
    assert "AR         Rs 1,264.00" in shown
    assert "realm      TEST (a specimen: it pays nothing)" in shown
    assert "not checked: copies, twins and put-back memories" in shown
    assert "not checked: the authentication code" in shown


def test_the_folder_of_a_server_knows_the_makers(counter: Counter) -> None:
    result = counter.run(
        *("verify", OCTETS.hex(), "--today", "2026-11-22"),
        *("--machine", str(counter.folder / "provisioning.json")),
        *("--maker", str(counter.folder / "server")),
    )
    assert "GENUINE" in said(result, 0)


def test_octets_in_hex_and_in_a_file_are_verified_as_well(counter: Counter) -> None:
    file = counter.write("frank.bin", OCTETS)
    assert "GENUINE" in said(counter.verify(OCTETS.hex()), 0)
    assert "GENUINE" in said(counter.verify(str(file)), 0)


def test_a_forged_frank_is_not_genuine_and_not_to_be_believed(
    counter: Counter,
) -> None:
    forged = OCTETS[:30] + (50_000).to_bytes(4, "big") + OCTETS[34:]
    path = counter.write("front.png", picture(forged))

    shown = said(counter.verify(str(path)), 1)

    assert "FORGED (IND-20-005): the signature is not of N123456" in shown
    assert "what to do: keep the mail piece and tell the inspector" in shown
    assert "claimed by the barcode, not to be believed:" in shown
    assert "signed by the machine" not in shown


def test_a_zero_imprint_pays_nothing(counter: Counter) -> None:
    assert "Rs 0.00 (a zero imprint: it pays nothing)" in said(
        counter.verify(counter.frank(ZERO)), 0
    )


def test_a_copy_is_found_when_a_register_is_kept(counter: Counter) -> None:
    register = ("--seen", str(counter.folder / "seen.sqlite"))
    original = counter.frank(FRANK)

    assert "GENUINE" in said(counter.verify(original, *register), 0)
    shown = said(counter.verify(original, *register), 1)

    assert (
        "COPIED (IND-20-009): this very frank was seen before, on 2026-11-22" in shown
    )
    assert "copies" not in shown.partition("not checked")[2]


def test_twins_and_put_back_memories_are_found_in_one_run(counter: Counter) -> None:
    later = next_frank(skip=2)
    sources = [
        counter.frank(FRANK, "1.png"),
        counter.frank(replace(FRANK, weight_g=40), "2.png"),
        counter.frank(replace(later, ascending_paise=Paise(500)), "3.png"),
    ]

    shown = said(
        counter.verify(*sources, "--seen", str(counter.folder / "seen.sqlite")), 1
    )

    assert "1.png: GENUINE" in shown
    assert "2.png: CLONED" in shown
    assert "3.png: ROLLED_BACK" in shown


def test_two_franks_in_one_picture_are_two(counter: Counter) -> None:
    both = picture(OCTETS, sign_indicium(next_frank(), MACHINE))
    shown = said(counter.verify(str(counter.write("page.png", both))), 0)
    assert shown.count("page.png: GENUINE") == 2


def printed(**facts: str) -> list[str]:
    return [
        part for name, text in facts.items() for part in ("--printed", f"{name}={text}")
    ]


def test_everything_printed_is_compared_and_the_code_with_the_servers_key(
    counter: Counter,
) -> None:
    server = read_server(counter.folder / "server").identity
    code = authentication_code(authentication_key(server, MACHINE.credential), FRANK)
    facts = {
        "value": "5.00",
        "date": "22.11.2026",
        "item": "42",
        "licence": "N123456",
        "pin": "560001",
        "class": "L",
        "code": f"{code[:4]} {code[4:]}",
    }
    key = ("--server-key", str(counter.folder / "server"))
    front = counter.frank(FRANK)

    right = said(counter.verify(front, *printed(**facts), *key), 0)
    wrong = said(
        counter.verify(
            front,
            *printed(**{**facts, "value": "500.00", "code": "0000 0000"}),
            *key,
        ),
        1,
    )

    assert "not checked: the authentication code" not in right
    assert "ALTERED (IND-20-008): the value printed is Rs 500.00" in wrong
    assert "the authentication code 00000000 is not this one's" in wrong


def test_without_the_servers_key_a_code_is_not_checked(counter: Counter) -> None:
    shown = said(counter.verify(OCTETS.hex(), *printed(code="00000000")), 0)
    assert "not checked: the authentication code" in shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour=blue", "the names are value, date, item"),
        ("value", "write NAME=TEXT"),
        ("code= ", "write NAME=TEXT"),
        ("value=Rs 5", "write rupees as 2000"),
        ("date=tomorrow", "write a date as 2026-11-22"),
        ("date=31.11.2026", "day"),
        ("licence=123456", "not a licence identifier"),
        ("class=QQ", "no product class"),
    ],
)
def test_a_printed_fact_that_cannot_be_read_is_typed_wrong(
    counter: Counter, text: str, words: str
) -> None:
    result = counter.verify(OCTETS.hex(), "--printed", text)
    assert isinstance(result.exception, click.UsageError)
    assert words in result.exception.message


def test_printed_facts_are_about_one_frank_and_told_once(counter: Counter) -> None:
    two = counter.verify(OCTETS.hex(), OCTETS.hex(), *printed(item="42"))
    twice = counter.verify(OCTETS.hex(), *printed(item="42"), *printed(item="43"))

    assert isinstance(two.exception, click.UsageError)
    assert "give one IMAGE" in two.exception.message
    assert isinstance(twice.exception, click.UsageError)
    assert "given twice" in twice.exception.message


@pytest.mark.parametrize(
    ("today", "options", "code", "verdict"),
    [
        ("2026-11-22", (), 0, "GENUINE"),
        ("2026-11-23", (), 1, "STALE"),
        ("2026-11-23", ("--past-days", "1"), 0, "GENUINE"),
        ("2026-11-21", (), 1, "NOT_YET"),
    ],
)
def test_the_date_is_that_of_the_day_when_the_mail_is_handed_in(
    counter: Counter, today: str, options: tuple[str, ...], code: int, verdict: str
) -> None:
    result = counter.verify(OCTETS.hex(), *options, today=today)
    assert f"{verdict} (" in said(result, code)


def test_the_dated_parameter_says_how_far_ahead_a_frank_may_be_dated(
    counter: Counter,
) -> None:
    ahead = replace(FRANK, printed_on=TODAY + timedelta(days=31))
    shown = said(counter.verify(sign_indicium(ahead, MACHINE).hex()), 1)
    assert "accepted: 30 days ahead" in shown


def test_today_is_the_clocks_date_when_it_is_not_given(counter: Counter) -> None:
    result = counter.run("verify", OCTETS.hex(), "--json")
    found = json.loads(said(result, 1))
    assert found["today"] >= "2025"
    assert found["franks"][0]["verdict"] == "UNKNOWN_MACHINE"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (picture(), "no symbol was read"),
        (
            picture(b"https://example.org"),
            "none of the symbols that were read (1) is a frank's",
        ),
        (b"a letter, not a picture", "this is no picture"),
    ],
)
def test_a_picture_without_a_frank_is_not_readable(
    counter: Counter, content: bytes, words: str
) -> None:
    shown = said(counter.verify(str(counter.write("front.png", content))), 3)
    assert "front.png: NOT_READABLE (IND-20-001)" in shown
    assert words in shown
    assert "what to do: scan again" in shown


def test_one_that_is_not_genuine_outweighs_one_that_cannot_be_read(
    counter: Counter,
) -> None:
    result = counter.verify("00", OCTETS.hex(), today="2026-11-30")
    assert "NOT_READABLE" in said(result, 1)


def test_a_frank_of_a_machine_without_papers_is_unknown(counter: Counter) -> None:
    other = MachineIdentity.generate(
        LicenceIdentifier("N123457"), "PSD00002", Realm.TEST, SeededEntropy(b"other")
    )
    octets = sign_indicium(replace(FRANK, licence=other.licence_identifier), other)
    shown = said(counter.verify(octets.hex()), 1)
    assert "UNKNOWN_MACHINE (IND-20-003): no machine N123457 is known here" in shown

    papers = str(counter.provision(other, "other.json"))
    assert "GENUINE" in said(counter.verify(octets.hex(), "--machine", papers), 0)


def test_papers_that_no_known_maker_signed_are_refused(counter: Counter) -> None:
    counter.maker = MakerKey.generate("maker", Realm.TEST, SeededEntropy(b"another"))
    counter.provision(MACHINE)
    with pytest.raises(RmfsError, match="the maker is not known here"):
        said(counter.verify(OCTETS.hex()), 1)


def test_a_file_that_is_too_long_to_be_papers_is_not_read(counter: Counter) -> None:
    papers = str(counter.write("long.json", b" " * 5000))
    result = counter.verify(OCTETS.hex(), "--machine", papers)
    assert isinstance(result.exception, RmfsError)
    assert "is too long: 4,096 octets at most" in str(result.exception)


def test_papers_without_a_maker_prove_nothing(counter: Counter) -> None:
    papers = str(counter.folder / "provisioning.json")
    result = counter.run("verify", OCTETS.hex(), "--machine", papers)
    assert isinstance(result.exception, click.UsageError)
    assert "--machine needs --maker" in result.exception.message


def test_a_private_key_is_no_makers_public_key_and_is_not_shown(
    counter: Counter,
) -> None:
    private = counter.folder / "factory.pem"
    scalar = SigningKey(read_private_key(private.read_bytes())).scalar
    result = counter.verify(OCTETS.hex(), "--maker", str(private))
    assert isinstance(result.exception, RmfsError)
    assert "is no public key of a maker" in str(result.exception)
    assert scalar.hex() not in str(result.exception)


def test_papers_of_the_test_realm_are_nothing_in_production(counter: Counter) -> None:
    result = counter.verify(OCTETS.hex(), "--realm", "production")
    assert isinstance(result.exception, RmfsError)
    assert "another realm" in str(result.exception)


def test_a_servers_key_of_another_realm_is_not_used(counter: Counter) -> None:
    result = counter.run(
        *("verify", OCTETS.hex(), "--realm", "production"),
        *("--server-key", str(counter.folder / "server")),
    )
    assert isinstance(result.exception, click.UsageError)
    assert "say --realm test" in result.exception.message


def test_what_is_no_file_and_no_hex_is_typed_wrong(counter: Counter) -> None:
    for source in ("front.pgn", "x" * 5000):
        result = counter.verify(source)
        assert isinstance(result.exception, click.UsageError)
        assert "is no file, and no octets in hex" in result.exception.message


def test_programs_read_verdicts_reasons_and_fields(counter: Counter) -> None:
    found = json.loads(said(counter.verify(OCTETS.hex(), "--json"), 0))
    (frank,) = found["franks"]
    assert frank["verdict"] == "GENUINE"
    assert frank["code"] == "IND-20-000"
    assert frank["reasons"] == []
    assert frank["unchecked"] == ["SEEN", "PRINT", "CODE"]
    assert frank["signed"] is True
    assert frank["says"]["value_paise"] == 500
    assert frank["says"]["printed_on"] == "2026-11-22"
    assert frank["says"]["octets"] == OCTETS.hex()

    late = json.loads(said(counter.verify("00", "--json"), 3))
    assert late["franks"][0]["reasons"][0]["verdict"] == "NOT_READABLE"
    assert late["franks"][0]["says"] is None


def test_show_says_what_the_barcode_says_and_that_nothing_was_verified(
    counter: Counter,
) -> None:
    forged = OCTETS[:-1] + bytes([OCTETS[-1] ^ 1])
    shown = said(counter.run("show", str(counter.write("f.png", picture(forged)))), 0)
    assert "f.png: NOT VERIFIED; this is what the barcode says" in shown
    assert "value      Rs 5.00" in shown
    assert f"signature {forged[45:].hex()}" in shown
    assert "this product's own, not India Post's" in shown


def test_programs_are_told_that_nothing_was_verified(counter: Counter) -> None:
    found = json.loads(said(counter.run("show", OCTETS.hex(), "--json"), 0))
    assert found["franks"][0]["verified"] is False
    assert found["franks"][0]["says"]["item"] == 42


def test_show_tells_when_there_is_nothing_to_show(counter: Counter) -> None:
    result = counter.run("show", str(counter.write("f.png", picture())))
    assert said(result, 3) == ""
    assert "no symbol was read" in result.stderr
    malformed = counter.run("show", (b"\x02" + OCTETS[1:]).hex())
    assert "a field is impossible: version 2" in str(malformed.exception)


def test_the_command_belongs_to_rmfs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frank", "show", OCTETS.hex()]) == 0
    assert "NOT VERIFIED" in capsys.readouterr().out
    assert main(["frank", "verify"]) == 2


def test_the_example_of_the_docs_is_what_the_vectors_give(tmp_path: Path) -> None:
    def vectors(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((VECTORS / name).read_text("utf-8"))
        return found

    keys, franks = vectors("key.json"), vectors("ind.json")["franks"]
    name = keys["maker_key"]["name"]
    maker = SigningKey(bytes.fromhex(keys["maker_key"]["private"]))
    papers, trusted = tmp_path / "provisioning.json", tmp_path / f"{name}.pem"
    front = tmp_path / "front.png"
    papers.write_text(json.dumps(keys["machine_file"]))
    trusted.write_text(write_public_key(maker.public.point))
    front.write_bytes(picture(bytes.fromhex(franks[0]["octets"])))
    root = click.Group()
    add_commands(root)

    result = CliRunner().invoke(
        root,
        [
            *("frank", "verify", str(front), "--today", "2026-11-22"),
            *("--machine", str(papers), "--maker", str(trusted)),
            *("--seen", str(tmp_path / "seen.sqlite"), "--printed", "value=5.00"),
        ],
        standalone_mode=False,
    )

    page = (VECTORS.parents[1] / "docs" / "franks.md").read_text("utf-8")
    example = page.partition("--printed value=5.00\n")[2].partition("```")[0]
    assert said(result, 0).replace(str(front), "front.png") == example


def test_the_docs_name_every_verdict_with_its_code() -> None:
    page = (VECTORS.parents[1] / "docs" / "franks.md").read_text("utf-8")
    specification = (VECTORS.parent / "SPEC.md").read_text("utf-8")
    for verdict in Verdict:
        row = f"\n| {verdict.name} | {verdict.code} | "
        assert row in page
        assert row in specification
