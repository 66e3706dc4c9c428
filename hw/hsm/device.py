"""One token of an HSM, by PKCS#11: it makes keys, and signs with them.

Rules:

* The library is loaded when it is first needed, in the process that needs it: after a
  fork, not before. Each process has its own session.
* One session, one lock: threads wait for each other.
* What fails is asked once more in a new session, with the library begun anew: an HSM
  that was started again, or a network that was gone for a moment, is not noticed. What
  makes something is not asked twice.
* A token that is not there is looked for a few times more. SoftHSM writes its token's
  file anew whenever somebody logs in, and who looks just then sees none: several
  workers that start together, say. One that was not there after all is not waited for
  again until it was found.
* Where that fails too, nobody waits for a while: whoever asks is refused at once. The
  books are served by one thread; an HSM that answers nobody must not hold it up.
* A PIN that was refused is not tried again by this process, and a token that says that
  a wrong PIN was entered is left alone: after a few tries it would lock itself.

Use one `Hsm` for one library in a process: beginning a library anew ends the sessions
of all.

Source: PKCS #11 v2.40, 5.4 (C_Initialize and fork), 5.6 (sessions), 3.2 (CK_TOKEN_INFO
flags), 2.3.6 (CKM_ECDSA: r and s, each as long as n).
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import (
    Attribute,
    KeyType,
    Mechanism,
    ObjectClass,
    PKCS11Error,
    Session,
    TokenFlag,
)

from hw.clock import MonotonicClock
from hw.hsm.errors import HsmError, HsmPinError
from hw.hsm.place import HsmPlace
from protocol.keys import KeyMaterialError, Point

RETRY_AFTER_S: Final = 1.0
"""How long a token that failed twice is left alone."""

LOOK_AGAIN_S: Final = (0.01, 0.03, 0.06, 0.1)
"""Pauses before a token that was not found is looked for again; 0.2 s in all."""

_P256: Final = bytes.fromhex("06082a8648ce3d030107")
"""CKA_EC_PARAMS: the DER of the name secp256r1."""
_OCTET_STRING: Final = b"\x04\x41"
_UNCOMPRESSED: Final = b"\x04"
_POINT_OCTETS: Final = 65
_COORDINATE: Final = 32

_PIN_REFUSED: Final = (
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinLocked,
    pkcs11.PinExpired,
    pkcs11.UserPinNotInitialized,
)
_NEVER: Final = TokenFlag.USER_PIN_LOCKED | TokenFlag.USER_PIN_FINAL_TRY
_PRIVATE: Final[dict[Attribute, Any]] = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
"""A credit key signs and does nothing else, and does not leave the token."""
_PUBLIC: Final[dict[Attribute, Any]] = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: False,
    Attribute.VERIFY: True,
    Attribute.ENCRYPT: False,
    Attribute.WRAP: False,
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HsmFacts:
    """What a token says of itself."""

    token: str
    serial: str
    manufacturer: str
    model: str
    firmware: str
    library: str


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a token says of a key.

    Attributes:
        point: Its public half.
        made_there: It was made in the token, and never was anywhere else.
        extractable: It could be taken out.
    """

    point: Point
    made_there: bool
    extractable: bool


