"""Names at the control port are those of the machine, none missing and none more."""

from dataclasses import fields
from typing import get_args

from fm_device.control import bodies
from fm_device.control.machine_routes import KEYS
from fm_device.control.plug import CutPlace
from fm_device.control.problems import ControlRefusal
from fm_device.control.record_routes import ReportName
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.desk import AT_DESK
from fm_device.firmware.reporting import REPORTS
from fm_device.panel.keys import HARD_KEYS
from fm_device.psd.pins import Role
from hw.scales.port import ScaleFault
from protocol.registers import RequestKind


def _choices(body: type[bodies.Body], name: str) -> set[str]:
    return set(get_args(body.model_fields[name].annotation))


def test_every_name_of_the_machine_can_be_given() -> None:
    assert set(get_args(bodies.ServiceName)) == {service.name for service in AT_DESK}
    assert set(get_args(bodies.RoleName)) == set(Role.__members__)
    assert set(get_args(bodies.ScaleFaultName)) == set(ScaleFault.__members__)
    assert set(get_args(ReportName)) == set(REPORTS)
    assert _choices(bodies.DialInBody, "kind") == set(RequestKind.__members__)
    assert _choices(bodies.CutBody, "at") == {place.value for place in CutPlace}


def test_every_key_cap_can_be_pressed() -> None:
    assert set(get_args(bodies.KeyName)) == set(KEYS)
    assert set(KEYS.values()) == set(HARD_KEYS)


def test_every_sensor_but_the_scale_can_be_set() -> None:
    sensors = {field.name for field in fields(Sensors)} - {"scale"}
    assert set(bodies.SensorsBody.model_fields) == sensors


def test_every_code_of_the_port_is_its_own() -> None:
    codes = [refusal.code for refusal in ControlRefusal]
    assert len(set(codes)) == len(codes)
    assert all(code.startswith("CTL-") for code in codes)
