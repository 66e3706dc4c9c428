"""The postal security device: every call that the firmware may make of it.

Rules:

1. What a call changes is stored before the call returns; a call that raises has changed
   nothing that is stored.
2. Private keys never leave. What the server's channel brings is checked in here.
3. Between `dial` and `hang_up` nothing is franked: the registers that a STATEMENT told
   stay true until the books are closed on them.
4. When a write fails the PSD says so at every later call, until it is switched on anew
   and has read what was really stored.

`Psd` is the `SecurityDevice` that `protocol.dialogue.machine` dials with. What may only
be read of it stands in `readings`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from fm_device.psd.contents import ContentStore
from fm_device.psd.franking import (
    Frank,
    FrankOrder,
    FrankRefusal,
    debit,
    indicium_of,
)
from fm_device.psd.keyring import Keyring
from fm_device.psd.lives import check_next_life, first_record, next_record
from fm_device.psd.memory import PsdMemory, TellOpen, tell_nobody
from fm_device.psd.pins import (
    ATTEMPTS_MAX,
    PinAnswer,
    PinVerdict,
    Role,
    attempt_counted,
    attempt_right,
    check_pin_form,
    pin_digest,
    pin_of,
    wait_capped,
    waits,
    with_pin,
)
from fm_device.psd.readings import Readings
from fm_device.psd.records import NO_TIME, ContentHeld
from fm_device.psd.requests import check_dial_in
from fm_device.psd.session import Session
from fm_device.psd.states import Installed, moved, state_at
from fm_device.psd.timekeeper import possible_time, time_shown
from hw.clock import WallClock
from hw.nvram import Nvram
from protocol.channel import MachineChannel, MachineChannelPort
from protocol.dialogue.machine import PsdAnswer, Request
from protocol.errors import InvariantError, LocalProtocolError
from protocol.indicium import authentication_code, authentication_key, sign_indicium
from protocol.keys import (
    MachineIdentity,
    MakerPublicKey,
    Realm,
    ServerCredential,
    ServerProvisioning,
)
from protocol.ports import Entropy
from protocol.registers import MachineState, RequestKind
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

PIN_CODE_MIN: Final = 100_000
PIN_CODE_MAX: Final = 999_999

ChannelMaker = Callable[[MachineIdentity, ServerCredential], MachineChannelPort]


def manufacture(
    nvram: Nvram,
    *,
    psd_serial: str,
    licence: LicenceIdentifier,
    realm: Realm,
    servers: Sequence[ServerProvisioning],
    maker: MakerPublicKey,
    entropy: Entropy,
    clock: WallClock | None,
    contents: Sequence[ContentHeld] = (),
) -> None:
    """Make a PSD: draw its keys and write zero registers into an empty memory.

    Args:
        nvram: The memory; it must hold no machine.
        psd_serial: 8 ASCII letters or digits, never used before.
        licence: The licence that the machine will frank under.
        realm: Test or production.
        servers: The server's provisioning, one for each credit key.
        maker: Whose signature contents must bear.
        entropy: Where the keys come from.
        clock: Sets the PSD's clock; without it the first dial-in has to.
        contents: What the factory has put into the flash.

    Raises:
        LocalProtocolError: A name is wrong, or the server is of another realm.
        StoreError: The memory holds a machine, or fails.
    """
    identity = MachineIdentity.generate(licence, psd_serial, realm, entropy)
    began = None if clock is None else possible_time(clock.now())
    record = first_record(identity, began or NO_TIME, tuple(contents))
    if clock is not None:
        record = replace(record, clock_offset_s=0)
    PsdMemory.create(nvram, record, Keyring((identity,), tuple(servers), maker))


class Psd(Readings):
    """A PSD that is switched on.

    Attributes:
        supervisor_present: Set by the operator: the supervisor stands at the machine,
            so a large step of the clock may be made (DLG-10.3).
    """

    def __init__(
        self,
        nvram: Nvram,
        clock: WallClock,
        channel: ChannelMaker = MachineChannel,
        tell_open: TellOpen = tell_nobody,
    ) -> None:
        """Switch on: recover what is stored, and close the frank that was open.

        Args:
            nvram: The memory.
            clock: The battery clock, which drifts and is corrected by an offset.
            channel: Makes the channel of a dial-in; simulations bring a double.
            tell_open: Called with the record before a frank that was found open is
                closed, once more if the power fails before it is.

        Raises:
            StoreError: The memory holds no machine, is beyond repair, or fails.
        """
        self.supervisor_present = False
        super().__init__(PsdMemory(nvram, tell_open), clock)
        self._tell_open = tell_open
        self._channel = channel
        self._session: Session | None = None
        self._code_key: bytes | None = None

    @property
    def dialling(self) -> bool:
        """Whether a dial-in is under way."""
        return self._session is not None

    # What the firmware may do.

    def run(self, firmware: tuple[int, int, int], contents: ContentStore) -> None:
        """Note which firmware runs around the PSD, and where it keeps contents."""
        self._firmware = firmware
        self._contents = contents

    def install(self, pin_code: int) -> None:
        """Note that the machine stands at the licensee's premises.

        Args:
            pin_code: Of the post office where its mail is tendered, 100000 to 999999;
                every frank bears it.

        Raises:
            LocalProtocolError: That is no PIN code.
            NoTransitionError: It is installed already.
        """
        if not PIN_CODE_MIN <= pin_code <= PIN_CODE_MAX:
            raise LocalProtocolError(f"{pin_code} is no PIN code: 6 digits, first 1-9")
        record = self.record
        standing = moved(record.standing, Installed())
        self._memory.store(replace(record, standing=standing, pin_code=pin_code))

    def debit(self, order: FrankOrder) -> Frank | FrankRefusal:
        """Debit one frank and open it; when this returns it may be printed.

        `complete` closes it once it is printed. When the power fails before, the next
        power-on closes it as accounted and perhaps not printed.

        Raises:
            LocalProtocolError: The order holds numbers that no frank can have, or the
                frank before was not closed.
            StoreError: The debit may or may not be stored: do not print.
        """
        if self._session is not None:
            return FrankRefusal.DIALLING
        record, now = self.record, self.time
        after = debit(record, state_at(record, now), now, order)
        if isinstance(after, FrankRefusal):
            if after is FrankRefusal.BLOCKED and now is not None:
                # A receipt lifts that, and no clock that is put back.
                self._memory.store(replace(record, **time_shown(record, now)))
            return after
        identity = self._memory.identity
        indicium = indicium_of(after, identity.credential, order, now or NO_TIME)
        done = Frank(
            value_paise=order.value_paise,
            product_class=order.product_class,
            item=indicium.item,
            time=indicium.time,
            registers=after.registers,
            printed_on=indicium.printed_on,
            department=order.department,
            weight_g=order.weight_g,
            pin_code=indicium.pin_code,
            indicium=sign_indicium(indicium, identity),
            authentication_code=authentication_code(self._code_key_now(), indicium),
        )
        self._memory.store(after)
        return done

    def complete(self, item: int) -> None:
        """Note that a frank was printed: the last of its three steps.

        Raises:
            LocalProtocolError: No frank with this number is open.
            StoreError: The note may or may not be stored; the frank is accounted.
        """
        record = self.record
        if record.open_frank is None or item != record.registers.items_with_zero:
            raise LocalProtocolError(f"no frank {item} is open")
        self._memory.store(replace(record, open_frank=None))

    def note_statement(
        self,
        number: int,
        time: EpochSeconds,
        ascending_paise: Paise,
        descending_paise: Paise,
        items: int,
    ) -> None:
        """Note a statement of mailing before it is handed out.

        Its rows are in the flash; this is what outlives it, so that no mail is stated
        twice and no number used twice.

        Args:
            number: Of the statement; of several closed together the last.
            time: When it was closed.
            ascending_paise: AR then.
            descending_paise: DR then.
            items: The item counter then.

        Raises:
            InvariantError: AR or the item counter was never there yet, or number or AR
                is less than that of the last statement.
            StoreError: The note may or may not be stored: hand nothing out.
        """
        record, registers = self.record, self.record.registers
        if ascending_paise > registers.ascending_paise or items > registers.items:
            raise InvariantError(
                f"a statement of mailing up to {ascending_paise} paise and {items} "
                "items, which are not franked yet: the PSD's memory was put back"
            )
        after = replace(
            record,
            som_number=number,
            som_time=time,
            som_ascending_paise=ascending_paise,
            som_descending_paise=descending_paise,
            som_items=items,
        )
        if after != record:
            self._memory.store(after)

    # PINs, and what must never be done to a PSD.

    def has_pin(self, role: Role) -> bool:
        """Whether a role has a PIN."""
        return pin_of(self.record, role) is not None

    def set_pin(self, role: Role, pin: str | None) -> None:
        """Set or take away the PIN of a role; who may do so is the firmware's matter.

        Raises:
            LocalProtocolError: The PIN is not 4 to 8 digits.
            KeysErasedError: The PSD was tampered with.
        """
        digest = None if pin is None else self._pin_digest(role, check_pin_form(pin))
        self._memory.store(with_pin(self.record, role, digest))

    def check_pin(self, role: Role, pin: str) -> PinAnswer:
        """Check a PIN; the attempt is stored before it is looked at.

        Raises:
            KeysErasedError: The PSD was tampered with.
        """
        record, now = self.record, self.time
        stored = pin_of(record, role)
        if record.standing is MachineState.LOCKED_OUT:
            return PinAnswer(PinVerdict.LOCKED_OUT, 0)
        if stored is None:
            return PinAnswer(PinVerdict.NOT_SET)
        left = ATTEMPTS_MAX - record.wrong_pins[role]
        if left <= 0:
            # In some states nothing is locked out; the PIN is, all the same.
            return PinAnswer(PinVerdict.LOCKED_OUT, 0)
        if waits(record, role, now):
            record = wait_capped(record, now)
            if record != self.record:
                self._memory.store(record)
            return PinAnswer(PinVerdict.WAIT, left, record.pin_wait_until)
        given = self._pin_digest(role, pin)
        counted = attempt_counted(record, role, now)
        self._memory.store(counted)
        if given == stored:
            self._memory.store(attempt_right(record, counted, role))
            return PinAnswer(PinVerdict.RIGHT)
        if left == 1:
            return PinAnswer(PinVerdict.LOCKED_OUT, 0)
        return PinAnswer(PinVerdict.WRONG, left - 1, counted.pin_wait_until)

    def tamper(self) -> None:
        """The housing of the PSD was opened, or its sensors forced: erase the keys.

        The registers stay readable, so that a person can settle what is left in them;
        the machine franks and dials no more, ever. A dial-in that is under way is
        forgotten: nothing is stored before the keys are gone but that they go.
        """
        self._session = None
        self._code_key = None
        self._memory.zeroise()

    def set_clock_lost(self) -> None:
        """Forget the time, as when the clock's battery was changed."""
        self._memory.store(replace(self.record, clock_offset_s=None))

    def reinitialise(self, licence: LicenceIdentifier, entropy: Entropy) -> None:
        """Begin a new life under another licence, after a settled withdrawal.

        New keys make every voucher, mark and credential of the old life useless.
        Registers, item counters and the recharge number go on from where they are. A
        licence of an earlier life is never used again (REG-10). A frank that is open
        counts as not printed.

        Raises:
            LocalProtocolError: The machine is not withdrawn, value or a report is left,
                a dial-in is under way, the licence was used before, or there were too
                many lives.
        """
        record = self.record
        if self._session is not None:
            raise LocalProtocolError("a dial-in is under way: hang up first")
        check_next_life(record, self.state, licence)
        identity = MachineIdentity.generate(
            licence,
            record.psd_serial,
            self.credential.realm,
            entropy,
        )
        after = next_record(record, identity, self.time or NO_TIME)
        if record.open_frank is not None:
            self._tell_open(record)
        self._memory.begin_life(after, identity)
        self._code_key = None
        self.supervisor_present = False

    # What a dial-in asks: protocol.dialogue.machine.SecurityDevice.

    def dial(self, request: Request) -> bytes:
        """Store the request and the number of the dial-in, then greet.

        The greeting is made first: a dial-in that cannot begin leaves nothing pending.
        One that is still open is hung up.

        Raises:
            LocalProtocolError: The machine is not installed, its dial-ins cannot be
                counted any more, or the amount is not what this kind of request or the
                server's limit allows.
        """
        self.hang_up()
        record = self.record
        check_dial_in(request, record)
        stated = record.pending or request
        frozen = None if stated.kind is RequestKind.INSPECTION else stated
        after = replace(record, dial_in=record.dial_in + 1, pending=frozen)
        session = Session(
            self._memory,
            self._clock,
            self._channel(self._memory.identity, self._memory.server),
            stated,
            dial_in=after.dial_in,
            supervisor_present=self.supervisor_present,
            contents=self._contents,
            firmware=self._firmware,
        )
        greeting = session.greeting()
        self._memory.store(after)
        self._session = session
        return greeting

    def greet(self, packet: bytes) -> bytes:
        """Prove the server by its GREETING_2 and state the registers."""
        return self._open_session().state_registers(packet)

    def receive(self, packet: bytes) -> PsdAnswer | None:
        """Open a packet, store what it says, answer."""
        return self._open_session().receive(packet)

    def usage(self) -> tuple[bytes, ...]:
        """Seal the usage rows not yet acknowledged."""
        return self._open_session().usage()

    def want(self) -> bytes | None:
        """Seal the WANT for what is missing of a content, or None."""
        return self._open_session().want()

    def last_voucher(self) -> bytes | None:
        """Seal the voucher applied last, or None when there is none."""
        return self._open_session().last_voucher()

    def goodbye(self) -> bytes:
        """Seal the GOODBYE."""
        return self._open_session().goodbye()

    def hang_up(self) -> None:
        """Forget the channel's keys."""
        self._session = None

    def _pin_digest(self, role: Role, pin: str) -> bytes:
        return pin_digest(self._memory.identity.signing.scalar, role, pin)

    def _code_key_now(self) -> bytes:
        if self._code_key is None:
            self._code_key = authentication_key(self._memory.identity, self.server)
        return self._code_key

    def _open_session(self) -> Session:
        if self._session is None:
            raise LocalProtocolError("no dial-in is under way")
        return self._session
