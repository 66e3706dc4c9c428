"""Routes of the machine itself: state, power, panel, settings, PINs, service."""

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from fm_device.control.answers import (
    PanelAnswer,
    PinAnswer,
    PowerAnswer,
    SettingsAnswer,
    StateAnswer,
)
from fm_device.control.bodies import (
    CutBody,
    DepartmentBody,
    EnterPinBody,
    KeysBody,
    NewFlashBody,
    PowerBody,
    RoleName,
    ServiceBody,
    SetPinBody,
    SettingsBody,
)
from fm_device.control.plug import CutPlace
from fm_device.control.port import PortHere
from fm_device.control.problems import ProblemError, check
from fm_device.control.stand import Stand
from fm_device.firmware.desk import Service
from fm_device.flash.settings import AutoDial, Department, Medium
from fm_device.panel.keys import (
    ClassKey,
    Clear,
    DateKey,
    Digit,
    Down,
    FrankKey,
    FundsKey,
    HardKey,
    Left,
    MenuKey,
    Ok,
    PowerKey,
    ReportKey,
    Right,
    Up,
    ZeroKey,
)
from fm_device.psd.pins import PinVerdict, Role
from fm_device.show import machine_as_json
from protocol.values import Paise

KEYS: Final[dict[str, HardKey]] = {
    **{str(digit): Digit(digit) for digit in range(10)},
    "UP": Up(),
    "DOWN": Down(),
    "LEFT": Left(),
    "RIGHT": Right(),
    "OK": Ok(),
    "CLEAR": Clear(),
    "FUNDS": FundsKey(),
    "CLASS": ClassKey(),
    "DATE": DateKey(),
    "ZERO": ZeroKey(),
    "REPORT": ReportKey(),
    "MENU": MenuKey(),
    "FRANK": FrankKey(),
    "POWER": PowerKey(),
}
"""Every key cap by its name here."""

_Number = Annotated[int, Path(ge=1, le=50, description="1 to 50.")]


ROUTES: Final = APIRouter(tags=["machine"])


@ROUTES.get("/state")
async def get_state(port: PortHere) -> StateAnswer:
    """Say where the machine stands, and everything that it shows of itself."""
    found = await port.look(_state)
    return StateAnswer(**found, last_event=port.hub.last_number)


@ROUTES.get("/power")
async def get_power(port: PortHere) -> PowerAnswer:
    """Say whether it is on, how the last start went, and where a cut is armed."""
    return await port.look(_power)


@ROUTES.post("/power")
async def post_power(port: PortHere, body: PowerBody) -> PowerAnswer:
    """Switch on, off in order, or cut the power; what is so already stays so."""
    if body.action == "cut":
        return await port.cut(_power)

    def switch(stand: Stand) -> PowerAnswer:
        if body.action == "on":
            stand.switch_on()
        else:
            stand.switch_off()
        return _power(stand)

    return await port.change(switch)


@ROUTES.put("/power/cut")
async def put_cut(port: PortHere, body: CutBody) -> PowerAnswer:
    """Let the power fail later, in place of what was armed; it fails once."""

    def arm(stand: Stand) -> PowerAnswer:
        stand.plug.arm(CutPlace(body.at), body.number, body.torn_octets)
        return _power(stand)

    return await port.change(arm)


@ROUTES.delete("/power/cut")
async def delete_cut(port: PortHere) -> PowerAnswer:
    """Let the power not fail after all."""

    def disarm(stand: Stand) -> PowerAnswer:
        stand.plug.disarm()
        return _power(stand)

    return await port.change(disarm)


@ROUTES.get("/panel")
async def get_panel(port: PortHere) -> PanelAnswer:
    """Show the panel: display, lamps, soft keys, also while a dial-in runs."""
    return await port.look(_panel)


@ROUTES.post("/panel/keys")
async def post_keys(port: PortHere, body: KeysBody) -> PanelAnswer:
    """Press keys one after the other; a dial-in that begins is named."""

    def press(stand: Stand) -> PanelAnswer:
        for name in body.keys:
            if stand.plug.is_cut or stand.press(KEYS[name]) is not None:
                break
        return _panel(stand)

    return await port.change(press)


@ROUTES.get("/settings")
async def get_settings(port: PortHere) -> SettingsAnswer:
    """Say what operator and supervisor have set."""
    return await port.look(_settings)


@ROUTES.patch("/settings")
async def patch_settings(port: PortHere, body: SettingsBody) -> SettingsAnswer:
    """Change settings; the supervisor's PIN is needed where there is one."""
    changes = body.given()
    if body.auto_dial is not None:
        dial = body.auto_dial
        changes["auto_dial"] = AutoDial(dial.minute, dial.line)
    if "medium" in changes:
        changes["medium"] = Medium(body.medium)

    def change(stand: Stand) -> SettingsAnswer:
        check(stand.machine.desk.change(**changes))
        return _settings(stand)

    return await port.change(change)


