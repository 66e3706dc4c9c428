"""What a program writes into a document of people: it stands between marks."""


def with_text_between(document: str, begin: str, end: str, text: str) -> str:
    """Put lines in place of those between two marks.

    Args:
        document: What people write.
        begin: The mark before; it stays.
        end: The mark behind; it stays.
        text: The lines, without the line end of the last one.

    Raises:
        ValueError: The marks are not there.
    """
    before, found, rest = document.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the document has no {begin} and {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"
