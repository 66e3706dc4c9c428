"""Words and names as an acknowledgement can tell them, wherever they come from."""

import unicodedata
from typing import Final

WORDS_CHARACTERS_MAX: Final = 300
NAME_CHARACTERS_MAX: Final = 120
_KEPT: Final = frozenset("LMNPS")
"""First letters of the categories of characters that a text of a file may have."""


def telling_words(words: str) -> str:
    """Bring words into one line that every layout can hold."""
    flat = unicodedata.normalize("NFC", words).replace("|", "/")
    kept = "".join(
        one if unicodedata.category(one)[0] in _KEPT else " " for one in flat
    )
    return " ".join(kept.split())[:WORDS_CHARACTERS_MAX].strip() or "no words"


def telling_name(name: str) -> str:
    """Bring a name into visible characters of ASCII."""
    kept = "".join(one if "!" <= one <= "~" and one != "|" else "?" for one in name)
    return kept[:NAME_CHARACTERS_MAX] or "?"
