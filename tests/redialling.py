"""A machine that dials by itself until it is done, its schedule, and what is read.

Money is looked at after every redial: the oracles are those of `tests.system`.
"""

from dataclasses import dataclass, field

from fm_device.dial_in import (
    ATTEMPTS_MAX,
    DialInReport,
    Progress,
    Redialling,
    redial_wait_s,
)
from fm_device.program import dial_repeatedly
from fm_device.show import show_progress, show_report
from hw.lines.port import Call, Dialler, LineUser
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.dialogue.shared import Failed, LineLost
from tests.system import RUPEES_2000, System

SCHEDULE_S = (2, 4, 8, 16, 32, 64, 128, 256, 300)
"""SPEC.md DLG-14.3: 2, 4, 8 ... seconds, at most 5 minutes, and 10 dial-ins."""


class TimedDialler:
    """Dials, and notes when."""

    def __init__(self, system: System, dialler: Dialler) -> None:
        self.dialled_at_s: list[float] = []
        self._system = system
        self._dialler = dialler

    def dial(self, user: LineUser) -> Call:
        self.dialled_at_s.append(self._system.reactor.seconds())
        return self._dialler.dial(user)


@dataclass
class Redials:
    """What happened in some dial-ins of which each follows upon the one before."""

    system: System
    dialler: TimedDialler
    report: DialInReport | None = None
    progress: list[Progress] = field(default_factory=list)
    waits: list[Redialling] = field(default_factory=list)
    waits_began_at_s: list[float] = field(default_factory=list)

    @property
    def done(self) -> DialInReport:
        assert self.report is not None
        return self.report

    @property
    def redials(self) -> int:
        return len(self.waits)

    @property
    def said(self) -> str:
        """What the operator reads at the end."""
        return "\n".join(show_report(self.done))

    @property
    def reasons(self) -> list[str]:
        """What the operator reads of each attempt that failed."""
        return [
            show_progress(event)
            for event in self.progress
            if isinstance(event, LineLost | Failed)
        ]

    def tell(self, event: Progress) -> None:
        self.progress.append(event)
        if isinstance(event, Redialling):
            self.waits.append(event)
            self.waits_began_at_s.append(self.system.reactor.seconds())
            self.system.check_money()

    def check_schedule(self) -> None:
        """The waits are those of the spec, and each was waited."""
        waits_s = [wait.wait_s for wait in self.waits]
        assert waits_s == list(SCHEDULE_S[: self.redials])
        assert waits_s == [redial_wait_s(n + 1) for n in range(self.redials)]
        assert [wait.attempt for wait in self.waits] == [
            number + 2 for number in range(self.redials)
        ]
        assert len(self.dialler.dialled_at_s) == 1 + self.redials
        for began_s, wait_s, dialled_s in zip(
            self.waits_began_at_s, waits_s, self.dialler.dialled_at_s[1:], strict=True
        ):
            assert abs(dialled_s - began_s - wait_s) < 1e-6


def redial(
    system: System,
    request: Request = RUPEES_2000,
    *,
    dialler: Dialler | None = None,
    attempts: int = ATTEMPTS_MAX,
) -> Redials:
    """Dial as the machine does by itself; its schedule is checked."""
    redials = Redials(system, TimedDialler(system, dialler or system.line))
    failures: list[object] = []

    def ended(report: DialInReport) -> None:
        redials.report = report

    dial_repeatedly(
        system.psd(),
        request,
        redials.dialler,
        system.reactor,
        attempts=attempts,
        on_progress=redials.tell,
    ).addCallbacks(ended, failures.append)
    system.run(lambda: redials.report is not None or bool(failures))
    assert failures == []
    redials.check_schedule()
    return redials


def recharge_once(
    system: System, *, dialler: Dialler | None = None, most: int = 5
) -> list[Redials]:
    """Recharge with Rs 2,000, and see that it came to pass exactly once.

    The machine dials by itself; when it gives up, the operator does as the report says.
    One damaged frame in some 65,000 has the right FCS: its record ends a dial-in with
    an ERROR, upon which a machine does not dial by itself.
    """
    request = RUPEES_2000
    told: list[Redials] = []
    while not told or "dial again" in told[-1].said:
        assert len(told) < most, [one.said for one in told]
        told.append(redial(system, request, dialler=dialler))
        if told[-1].done.voucher is not None:
            request = INSPECTION
    last = told[-1]
    assert last.done.outcome in {Outcome.CONFIRMED, Outcome.INSPECTED}, last.said
    if len(told) == 1:
        assert last.said.startswith("RECHARGED\n"), last.said
        assert "Funds added      Rs 2,000.00" in last.said
    check_recharged_once(system)
    return told


def check_recharged_once(system: System) -> None:
    """Rs 2,000 once, nothing pending, and the books closed."""
    system.check_quiet(200_000)
    assert system.psd().record.recharge_number == 1