@ROUTES.put("/departments/{number}")
async def put_department(
    port: PortHere, number: _Number, body: DepartmentBody
) -> SettingsAnswer:
    """Add a department, or change the one with this number."""
    department = Department(number, body.name, Paise(body.limit_paise), body.pin_needed)

    def put(stand: Stand) -> SettingsAnswer:
        check(stand.machine.desk.put_department(department))
        return _settings(stand)

    return await port.change(put)


@ROUTES.delete("/departments/{number}")
async def delete_department(port: PortHere, number: _Number) -> SettingsAnswer:
    """Take a department away; what it franked stays accounted."""

    def drop(stand: Stand) -> SettingsAnswer:
        check(stand.machine.desk.drop_department(number))
        return _settings(stand)

    return await port.change(drop)


@ROUTES.post("/pins/enter")
async def enter_pin(port: PortHere, body: EnterPinBody) -> PinAnswer:
    """Give a PIN; what it opens stays open until /v1/pins/leave or power-off."""

    def enter(stand: Stand) -> PinAnswer:
        answer = stand.machine.desk.enter(Role[body.role], body.pin)
        if answer.verdict is not PinVerdict.RIGHT:
            raise ProblemError(
                answer.verdict,
                attempts_left=answer.attempts_left,
                wait_until=answer.wait_until,
            )
        return PinAnswer(attempts_left=answer.attempts_left, words=answer.verdict.words)

    return await port.change(enter)


@ROUTES.post("/pins/leave", status_code=204)
async def leave(port: PortHere) -> None:
    """Close what PINs have opened."""
    await port.change(lambda stand: stand.machine.desk.leave())


@ROUTES.put("/pins/{role}", status_code=204)
async def set_pin(port: PortHere, role: RoleName, body: SetPinBody) -> None:
    """Set the PIN of a role, or take it away; the supervisor does."""
    await port.change(
        lambda stand: check(stand.machine.desk.set_pin(Role[role], body.pin))
    )


@ROUTES.post("/service", status_code=204)
async def serve(port: PortHere, body: ServiceBody) -> None:
    """Do what service or the operator does at the machine: refill, clear, mend."""
    await port.change(
        lambda stand: check(stand.machine.desk.serve(Service[body.service]))
    )


@ROUTES.post("/service/new-flash", status_code=204)
async def new_flash(port: PortHere, body: NewFlashBody) -> None:
    """Put an erased flash in, as service does: the machine is switched off and on.

    Settings, tariffs, slogans and the event log are lost with the old one, which is
    kept in the folder as flash.bin.old; the money is in the PSD.
    """
    await port.change(lambda stand: stand.put_new_flash(meant=body.meant))


@ROUTES.post("/tamper", status_code=204)
async def tamper(port: PortHere) -> None:
    """Open the PSD itself: its keys are erased, and it never franks again."""
    await port.change(lambda stand: stand.machine.desk.tampered())


def _state(stand: Stand) -> dict[str, Any]:
    machine = stand.machine
    shown = machine_as_json(machine) if machine.is_on else None
    return {**stand.state, "machine": shown}


def _power(stand: Stand) -> PowerAnswer:
    start = stand.machine.start
    armed = stand.plug.armed
    return PowerAnswer.model_validate(
        {
            "power": "on" if stand.is_on else "off",
            "boot": stand.machine.boot.name,
            "cut_at": None if armed is None else armed.value,
            "tests": [
                {
                    "part": test.part.name,
                    "code": test.part.code,
                    "verdict": test.verdict.value,
                    "words": test.words,
                }
                for test in (() if start is None else start.tests)
            ],
        }
    )


def _panel(stand: Stand) -> PanelAnswer:
    stand.look()
    view = stand.panel.view
    dialling = stand.dial_ins.running
    return PanelAnswer.model_validate(
        {
            "screen": view.screen.name,
            "lines": list(view.lines),
            "lamps": {
                name: lamp.value
                for name, lamp in (
                    ("ready", view.lamps.ready),
                    ("fault", view.lamps.fault),
                    ("line", view.lamps.line),
                    ("funds", view.lamps.funds),
                )
            },
            "soft_keys": [
                {"digit": digit, "words": words} for digit, words in view.soft
            ],
            "hint": view.hint,
            "frank": view.frank,
            "dial_in": None if dialling is None else str(dialling),
        }
    )


def _settings(stand: Stand) -> SettingsAnswer:
    machine = stand.machine
    settings = machine.settings
    dial = settings.auto_dial
    return SettingsAnswer.model_validate(
        {
            "high_value_paise": settings.high_value_paise,
            "low_funds_paise": settings.low_funds_paise,
            "date_advance_max_days": settings.date_advance_max_days,
            "auto_advance_minute": settings.auto_advance_minute,
            "slogan": settings.slogan,
            "departments": [
                {**asdict(one), "spent_paise": machine.desk.spent_paise(one.number)}
                for one in settings.departments
            ],
            "accounts_on": settings.accounts_on,
            "pins_on": settings.pins_on,
            "auto_dial": None if dial is None else asdict(dial),
            "office_name": settings.office_name,
            "medium": settings.medium.value,
        }
    )
