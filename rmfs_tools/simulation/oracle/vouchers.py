"""All vouchers that the server ever stored, also those that a backup has forgotten."""

from rmfs_tools.simulation.observations import Recharge
from rmfs_tools.simulation.oracle.messages import VOID, Malformed, Voucher, decode


class Vouchers:
    """What was stored, by its octets; grows by one or two entries a recharge."""

    def __init__(self) -> None:
        self._stored: dict[bytes, Voucher] = {}
        self._credentials: dict[str, bytes] = {}
        self._applied: dict[bytes, str] = {}
        self._sent: dict[bytes, int] = {}

    def store(self, row: Recharge) -> None:
        """Take the octets of a row that is durable."""
        for octets in (row.voucher, row.void):
            if octets is not None and octets not in self._stored:
                voucher = decode(octets)
                if isinstance(voucher, Voucher):
                    self._stored[octets] = voucher
                    self._credentials.setdefault(row.licence, voucher.credential_hash)

    def stored(self, octets: bytes) -> bool:
        """Say whether these octets were ever durable at the server."""
        return octets in self._stored

    def credential(self, licence: str) -> bytes | None:
        """Give the credential hash of a licence, by the first voucher stored for it."""
        return self._credentials.get(licence)

    def apply(self, octets: bytes, body: str) -> str | None:
        """Note that a body applied a voucher.

        Returns:
            Which body had applied it before, or None.
        """
        before = self._applied.get(octets)
        self._applied[octets] = body
        return before

    def send(self, octets: bytes, call: int) -> bool:
        """Note that octets went out.

        Returns:
            Whether they had gone out in an earlier call.
        """
        return self._sent.setdefault(octets, call) != call


def voucher_of(octets: bytes) -> Voucher | None:
    """Decode a voucher; None for anything else."""
    message = decode(octets)
    return message if isinstance(message, Voucher) else None


def voucher_and_row_differ(row: Recharge, expected_paise: int | None) -> str:
    """Compare the stored octets with the row that they stand in.

    Args:
        row: A row of the books.
        expected_paise: CT of the books before it; None when that is not known.

    Returns:
        What differs, or nothing.
    """
    voucher = decode(row.voucher)
    if not isinstance(voucher, Voucher):
        return f"no voucher is stored: {_why(voucher)}"
    # A VOID has a row of its own where restored books learn of it from its machine.
    kind = {"RECHARGE": 1, "WITHDRAWAL": 2, "VOID": VOID, "REFUND": 4}.get(row.kind)
    said = (voucher.licence, voucher.number, voucher.kind, voucher.amount_paise)
    if said != (row.licence, row.number, kind, row.amount_paise):
        return f"the voucher says {said}, the row {row.kind} {row.amount_paise}"
    if voucher.after_paise != voucher.before_paise + voucher.effect_paise:
        return "CT after is not CT before and the effect"
    if expected_paise is not None and voucher.before_paise != expected_paise:
        return f"CT before is {voucher.before_paise}, the books have {expected_paise}"
    if row.void is None:
        return ""
    void = decode(row.void)
    if not isinstance(void, Voucher):
        return f"no VOID is stored: {_why(void)}"
    wanted = (VOID, row.licence, row.number, voucher.credential_hash)
    if (void.kind, void.licence, void.number, void.credential_hash) != wanted:
        return "the VOID is not for this voucher"
    if not void.before_paise == void.after_paise == voucher.before_paise:
        return "the VOID has another CT"
    return ""


def _why(message: object) -> str:
    return message.why if isinstance(message, Malformed) else "another message"
