"""Words in a form that exchange files can hold."""

import unicodedata
from typing import Final

from protocol.exchange.spelling import first_forbidden

WORDS_MAX: Final = 300
"""Characters of words, as every layout of ours can tell them."""


def fit_words(words: str, separator: str = "|", characters_max: int = WORDS_MAX) -> str:
    """Bring a sentence into one line that a layout with this separator can tell.

    Returns:
        The same words; what no file can hold is a space, and never nothing.
    """
    fitting = "".join(
        " " if one == separator or first_forbidden(one) is not None else one
        for one in unicodedata.normalize("NFC", words)
    )
    return " ".join(fitting.split())[:characters_max].rstrip() or "-"
