"""Steps of the model that a machine takes, with the real PSD and dialogue."""

from collections.abc import Callable
from typing import Final

from fm_device.psd.franking import FrankOrder, FrankRefusal
from hw.nvram import PowerCutError
from protocol.channel import DoubleServerChannel
from protocol.dialogue.machine import MachineDialogue, Request
from protocol.dialogue.machine import State as MachineState
from protocol.dialogue.server import ServerDialogue
from protocol.dialogue.shared import SendPacket
from protocol.errors import LocalProtocolError
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.model.replay_call import DONE, Did, ReplayCall, prevented
from rmfs_tools.model.replay_start import STEP_PAISE
from rmfs_tools.model.replay_world import ReplayWorld
from rmfs_tools.simulation.pair_parties import LICENCE

KINDS: Final = (
    RequestKind.INSPECTION,
    RequestKind.RECHARGE,
    RequestKind.WITHDRAWAL,
    RequestKind.REFUND,
)
"""The model's kinds, by their numbers."""
_TORN_PART: Final = 2


class MachineSteps:
    """Each method is a step of the model, by its name; it says what became of it."""

    def __init__(self, world: ReplayWorld) -> None:
        """Act in a world."""
        self._world = world

    def dial(self, body: int, call: int, kind: int, amount: int) -> Did:
        """Store a request and greet."""
        request = Request(KINDS[kind], Paise(amount * STEP_PAISE))
        if request.kind is RequestKind.REFUND:
            self._world.administration.set_licence(
                LICENCE, self._world.by, refund_allowed=True
            )
        psd = self._world.bodies[body].psd
        machine = MachineDialogue(psd, request)
        try:
            effects = machine.link_up(self._world.now)
        except LocalProtocolError as error:
            return prevented(f"the PSD does not dial: {error}")
        seed = self._world.new_seed(b"server")
        channel = DoubleServerChannel(self._world.keys.identity, seed)
        server = ServerDialogue(channel, self._world.now)
        up = [one.packet for one in effects if isinstance(one, SendPacket)]
        made = ReplayCall(machine, server, self._world.wall.now(), up)
        self._world.calls[call] = self._world.in_call[body] = made
        pending = self._world.bodies[body].record.pending
        if pending is None or pending == request:
            return DONE
        words = f"{pending.kind.name} of {pending.amount_paise} paise is pending"
        asked = request.kind is not RequestKind.INSPECTION
        return Did(done=not asked, words=f"{words} and stands")

    def state(self, body: int, call: int) -> Did:
        """Let the greetings cross and the STATEMENT leave."""
        del body
        made = self._world.calls.get(call)
        if made is None or made.machine is None or made.server is None:
            return prevented("nobody is in the call")
        made.greet(self._world.now)
        return DONE

    def apply(self, body: int, call: int) -> Did:
        """Take the VOUCHER that has arrived."""
        before = self._world.bodies[body].record.recharge_number
        did = self._hear(body, call)
        if did.done and self._world.bodies[body].record.recharge_number == before:
            return prevented("no voucher was applied")
        return did

    def apply_torn(self, body: int, call: int) -> Did:
        """Take the VOUCHER, and let the power fail in the middle of storing it."""
        self._world.bodies[body].nvram.arm(torn_part=_TORN_PART)
        return self._cut_in(body, call)

    def confirm_unstored(self, body: int, call: int) -> Did:
        """Take the VOUCHER, and let the power fail before any of it is stored."""
        self._world.bodies[body].nvram.arm()
        return self._cut_in(body, call)

    def confirm(self, body: int, call: int) -> Did:
        """Let the CONFIRMATION leave."""
        return self._in(body, call, lambda made: made.send())

    def take_refusal(self, body: int, call: int) -> Did:
        """Take the REFUSAL whose RECEIPT follows."""
        return self._hear(body, call)

    def take_receipt(self, body: int, call: int) -> Did:
        """Take the RECEIPT; what follows it waits for `part`."""
        return self._hear(body, call)

    def part(self, body: int, call: int) -> Did:
        """Report usage where there is any, and say GOODBYE."""
        made = self._world.calls.get(call)
        if made is None or made.machine is None:
            return prevented("the machine is not in the call")
        pending = made.machine.state is MachineState.REPORTING
        did = made.send()
        if did.done and pending:
            did = self._report(body, made)
        self._leave_if_over(body, made)
        return did

    def take_freeze(self, body: int, call: int) -> Did:
        """Take the REFUSAL alone, and say GOODBYE."""
        return self._hear_and_send(body, call)

    def present(self, body: int, call: int) -> Did:
        """Take NUMBER_AHEAD, and present the last voucher."""
        return self._hear_and_send(body, call)

    def voucher_seen(self, body: int, call: int) -> Did:
        """Take the ACK, and say GOODBYE."""
        return self._hear_and_send(body, call)

    def refuse_voucher(self, body: int, call: int) -> Did:
        """Take a VOUCHER that fails a check."""
        return self._fail(body, call)

    def refuse_message(self, body: int, call: int) -> Did:
        """Take what has no place."""
        return self._fail(body, call)

    def lose_line(self, body: int, call: int) -> Did:
        """Let the machine find out that its line is lost."""
        made = self._world.in_call.pop(body, None)
        if made is None or made is not self._world.calls.get(call):
            return prevented("the machine is not in the call any more")
        if made.machine is not None:
            made.machine.line_lost("the model says so", self._world.now)
        made.end_machine()
        return DONE

    def power_cut(self, body: int, call: int) -> Did:
        """Switch the machine off and on."""
        self._world.switch_off(body)
        del call
        return DONE

    def frank(self, body: int) -> Did:
        """Print a frank of one step."""
        psd = self._world.bodies[body].psd
        done = psd.debit(FrankOrder(Paise(STEP_PAISE), 1))
        if isinstance(done, FrankRefusal):
            return prevented(f"the PSD refuses: {done.name}")
        psd.complete(done.item)
        return DONE

    def _in(self, body: int, call: int, act: Callable[[ReplayCall], Did]) -> Did:
        made = self._world.calls.get(call)
        if made is None or self._world.in_call.get(body) is not made:
            return prevented("the machine is not in the call")
        did = act(made)
        self._leave_if_over(body, made)
        return did

    def _hear(self, body: int, call: int) -> Did:
        return self._in(body, call, lambda made: made.tell_machine(self._world.now))

    def _hear_and_send(self, body: int, call: int) -> Did:
        did = self._hear(body, call)
        return self.confirm(body, call) if did.done else did

    def _fail(self, body: int, call: int) -> Did:
        did = self._hear(body, call)
        if did.done:
            return prevented("it was taken")
        return Did(done="ERROR" in did.words, words=did.words)

    def _cut_in(self, body: int, call: int) -> Did:
        try:
            did = self._hear(body, call)
        except PowerCutError as error:
            self._world.switch_off(body)
            return prevented(f"{error}: nothing was sent")
        return prevented(did.words or "the power did not fail")

    def _report(self, body: int, made: ReplayCall) -> Did:
        """Take the usage, which the model leaves out, through to its ACK.

        Where the server's side has ended nobody hears it, and no GOODBYE either.
        """
        heard = self._world.ask(made)
        if heard.done:
            heard = made.send_answer(self._world.now)
        if heard.done:
            heard = made.tell_machine(self._world.now)
        if heard.done:
            return made.send()
        made.end_machine()
        self._leave_if_over(body, made)
        return Did(done=made.server is None, words=f"no usage arrived: {heard.words}")

    def _leave_if_over(self, body: int, made: ReplayCall) -> None:
        if made.machine is None:
            self._world.in_call.pop(body, None)
