"""The head of every report: which machine prints it."""

from typing import TYPE_CHECKING

from fm_device.model import MODEL, show_version
from fm_device.psd.records import NO_TIME
from fm_device.reports.facts import MachineFacts

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine


def machine_facts(machine: "Machine") -> MachineFacts:
    """Say which machine prints."""
    psd = machine.psd
    return MachineFacts(
        licence=psd.record.life.licence,
        psd_serial=psd.record.psd_serial,
        model=MODEL,
        firmware=show_version(machine.firmware),
        office=machine.settings.office_name or "not set",
        pin_code=psd.record.pin_code,
        state=psd.state.name.lower().replace("_", " "),
        printed_at=psd.time or NO_TIME,
        realm=psd.server.realm.name,
        simulated=True,
    )