class Hsm:
    """A token of an HSM; nothing is loaded before the first question."""

    def __init__(
        self,
        place: HsmPlace,
        clock: MonotonicClock,
        *,
        wrong_pin_before: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Remember where it is.

        Args:
            place: Where.
            clock: Tells how long a failure is ago.
            wrong_pin_before: Try the PIN although the token says that a wrong one was
                entered: a person has looked.
            pause: Waits so many seconds, before a token is looked for again.
        """
        self.place = place
        self._clock = clock
        self._pause = pause
        self._wrong_pin_before = wrong_pin_before
        self._lock = RLock()
        self._process = 0
        self._session: Session | None = None
        self._keys: dict[bytes, Any] = {}
        self._down_since: float | None = None
        self._reason = HsmError()
        self._pin_refused = ""
        self._missed = False

    def __str__(self) -> str:
        """Name it in a sentence."""
        return f"token {self.place.token!r}"

    def sign(self, object_id: bytes, digest: bytes) -> bytes:
        """Sign a digest of 32 octets with the key of this CKA_ID.

        Returns:
            What the token answers; 64 octets, r and s, if it does as it should.

        Raises:
            HsmError: It did not sign.
        """

        def ask(session: Session) -> bytes:
            key = self._keys.get(object_id)
            if key is None:
                key = _private_key(session, object_id)
                self._keys[object_id] = key
            signature: bytes = key.sign(digest, mechanism=Mechanism.ECDSA)
            return signature

        return self._ask("sign", ask)

    def make_key(self, object_id: bytes, label: str) -> Point:
        """Make a P-256 key in the token; its private half can never be taken out.

        Returns:
            Its public half.

        Raises:
            HsmError: It made none, or there is one with this CKA_ID already.
        """

        def ask(session: Session) -> Point:
            _check_free(session, object_id)
            of_curve = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: _P256}, local=True
            )
            public, _ = of_curve.generate_keypair(
                id=object_id,
                label=label,
                store=True,
                public_template=_PUBLIC,
                private_template=_PRIVATE,
            )
            return _point(public[Attribute.EC_POINT])

        return self._ask("make a key", ask, writing=True)

    def take_key(
        self, object_id: bytes, label: str, scalar: bytes, point: Point
    ) -> None:
        """Put a key into the token that was made elsewhere.

        Args:
            object_id: Its CKA_ID from now on.
            label: Its CKA_LABEL.
            scalar: Its private half, 32 octets.
            point: Its public half.

        Raises:
            HsmError: It took none, or there is one with this CKA_ID already.
        """
        both = {
            Attribute.KEY_TYPE: KeyType.EC,
            Attribute.EC_PARAMS: _P256,
            Attribute.ID: object_id,
            Attribute.LABEL: label,
        }
        octets = _OCTET_STRING + _UNCOMPRESSED + point.x + point.y

        def ask(session: Session) -> None:
            _check_free(session, object_id)
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.PUBLIC_KEY,
                    **both,
                    **_PUBLIC,
                    Attribute.EC_POINT: octets,
                }
            )
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                    **both,
                    **_PRIVATE,
                    Attribute.VALUE: scalar,
                }
            )

        self._ask("take a key", ask, writing=True)

    def find_key(self, object_id: bytes) -> KeyFacts:
        """Tell what the token says of a key.

        Raises:
            HsmError: It cannot be reached, or has no such key.
        """

        def ask(session: Session) -> KeyFacts:
            private = _private_key(session, object_id)
            public = session.get_key(
                object_class=ObjectClass.PUBLIC_KEY,
                key_type=KeyType.EC,
                id=object_id,
            )
            local, never = (
                _truth(private, attribute)
                for attribute in (Attribute.LOCAL, Attribute.NEVER_EXTRACTABLE)
            )
            return KeyFacts(
                _point(public[Attribute.EC_POINT]),
                local and never,
                _truth(private, Attribute.EXTRACTABLE),
            )

        return self._ask("find a key", ask)

    def facts(self) -> HsmFacts:
        """Tell what the token says of itself, once the PIN was right.

        Raises:
            HsmError: It cannot be reached.
        """

        def ask(session: Session) -> HsmFacts:
            token = session.token
            library = pkcs11.lib(str(self.place.module))
            return HsmFacts(
                token.label,
                token.serial.decode("ascii", "replace"),
                token.manufacturer_id,
                token.model,
                ".".join(map(str, token.firmware_version)),
                library.library_description,
            )

        return self._ask("tell what it is", ask)

    def forget(self) -> None:
        """Use another session from now on."""
        with self._lock:
            self._session = None
            self._keys.clear()

    def _ask(
        self, what: str, ask: Callable[[Session], T], *, writing: bool = False
    ) -> T:
        with self._lock:
            self._refuse_while_down()
            if self._process != os.getpid():
                self.forget()
            try:
                try:
                    if writing:
                        return ask(self._open(writing=True, anew=True, patient=True))
                    opened = self._session
                    return ask(
                        opened or self._open(writing=False, anew=False, patient=False)
                    )
                except PKCS11Error:
                    self.forget()
                    if writing:
                        raise
                    return ask(self._open(writing=False, anew=True, patient=True))
            except PKCS11Error as error:
                reason = HsmError(f"{self} did not {what}: {_words(error)}")
                self._leave_alone(reason)
                raise reason from error
            except HsmPinError as error:
                self._leave_alone(error)
                raise

    def _open(self, *, writing: bool, anew: bool, patient: bool) -> Session:
        """Log in, and keep the session.

        Args:
            writing: Something is to be made in it.
            anew: Begin the library anew: it looks for its tokens once more.
            patient: Look for the token again if it is not there.
        """
        self.place.set_environment()
        library = pkcs11.lib(str(self.place.module))
        if anew or self._process != os.getpid():
            # Whoever used it before, or before a fork, was somebody else.
            library.reinitialize()
        self._process = os.getpid()
        token = self._find_token(library, patient=patient)
        pin = self._pin_for(token.flags)
        try:
            session: Session = token.open(rw=writing, user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:
            # Logging in is a matter of the process, not of the session.
            session = token.open(rw=writing)
        except _PIN_REFUSED as error:
            self._pin_refused = f"{self} refused the PIN of {self.place.pin}"
            raise HsmPinError(f"{self._pin_refused}: {_words(error)}") from error
        self._session = session
        self._down_since = None
        return session

    def _find_token(self, library: Any, *, patient: bool) -> Any:
        """Find the token, which another process may be writing at this moment.

        Raises:
            NoSuchToken: It is not there.
            MultipleTokensReturned: There are two.
        """
        label, serial = self.place.token, self.place.serial.encode("ascii") or None
        pauses = list(LOOK_AGAIN_S) if patient and not self._missed else []
        while True:
            try:
                token = library.get_token(token_label=label, token_serial=serial)
            except pkcs11.NoSuchToken:
                if not pauses:
                    self._missed = self._missed or patient
                    raise
                self._pause(pauses.pop(0))
                library.reinitialize()
            else:
                self._missed = False
                return token

    def _pin_for(self, flags: TokenFlag) -> str | None:
        """Read the PIN, unless trying it might lock the token."""
        if not flags & TokenFlag.LOGIN_REQUIRED:
            return None
        if self._pin_refused:
            message = f"{self._pin_refused}, and is not asked again by this process"
            raise HsmPinError(f"{message}: correct it and start again")
        if flags & _NEVER:
            message = f"{self} is locked, or would be after one more wrong PIN"
            raise HsmPinError(f"{message}: log in with the tool of its maker")
        if flags & TokenFlag.USER_PIN_COUNT_LOW and not self._wrong_pin_before:
            message = f"{self} says that a wrong PIN was entered, and is left alone"
            raise HsmPinError(
                f"{message}: rmfs server hsm check --pin-again tries once more"
            )
        return self.place.read_pin()

    def _refuse_while_down(self) -> None:
        since = self._down_since
        if since is not None and self._clock.now() - since < RETRY_AFTER_S:
            raise type(self._reason)(str(self._reason))

    def _leave_alone(self, reason: HsmError) -> None:
        self.forget()
        self._reason = reason
        self._down_since = self._clock.now()


def _words(error: PKCS11Error) -> str:
    """Say what PKCS#11 answered: its return codes have names, and seldom more."""
    return f"{type(error).__name__} {error}".strip()


def _private_key(session: Session, object_id: bytes) -> Any:
    return session.get_key(
        object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC, id=object_id
    )


def _check_free(session: Session, object_id: bytes) -> None:
    for _ in session.get_objects({Attribute.ID: object_id}):
        raise HsmError(f"there is something with the id {object_id.hex()} already")


def _truth(key: Any, attribute: Attribute) -> bool:
    """Read an attribute; what a token does not tell is not so."""
    try:
        return bool(key[attribute])
    except PKCS11Error:
        return False


def _point(octets: bytes) -> Point:
    """Read CKA_EC_POINT: a DER OCTET STRING; some libraries leave its head out."""
    if len(octets) == len(_OCTET_STRING) + _POINT_OCTETS:
        octets = octets.removeprefix(_OCTET_STRING)
    if len(octets) != _POINT_OCTETS or not octets.startswith(_UNCOMPRESSED):
        raise HsmError("the token's public key is no point of P-256")
    try:
        return Point(octets[1 : 1 + _COORDINATE], octets[1 + _COORDINATE :])
    except KeyMaterialError as error:
        raise HsmError(f"the token's public key: {error}") from error
