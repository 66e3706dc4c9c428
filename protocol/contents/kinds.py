"""The kinds of content; each has the number of the order that brings it (DLG-10)."""

from enum import IntEnum


class ContentKind(IntEnum):
    """What a content is."""

    TARIFF = 16
    SLOGAN = 17
    FIRMWARE = 18
    CREDIT_KEY = 19
