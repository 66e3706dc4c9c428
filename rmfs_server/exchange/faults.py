"""Why a file of the Department, or a line of it, is refused here."""

from protocol.coded import Coded


class FileRefused(Coded):
    """Nothing of the file was carried out."""

    STRUCTURE = (
        "OEX-01-001",
        "its structure is wrong: mend it and send it under the same number",
    )
    SENDER = ("OEX-01-002", "its header does not name the Department as sender")
    RECEIVER = ("OEX-01-003", "its header names another receiver than this maker")
    ID_TAKEN = (
        "OEX-01-004",
        "a file of this id came before with other octets: make a new one",
    )
    NUMBER_TAKEN = (
        "OEX-01-005",
        "a file of this kind with this number was taken before: number it anew",
    )
    TOO_LARGE = ("OEX-01-006", "it has more octets than such a file may have")


class PartlyTaken(Coded):
    """The file was carried out but for some lines, which are told one by one."""

    LINES = ("OEX-02-001", "some lines were not carried out")
    UNKNOWN_FILES = (
        "OEX-02-002",
        "it acknowledges files that never went from here",
    )


class LineRefused(Coded):
    """A line was not carried out."""

    OTHER_MAKER = (
        "OEX-03-001",
        "the licence identifier is one of another maker: send it there",
    )
    OTHER_NUMBER = (
        "OEX-03-002",
        "the identifier is registered here with another licence number",
    )
    OTHER_LICENSEE = (
        "OEX-03-003",
        "the identifier is registered here for another licensee",
    )
    OTHER_MACHINE = (
        "OEX-03-004",
        "another machine is enrolled here under this identifier",
    )
    CANCELLED = ("OEX-03-005", "the licence is cancelled for good")
    UNKNOWN = (
        "OEX-03-006",
        "the licence is not known here: issue it first",
    )


NUMBER_IS_GONE = frozenset({"EXC-02-008", "EXC-02-010"})
"""Codes with which the Department refuses a file whose number it counts all the same.

Source: docs/exchange-files.md.
"""
