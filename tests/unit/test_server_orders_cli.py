"""`rmfs server order`, `orders`, `take-back`, `credit-key`, as a person types them."""

import stat
from datetime import date
from pathlib import Path

import click
import pytest

from hw.entropy import SeededEntropy
from protocol.contents import (
    CreditKeyUpdate,
    ProductClass,
    Step,
    Tariff,
    make_content,
    read_body,
    read_content,
    write_content,
)
from protocol.dialogue.server import Closed, Delivered
from protocol.errors import RmfsError
from protocol.keys import (
    MakerKey,
    Realm,
    read_server_provisioning,
    write_private_key,
)
from protocol.messages import Capability, Voucher
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier
from tests.desk import WHO, Desk, enrol, maker_of, office_of, recharge
from tests.paper_machine import LICENCE, NOW, PaperMachine

SECOND, THIRD = LicenceIdentifier("N000002"), LicenceIdentifier("N000003")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "rmfs-server")
    desk.said("server", "init", "--name", "TEST-OEM")
    return desk


@pytest.fixture
def machine(desk: Desk, tmp_path: Path) -> PaperMachine:
    machine = PaperMachine()
    machine.capabilities = sum(Capability)
    enrol(desk, machine, tmp_path / "provisioning.json")
    return machine


@pytest.fixture
def fleet(desk: Desk, machine: PaperMachine, tmp_path: Path) -> None:
    """Enrol two more machines."""
    for number, licence in enumerate((SECOND, THIRD), start=2):
        other = PaperMachine(licence, f"PSD0000{number}", seed=licence.encode())
        enrol(desk, other, tmp_path / f"{licence}.json")


@pytest.fixture
def tariff(desk: Desk, tmp_path: Path) -> Path:
    return write_tariff(maker_of(desk), tmp_path / "tariff.fmpc")


def write_tariff(maker: MakerKey, file: Path, model: str = "") -> Path:
    steps = (Step(20, (500,)),)
    letter = ProductClass(1, "L", "Letter", "a test", (), steps, None, 20)
    body = Tariff(1, date(2026, 12, 1), "Winter 2026", "a test", (letter,))
    content = make_content(body, Realm.TEST, NOW, model=model)
    file.write_bytes(write_content(content, maker))
    return file


def inspect(desk: Desk, machine: PaperMachine) -> None:
    with office_of(desk) as office:
        office.inspect(machine)


def credit_key_used(desk: Desk, machine: PaperMachine) -> int:
    """Recharge, and say which key has signed the voucher."""
    with office_of(desk) as office:
        # The same deposit on the same balance would be the one made before.
        office.deposit(1_000_000 + machine.number, machine.licence)
        turn, answer = office.state(machine, RequestKind.RECHARGE, 100_000)
        assert isinstance(answer, Delivered)
        machine.apply(answer.voucher)
        closed = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
        assert isinstance(closed, Closed)
        office.books.store_goodbye(turn, machine.take(closed), NOW)
    return Voucher.decode(answer.voucher).credit_key


def test_a_tariff_is_ordered_by_its_file(
    desk: Desk, machine: PaperMachine, tariff: Path
) -> None:
    said = desk.said("server", "order", LICENCE, "tariff", str(tariff))
    assert said == "order 1 goes to N123456 at its next dial-in\n"
    content_id = read_content(tariff.read_bytes(), maker_of(desk).public).content_id
    found = desk.json("server", "orders", LICENCE)
    assert (found["licence"], found["capabilities"]) == (LICENCE, None)
    (given,) = found["orders"]
    assert (given["kind"], given["value"]) == ("TARIFF", None)
    assert given["content"] == f"{content_id:016x}"
    shown = desk.said("server", "orders", LICENCE)
    assert f"1: TARIFF 1, Winter 2026 ({content_id:016x}), waiting" in shown
    inspect(desk, machine)
    inspect(desk, machine)
    assert ", applied" in desk.said("server", "orders", LICENCE)
    assert ", applied" in desk.said("server", "show", LICENCE)


def test_a_machine_without_orders_is_shown_so(
    desk: Desk, machine: PaperMachine
) -> None:
    assert desk.said("server", "orders", LICENCE) == "N123456 has no orders\n"
    with pytest.raises(RmfsError, match="no machine is enrolled as N000009"):
        desk.said("server", "orders", "N000009")


def test_a_file_of_another_kind_than_was_typed_is_refused(
    desk: Desk, machine: PaperMachine, tariff: Path
) -> None:
    with pytest.raises(RmfsError, match="is TARIFF 1, Winter 2026, and slogan"):
        desk.said("server", "order", LICENCE, "slogan", str(tariff))
    with pytest.raises(RmfsError, match="cannot be read"):
        desk.said("server", "order", LICENCE, "tariff", str(tariff) + "-not")


