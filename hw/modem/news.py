"""What an emulated modem tells whoever watches it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModemNews:
    """Something that a person who watches a modem wants to see.

    Attributes:
        event: A name for programs.
        words: For people.
    """

    event: str
    words: str


def no_news(_news: ModemNews) -> None:
    """Tell nobody."""
