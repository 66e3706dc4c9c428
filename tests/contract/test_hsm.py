"""A token in SoftHSM: keys that stay in it, PINs, and a token that goes away."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from hw.clock import MemoryMonotonicClock
from hw.entropy import SeededEntropy
from hw.hsm import (
    HsmError,
    HsmPinError,
    HsmPlace,
    HsmSigner,
    HsmWrongKeyError,
    show_place,
)
from hw.hsm.device import LOOK_AGAIN_S, RETRY_AFTER_S, Hsm
from protocol.keys import SigningKey, VerifyingKey
from tests.hsm import CREDIT_ID, RemoteHsm, a_remote_hsm, a_token, hsm_at

DIGEST = bytes(32)


@pytest.fixture
def place(tmp_path: Path) -> HsmPlace:
    return a_token(tmp_path / "token")


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[RemoteHsm]:
    with a_remote_hsm(tmp_path / "token") as remote:
        yield remote


def with_pin(place: HsmPlace, pin: str) -> HsmPlace:
    file = Path(place.pin.removeprefix("file:")).with_name("another-pin")
    file.touch(0o600)
    file.write_text(pin)
    return replace(place, pin=f"file:{file}")


def test_a_key_that_was_made_in_a_token_cannot_be_taken_out(place: HsmPlace) -> None:
    hsm = hsm_at(place)
    point = hsm.make_key(CREDIT_ID, "credit")
    found = hsm.find_key(CREDIT_ID)
    assert (found.point, found.made_there, found.extractable) == (point, True, False)
    session = pkcs11.lib(str(place.module)).get_token(token_label=place.token).open()
    private = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=CREDIT_ID)
    with pytest.raises(pkcs11.AttributeSensitive):
        private[Attribute.VALUE]
    assert private[Attribute.SENSITIVE]
    assert not private[Attribute.DERIVE]


def test_a_key_that_was_put_into_a_token_says_so(place: HsmPlace) -> None:
    hsm = hsm_at(place)
    key = SigningKey.generate(SeededEntropy(b"from a file"))
    hsm.take_key(CREDIT_ID, "credit", key.scalar, key.public.point)
    found = hsm.find_key(CREDIT_ID)
    assert found.point == key.public.point
    assert not found.made_there
    assert not found.extractable


def test_a_token_has_one_key_of_an_id(place: HsmPlace) -> None:
    hsm = hsm_at(place)
    hsm.make_key(CREDIT_ID, "credit")
    key = SigningKey.generate(SeededEntropy(b"another"))
    with pytest.raises(HsmError, match="already"):
        hsm.make_key(CREDIT_ID, "credit")
    with pytest.raises(HsmError, match="already"):
        hsm.take_key(CREDIT_ID, "credit", key.scalar, key.public.point)


def test_a_key_that_is_not_there_signs_nothing(place: HsmPlace) -> None:
    with pytest.raises(HsmError, match="did not sign: NoSuchKey"):
        hsm_at(place).sign(CREDIT_ID, DIGEST)


def test_another_key_under_the_same_id_is_found_out(place: HsmPlace) -> None:
    hsm = hsm_at(place)
    hsm.make_key(CREDIT_ID, "credit")
    recorded = SigningKey.generate(SeededEntropy(b"recorded")).public
    with pytest.raises(HsmWrongKeyError, match="another key"):
        HsmSigner(hsm, CREDIT_ID, recorded).sign_octets(b"octets")


def test_a_wrong_pin_is_tried_once(place: HsmPlace) -> None:
    clock = MemoryMonotonicClock()
    hsm = Hsm(with_pin(place, "9999"), clock)
    with pytest.raises(HsmPinError, match="refused the PIN"):
        hsm.facts()
    with pytest.raises(HsmPinError, match="refused the PIN"):
        hsm.facts()
    clock.advance(RETRY_AFTER_S)
    with pytest.raises(HsmPinError, match="not asked again by this process"):
        hsm.facts()
    # The next process sees it at the token, and does not try either.
    with pytest.raises(HsmPinError, match="left alone"):
        hsm_at(place).facts()
    looked = Hsm(place, MemoryMonotonicClock(), wrong_pin_before=True)
    assert looked.facts().token == place.token
    assert hsm_at(place).facts().token == place.token


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": "none"}, "NoSuchToken"),
        ({"serial": "0000000000000000"}, "NoSuchToken"),
        ({"module": Path("/no/such/module.so")}, "OS exception"),
        ({"pin": "file:/no/such/pin"}, "cannot be read"),
        ({"pin": "environment:RMFS_NO_SUCH_PIN"}, "there is no PIN in environment"),
        ({"pin": "credential:pin"}, "systemd gave no credential"),
    ],
)
def test_what_is_wrong_is_said(
    place: HsmPlace, change: dict[str, object], words: str
) -> None:
    with pytest.raises(HsmError, match=words):
        hsm_at(replace(place, **change)).facts()  # type: ignore[arg-type]


def test_a_pin_that_others_can_read_is_refused(place: HsmPlace) -> None:
    Path(place.pin.removeprefix("file:")).chmod(0o640)
    with pytest.raises(HsmPinError, match="can be read by others"):
        hsm_at(place).facts()


def test_a_token_that_was_away_is_found_again(remote: RemoteHsm) -> None:
    clock = MemoryMonotonicClock()
    hsm = Hsm(remote.place, clock)
    signer = HsmSigner(hsm, CREDIT_ID, VerifyingKey(hsm.make_key(CREDIT_ID, "credit")))
    signer.sign_octets(b"before")
    remote.kill()
    with pytest.raises(HsmError, match="did not sign"):
        signer.sign_octets(b"while it is away")
    remote.start()
    # Nobody waits for it before the time is up: the books have one thread.
    with pytest.raises(HsmError, match="did not sign"):
        signer.sign_octets(b"at once")
    clock.advance(RETRY_AFTER_S)
    assert len(signer.sign_octets(b"after")) == 64


def test_a_token_that_was_started_again_is_not_noticed(remote: RemoteHsm) -> None:
    hsm = hsm_at(remote.place)
    hsm.make_key(CREDIT_ID, "credit")
    for _ in range(2):
        assert len(hsm.sign(CREDIT_ID, DIGEST)) == 64
        remote.kill()
        remote.start()
    assert len(hsm.sign(CREDIT_ID, DIGEST)) == 64


def test_a_token_that_is_just_being_written_is_looked_for_again(
    place: HsmPlace,
) -> None:
    hsm_at(place).make_key(CREDIT_ID, "credit")
    (written,) = Path(place.pin.removeprefix("file:")).parent.glob("**/token.object")
    away = written.with_suffix(".away")
    waited = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == len(LOOK_AGAIN_S):
            away.rename(written)

    hsm = Hsm(place, MemoryMonotonicClock(), pause=pause)
    written.rename(away)
    assert len(hsm.sign(CREDIT_ID, DIGEST)) == 64
    assert waited == list(LOOK_AGAIN_S)


def test_a_token_that_is_not_there_is_waited_for_once(place: HsmPlace) -> None:
    (written,) = Path(place.pin.removeprefix("file:")).parent.glob("**/token.object")
    away = written.rename(written.with_suffix(".away"))
    waited: list[float] = []
    clock = MemoryMonotonicClock()
    hsm = Hsm(place, clock, pause=waited.append)
    for _ in range(3):
        with pytest.raises(HsmError, match="NoSuchToken"):
            hsm.facts()
        clock.advance(RETRY_AFTER_S)
    assert waited == list(LOOK_AGAIN_S)
    away.rename(written)
    assert hsm.facts().token == place.token
    away = written.rename(written.with_suffix(".away"))
    hsm.forget()
    with pytest.raises(HsmError, match="NoSuchToken"):
        hsm.facts()
    assert waited == 2 * list(LOOK_AGAIN_S)


FORKING = """
import os, sys
from pathlib import Path
from hw.clock import SystemMonotonicClock
from hw.hsm import HsmSigner, parse_place
from hw.hsm.device import Hsm
from protocol.keys import VerifyingKey

place = parse_place(Path(sys.argv[1]).read_text(), "hsm.toml")
hsm = Hsm(place, SystemMonotonicClock())
signer = HsmSigner(hsm, b"1", VerifyingKey(hsm.make_key(b"1", "credit")))
signer.sign_octets(b"parent")
child = os.fork()
signer.sign_octets(b"either")
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
signer.sign_octets(b"either again")
"""


def test_a_process_that_was_forked_has_a_session_of_its_own(
    place: HsmPlace, tmp_path: Path
) -> None:
    settings = tmp_path / "hsm.toml"
    settings.write_text(show_place(place))
    ended = subprocess.run(
        [sys.executable, "-c", FORKING, settings],
        cwd=Path(__file__).parents[2],
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