def test_a_file_that_a_stranger_signed_is_refused(
    desk: Desk, machine: PaperMachine, tmp_path: Path
) -> None:
    stranger = MakerKey.generate("maker", Realm.TEST, SeededEntropy(b"stranger"))
    file = write_tariff(stranger, tmp_path / "forged.fmpc")
    with pytest.raises(RmfsError, match="signature does not verify"):
        desk.said("server", "order", LICENCE, "tariff", str(file))
    assert desk.json("server", "orders", LICENCE)["orders"] == []


def test_one_order_goes_to_every_machine_in_use(
    desk: Desk, fleet: None, tariff: Path
) -> None:
    desk.said("server", "revoke", THIRD, *WHO)
    said = desk.said("server", "order", "--all", "tariff", str(tariff))
    assert said.splitlines() == [
        "N000002: order 1",
        "N123456: order 1",
        "tariff: 2 machines ordered, 0 left out, 0 refused",
    ]
    again = desk.json("server", "order", "--all", "tariff", str(tariff))
    assert again["counts"] == {"ordered": 0, "waiting": 2, "refused": 0}
    assert again["waiting"] == [SECOND, LICENCE]


def test_machines_that_cannot_have_an_order_for_all_are_told(
    desk: Desk, fleet: None, tmp_path: Path
) -> None:
    file = write_tariff(maker_of(desk), tmp_path / "other.fmpc", "OTHER-9")
    result = desk.run("server", "order", "--all", "tariff", str(file))
    assert result.return_value == 1
    assert "N000002: refused: TARIFF 1, Winter 2026 is for machines" in result.stdout
    assert result.stdout.endswith("0 left out, 3 refused\n")
    assert desk.json("server", "orders", SECOND)["orders"] == []


def test_an_order_for_all_may_carry_a_value(desk: Desk, fleet: None) -> None:
    found = desk.json("server", "order", "--all", "frank-limit", "500.00")
    assert found["ordered"] == [
        {"licence": licence, "serial": 1} for licence in (SECOND, THIRD, LICENCE)
    ]
    shown = desk.said("server", "orders", THIRD)
    assert "1: FRANK_LIMIT Rs 500.00, waiting" in shown


@pytest.mark.parametrize(
    "words", [("tariff",), ("N123456", "lock"), ("--all", LICENCE, "lock")]
)
def test_an_order_names_a_licence_or_all(
    desk: Desk, machine: PaperMachine, words: tuple[str, ...]
) -> None:
    words = words if words[0] != LICENCE else ("--all", *words)
    with pytest.raises(click.UsageError):
        desk.said("server", "order", *words)


def test_an_order_is_taken_back_with_a_reason(
    desk: Desk, machine: PaperMachine
) -> None:
    desk.said("server", "order", LICENCE, "lock", "3")
    with pytest.raises(click.UsageError, match="reason"):
        desk.said("server", "take-back", LICENCE, "1")
    said = desk.said("server", "take-back", LICENCE, "1", *WHO)
    assert said == "order 1 of N123456, LOCK, is taken back\n"
    assert "1: LOCK 3, taken back" in desk.said("server", "orders", LICENCE)
    with pytest.raises(RmfsError, match="taken back before"):
        desk.said("server", "take-back", LICENCE, "1", *WHO)


def test_an_order_that_was_sent_is_taken_back_with_a_warning(
    desk: Desk, machine: PaperMachine
) -> None:
    desk.said("server", "order", LICENCE, "lock", "3")
    with office_of(desk) as office:
        office.state(machine)
    assert "sent, not acknowledged" in desk.said("server", "orders", LICENCE)
    said = desk.said("server", "take-back", LICENCE, "1", *WHO)
    assert "it was sent before: the machine may have applied it" in said


def test_an_order_that_is_held_back_says_why(
    desk: Desk, machine: PaperMachine, tariff: Path
) -> None:
    machine.capabilities = int(Capability.LIMITS)
    inspect(desk, machine)
    desk.said("server", "order", LICENCE, "tariff", str(tariff))
    desk.said("server", "order", LICENCE, "frank-limit", "500")
    found = desk.json("server", "orders", LICENCE)
    assert found["capabilities"] == ["LIMITS"]
    assert [one["held_back"] for one in found["orders"]] == [
        "the machine's firmware lacks the capability TARIFF",
        "waits behind order 1",
    ]
    shown = desk.said("server", "show", LICENCE)
    assert "held back: the machine's firmware lacks the capability TARIFF" in shown


def test_a_new_credit_key_comes_with_what_machines_need(desk: Desk) -> None:
    made = desk.json("server", "credit-key", "new")
    assert made["credit_key"] == 2
    mode = stat.S_IMODE((desk.folder / "credit-2.pem").stat().st_mode)
    assert mode == 0o600
    server, maker = desk.read(), maker_of(desk).public
    key = server.find_credit_key(2)
    assert key is not None
    told = read_server_provisioning(Path(made["provisioning"]).read_bytes(), [maker])
    assert (told.credit_key_id, told.credit_key) == (2, key.signing.public)
    body = read_body(read_content(Path(made["content"]).read_bytes(), maker))
    assert body == CreditKeyUpdate(told)
    assert told.credential.ccs == server.identity.credential.ccs
    assert desk.json("server", "credit-key", "new")["credit_key"] == 3
    # The first one is still that of the settings, and of server.json.
    assert server.credit_key.key_id == desk.read().credit_key.key_id == 1


