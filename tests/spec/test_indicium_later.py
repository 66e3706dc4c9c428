"""INDICIUM-4.5 and INDICIUM-7.4: franks outlive a server's key and a machine's row."""

from collections.abc import Iterable

from hw.entropy import SeededEntropy
from protocol.indicium import (
    PrintedFacts,
    Verdict,
    Verification,
    authentication_code,
    authentication_key,
    sign_indicium,
    verify_indicium,
)
from protocol.keys import MachineCredential, Realm, ServerIdentity
from protocol.values import LicenceIdentifier
from tests.spec.franks import FRANK, LICENCE, MACHINE, SERVER, TODAY, next_frank

NEWER_SERVER = ServerIdentity.generate(
    SERVER.name, Realm.TEST, SERVER.kid + 1, SeededEntropy(b"its next DH key")
)


def enrolled(licence: LicenceIdentifier) -> Iterable[MachineCredential]:
    return (MACHINE.credential,) if licence == LICENCE else ()


def revoked(_licence: LicenceIdentifier) -> Iterable[MachineCredential]:
    return ()


def checked_with(server: ServerIdentity, code: str) -> Verification:
    return verify_indicium(
        sign_indicium(FRANK, MACHINE),
        enrolled,
        TODAY,
        printed=PrintedFacts(code=code),
        key_of=lambda credential: authentication_key(server, credential),
    )


def test_a_frank_from_before_the_servers_key_changed_is_checked_with_the_old_key() -> (
    None
):
    """INDICIUM-4.5, KEY-8.3."""
    printed = authentication_code(authentication_key(MACHINE, SERVER.credential), FRANK)
    assert checked_with(SERVER, printed).verdict is Verdict.GENUINE
    assert checked_with(NEWER_SERVER, printed).verdict is Verdict.ALTERED


def test_a_frank_from_after_the_servers_key_changed_is_checked_with_the_new_key() -> (
    None
):
    """INDICIUM-4.5, KEY-8.3."""
    key = authentication_key(MACHINE, NEWER_SERVER.credential)
    printed = authentication_code(key, FRANK)
    assert checked_with(NEWER_SERVER, printed).verdict is Verdict.GENUINE
    assert checked_with(SERVER, printed).verdict is Verdict.ALTERED


def test_a_revoked_machine_signs_well_until_its_file_is_taken_away() -> None:
    """INDICIUM-7.4, KEY-9: the frank bears nothing of it, the verifier must know."""
    for frank in (FRANK, next_frank()):
        octets = sign_indicium(frank, MACHINE)
        assert verify_indicium(octets, enrolled, TODAY).verdict is Verdict.GENUINE
        gone = verify_indicium(octets, revoked, TODAY)
        assert [one.verdict for one in gone.reasons] == [Verdict.UNKNOWN_MACHINE]
