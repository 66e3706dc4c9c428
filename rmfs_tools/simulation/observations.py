"""What can be seen of a simulated world, in plain numbers and octets.

The world makes these of what happens; the oracles read them and nothing else. Nothing
of the product is imported here, so that an oracle cannot borrow its opinions. Money is
paise, times are seconds of simulated time since the world began, and a licence is its
identifier as text (``N123456``).

A machine is named by its *body*: what stands on one desk, with one PSD memory. A clone
is another body with the same licence.

They are tuples with names: a dial-in makes 20 of them and shows each to the history,
which takes a tuple half the time of a frozen dataclass.
"""

from typing import NamedTuple


class Deposited(NamedTuple):
    """Money reached the Department for a licence: what a fund file will say of it.

    Attributes:
        at_s: When.
        licence: For whom.
        amount_paise: How much; negative where a correction takes some back.
        line: Which line of which file says so, unique.
    """

    at_s: float
    licence: str
    amount_paise: int
    line: str


class MachineStored(NamedTuple):
    """What the PSD of a machine holds: after each commit, and after each power-on.

    Attributes:
        at_s: When.
        body: Which machine.
        licence: Of its present life.
        powered_on: It was read from the memory at power-on, and not just committed.
        ascending_paise: AR.
        descending_paise: DR.
        control_total_paise: CT.
        items: Franks with a value.
        items_with_zero: All franks.
        number: Recharge number.
        pending: Kind (``RECHARGE``, ``WITHDRAWAL``, ``REFUND``) and amount of what is
            pending, or None.
        mark: 8 octets.
        state: Name of the standing that is stored.
    """

    at_s: float
    body: str
    licence: str
    powered_on: bool
    ascending_paise: int
    descending_paise: int
    control_total_paise: int
    items: int
    items_with_zero: int
    number: int
    pending: tuple[str, int] | None
    mark: bytes
    state: str


class Wished(NamedTuple):
    """An operator asks for something, with nothing pending: one wish, however dialled.

    Attributes:
        at_s: When.
        body: Of which machine.
        kind: ``INSPECTION``, ``RECHARGE``, ``WITHDRAWAL`` or ``REFUND``.
        amount_paise: How much.
    """

    at_s: float
    body: str
    kind: str
    amount_paise: int


class LicenceStated(NamedTuple):
    """The authority has changed the state of a licence in the books.

    Attributes:
        at_s: When.
        licence: Which.
        state: The name of the state; empty when nobody knows whether it was stored.
    """

    at_s: float
    licence: str
    state: str


class Franked(NamedTuple):
    """A frank was handed out: its value lies on an envelope.

    Attributes:
        at_s: When.
        body: By which machine.
        value_paise: Its postage; 0 for a zero imprint.
    """

    at_s: float
    body: str
    value_paise: int


class Said(NamedTuple):
    """A message body, as an end of the channel sealed it; it may never arrive.

    Attributes:
        at_s: When.
        body: The machine on this line; for a call in which nobody is proved, empty.
        licence: Whom the message is about, or empty when nobody is proved.
        call: Which call; both ends of one have the same number.
        by_machine: Who said it.
        octets: The body of the message as SPEC DLG gives it, with its signature.
    """

    at_s: float
    body: str
    licence: str
    call: int
    by_machine: bool
    octets: bytes


class Heard(NamedTuple):
    """A message body that an end of the channel accepted; fields as in `Said`.

    Attributes:
        at_s: When.
        body: The machine on this line, or empty.
        licence: Whom it is about, or empty.
        call: Which call.
        by_machine: Who accepted it.
        octets: The body.
    """

    at_s: float
    body: str
    licence: str
    call: int
    by_machine: bool
    octets: bytes


class Journal(NamedTuple):
    """A journal of the ledger with its entries.

    Attributes:
        id: Of the journal.
        idem: The caller's id, unique for all time.
        kind: Name of its kind.
        entries: Account name and amount of each entry.
    """

    id: int
    idem: str
    kind: str
    entries: tuple[tuple[str, int], ...]


