"""Reports about the machine itself: how it is set up, and what went wrong."""

from fm_device.reports.document import (
    Column,
    Fit,
    Lines,
    Note,
    Report,
    Section,
    Table,
    document_of,
    show_clock,
)
from fm_device.reports.facts import ConfigurationFacts, EventFacts, MachineFacts


def configuration(machine: MachineFacts, facts: ConfigurationFacts) -> Report:
    """Report every setting, in groups."""
    blocks = tuple(Lines(group.name, group.values) for group in facts.groups)
    figures = {
        "groups": [
            {
                "name": group.name,
                "values": [
                    {"name": name, "value": value} for name, value in group.values
                ],
            }
            for group in facts.groups
        ]
    }
    document = document_of(machine, "Configuration", blocks)
    return Report("configuration", machine, document, figures)


def error_log(machine: MachineFacts, events: tuple[EventFacts, ...]) -> Report:
    """Report the events that are kept, the newest first."""
    newest = sorted(events, key=lambda event: event.number, reverse=True)
    columns = (
        Column("No.", Fit.FIGURE),
        Column("Time (IST)", Fit.WHOLE),
        Column("Code", Fit.WHOLE),
        Column("What happened", Fit.WRAPS),
    )
    rows = tuple(
        (
            str(event.number),
            show_clock(event.time),
            event.code,
            f"{event.words} ({event.detail})" if event.detail else event.words,
        )
        for event in newest
    )
    block = Table("", columns, (Section("", rows),)) if rows else Note("No events.")
    figures = {
        "events": [
            {
                "number": event.number,
                "time": event.time,
                "code": event.code,
                "words": event.words,
                "detail": event.detail,
            }
            for event in newest
        ]
    }
    return Report(
        "error-log", machine, document_of(machine, "Error log", (block,)), figures
    )