def test_a_new_credit_key_is_signed_by_a_maker_that_is_known_here(
    desk: Desk, tmp_path: Path
) -> None:
    stranger = MakerKey.generate("maker", Realm.TEST, SeededEntropy(b"stranger"))
    file = tmp_path / "stranger.pem"
    file.write_text(write_private_key(stranger.signing.scalar))
    with pytest.raises(RmfsError, match="no maker that is known here"):
        desk.said("server", "credit-key", "new", "--maker", str(file))
    (desk.folder / "maker.pem").rename(tmp_path / "maker.pem")
    with pytest.raises(RmfsError, match=r"maker\.pem cannot be read"):
        desk.said("server", "credit-key", "new")
    maker = str(tmp_path / "maker.pem")
    assert "credit key 2" in desk.said("server", "credit-key", "new", "--maker", maker)


def test_a_credit_key_is_changed_from_its_order_to_the_end_of_the_old_one(
    desk: Desk, machine: PaperMachine
) -> None:
    recharge(desk, machine, 200_000)
    made = desk.json("server", "credit-key", "new")
    desk.said("server", "order", "--all", "credit-key", made["content"])
    assert credit_key_used(desk, machine) == 1
    assert credit_key_used(desk, machine) == 2
    desk.said("server", "order", LICENCE, "retire-credit-key", "1")
    with pytest.raises(RmfsError, match="last"):
        desk.said("server", "order", LICENCE, "retire-credit-key", "2")
    assert credit_key_used(desk, machine) == 2
    assert desk.said("server", "verify") == "the books add up\n"


def test_vouchers_of_both_keys_are_evidence(
    desk: Desk, machine: PaperMachine, tmp_path: Path
) -> None:
    recharge(desk, machine, 200_000)
    made = desk.json("server", "credit-key", "new")
    desk.said("server", "order", LICENCE, "credit-key", made["content"])
    inspect(desk, machine)
    assert credit_key_used(desk, machine) == 2
    fingerprints = set()
    for number in ("1", "2"):
        folder = tmp_path / number
        said = desk.said("evidence", LICENCE, number, "--out", str(folder))
        assert f"{folder} verifies: POSTED" in said
        fingerprints.add(said.splitlines()[-1])
    assert len(fingerprints) == 2


def test_a_server_that_runs_finds_a_key_that_was_made_meanwhile(
    desk: Desk, machine: PaperMachine
) -> None:
    with office_of(desk) as office:
        made = desk.json("server", "credit-key", "new")
        desk.said("server", "order", LICENCE, "credit-key", made["content"])
        office.inspect(machine)
        office.deposit(100_000)
        _, answer = office.state(machine, RequestKind.RECHARGE, 100_000)
        assert isinstance(answer, Delivered)
        assert Voucher.decode(answer.voucher).credit_key == 2


def test_a_machine_made_with_a_later_key_is_enrolled_with_it(
    desk: Desk, tmp_path: Path
) -> None:
    machine = PaperMachine()
    file = tmp_path / "provisioning.json"
    with pytest.raises(RmfsError, match="credit key 2 is not held"):
        enrol(desk, machine, file, "--credit-key", "2")
    desk.said("server", "credit-key", "new")
    enrol(desk, machine, file, "--credit-key", "2")
    assert credit_key_used(desk, machine) == 2
    shown = desk.json("server", "show", LICENCE)
    assert shown["machine"]["enrolled_credit_key"] == 2


def test_ids_of_credit_keys_are_never_used_twice(
    desk: Desk, machine: PaperMachine
) -> None:
    """The books remember a key that has signed, even where its file is gone."""
    made = desk.json("server", "credit-key", "new")
    desk.said("server", "order", LICENCE, "credit-key", made["content"])
    inspect(desk, machine)
    assert credit_key_used(desk, machine) == 2
    for name in ("credit-2.pem", "server-2.json", "credit-key-2.fmpc"):
        (desk.folder / name).unlink()
    assert desk.json("server", "credit-key", "new")["credit_key"] == 3
    # The machine still knows the first key, and is served with it.
    assert credit_key_used(desk, machine) == 1
    assert desk.said("server", "verify") == "the books add up\n"


def test_credit_keys_end_at_255(desk: Desk) -> None:
    (desk.folder / "credit-2.pem").write_text("")
    (desk.folder / "credit-2.pem").rename(desk.folder / "credit-255.pem")
    with pytest.raises(RmfsError, match="used up"):
        desk.said("server", "credit-key", "new")