class Recharge(NamedTuple):
    """A row of the books about one voucher.

    Attributes:
        licence: Of the machine.
        number: Recharge number.
        kind: ``RECHARGE``, ``WITHDRAWAL`` or ``REFUND``.
        amount_paise: How much.
        state: ``RESERVED``, ``FROZEN``, ``POSTED``, ``VOIDED`` or ``REVERSED``.
        voucher: The stored octets.
        void: The stored octets of the VOID, or None.
    """

    licence: str
    number: int
    kind: str
    amount_paise: int
    state: str
    voucher: bytes
    void: bytes | None


class MachineRow(NamedTuple):
    """A row of the books about one machine.

    Attributes:
        licence: Its licence.
        frozen: Whether the account is frozen.
        number: The last recharge settled.
        control_total_paise: CT that the books expect.
        mark_acknowledged: 8 octets.
        mark_issued: 8 octets, or None.
        dial_in: The last dial-in that was judged.
    """

    licence: str
    frozen: bool
    number: int
    control_total_paise: int
    mark_acknowledged: bytes
    mark_issued: bytes | None
    dial_in: int


class BooksCommitted(NamedTuple):
    """A transaction of the server is durable; what is new or changed in it.

    Attributes:
        at_s: When.
        what: Which transaction, by the name that the server gives it.
        journals: Those that are new.
        recharges: Those that are new or have changed.
        machines: Those that are new or have changed.
        discrepancies: Licence and refusal code of each that is new.
    """

    at_s: float
    what: str
    journals: tuple[Journal, ...]
    recharges: tuple[Recharge, ...]
    machines: tuple[MachineRow, ...]
    discrepancies: tuple[tuple[str, str], ...]


class BooksRestored(NamedTuple):
    """An old backup of the database was put back; the books are these now.

    Attributes:
        at_s: When.
        journals: All of them.
        recharges: All of them.
        machines: All of them.
    """

    at_s: float
    journals: tuple[Journal, ...]
    recharges: tuple[Recharge, ...]
    machines: tuple[MachineRow, ...]


class DialInEnded(NamedTuple):
    """A machine's attempt to dial in is over.

    Attributes:
        at_s: When.
        body: Which machine.
        licence: Its licence.
        call: Which call.
        outcome: Name of the outcome that the operator is told.
        receipt: Whether a RECEIPT was stored in it.
        after: CT after it, paise.
    """

    at_s: float
    body: str
    licence: str
    call: int
    outcome: str
    receipt: bool
    after: int


class Cheated(NamedTuple):
    """Somebody did what no honest machine does to itself.

    Attributes:
        at_s: When.
        body: The machine to which it was done.
        licence: Its licence.
        how: ``clone`` (another body with a copy of its memory exists now, both are
            suspect), ``image restored`` (an older image was put back), ``forged``
            (registers that it never had are stated).
        copy: The other body, for a clone; else empty.
    """

    at_s: float
    body: str
    licence: str
    how: str
    copy: str = ""


class PersonResolved(NamedTuple):
    """A person ended a freeze with the documented command.

    Attributes:
        at_s: When.
        licence: Whose.
        action: ``POST``, ``REVERSE``, ``ADOPT`` or ``KEEP``.
    """

    at_s: float
    licence: str
    action: str


class CalmBegan(NamedTuple):
    """Faults are off from now on, and everything is switched on again.

    Attributes:
        at_s: When.
    """

    at_s: float


class Rested(NamedTuple):
    """A machine is done: it has dialled until nothing was pending and it was heard.

    Attributes:
        at_s: When.
        body: Which machine.
        licence: Its licence.
        dial_ins: How many it needed since calm began.
        finished: Whether it came to rest within the bound; otherwise it was given up.
    """

    at_s: float
    body: str
    licence: str
    dial_ins: int
    finished: bool


Observation = (
    Deposited
    | MachineStored
    | Wished
    | LicenceStated
    | Franked
    | Said
    | Heard
    | BooksCommitted
    | BooksRestored
    | DialInEnded
    | Cheated
    | PersonResolved
    | CalmBegan
    | Rested
)
