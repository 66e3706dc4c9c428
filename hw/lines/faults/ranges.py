"""Ranges of settings, checked in one way."""

from collections.abc import Mapping

from hw.lines.port import LineError


def check_ranges(
    record: object, ranges: Mapping[str, tuple[float, float]], whose: str
) -> None:
    """Refuse a record with a value that is out of its range; None is in every range.

    Args:
        record: What has the values as attributes.
        ranges: Least and most by name.
        whose: What cannot have another value, for the message.

    Raises:
        LineError: A value is out of its range.
    """
    for name, (least, most) in ranges.items():
        value = getattr(record, name)
        if value is not None and not least <= value <= most:
            message = f"{name} is {value}, but {whose} has {least} to {most}"
            raise LineError(message)
