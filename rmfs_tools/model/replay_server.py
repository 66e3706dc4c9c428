"""Steps of the model at the server, on the line, and of people, with the real books."""

import sqlite3
from typing import Final

from hw.database import NoHook
from hw.entropy import SeededEntropy
from protocol.keys import MachineIdentity, Realm
from protocol.messages import MessageType, Voucher
from protocol.values import LicenceIdentifier
from protocol.vouchers import VoucherFault, VoucherHolder, check_voucher
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_tools.model.replay_call import DONE, Did, prevented
from rmfs_tools.model.replay_start import database_of
from rmfs_tools.model.replay_world import ReplayWorld
from rmfs_tools.simulation.pair_mortal import KilledAt, ServerKilledError
from rmfs_tools.simulation.pair_parties import LICENCE

_STRANGER: Final = LicenceIdentifier("N654321")
_RESOLVING_STEPS: Final = 3


class ServerSteps:
    """Each method is a step of the model, by its name; it says what became of it."""

    def __init__(self, world: ReplayWorld) -> None:
        """Act in a world."""
        self._world = world
        self._kept_image = b""
        self._kept_books = sqlite3.connect(":memory:")

    def judge(self, call: int) -> Did:
        """Take the STATEMENT and commit what it means."""
        return self._world.ask_books(call)

    def post(self, call: int) -> Did:
        """Take the CONFIRMATION and commit what it means."""
        return self._world.ask_books(call)

    def keep_voucher(self, call: int) -> Did:
        """Take the LAST_VOUCHER and commit it."""
        return self._world.ask_books(call)

    def store_goodbye(self, call: int) -> Did:
        """Take the GOODBYE and commit it."""
        return self._world.ask_books(call)

    def send_unstored(self, call: int) -> Did:
        """Take the STATEMENT, and let the server die before it has committed."""
        return self._killed(call)

    def judge_half(self, call: int) -> Did:
        """The same: everything was written, and nothing committed."""
        return self._killed(call)

    def answer(self, call: int) -> Did:
        """Let what is committed leave."""
        made = self._world.calls.get(call)
        if made is None:
            return prevented("there is no such call")
        did = made.send_answer(self._world.now)
        for body in made.bodies:
            if body[0] == MessageType.VOUCHER and body not in self._world.vouchers:
                self._world.vouchers.append(body)
        return did

    def step_aside(self, call: int) -> Did:
        """Let the side of an older call be told that a newer one has won."""
        return self._world.calls[call].step_aside(self._world.now)

    def refuse_packet(self, call: int) -> Did:
        """Take what has no place."""
        did = self._world.ask_books(call)
        refused = not did.done and "ERROR" in did.words
        return DONE if refused else prevented(did.words or "it was taken")

    def server_loses_line(self, call: int) -> Did:
        """Let the server find out that the line is lost."""
        made = self._world.calls.get(call)
        if made is None or made.server is None:
            return prevented("the side has ended")
        made.server.line_lost("the model says so", self._world.now)
        made.end_server()
        return DONE

    def server_crash(self) -> Did:
        """End the server's process and start it again."""
        self._world.start_server()
        return DONE

    def void(self) -> Did:
        """Take the outstanding voucher back."""
        try:
            self._world.administration.void(LICENCE, self._world.by)
        except MoveRefusedError as error:
            return prevented(str(error))
        return DONE

    def resolve(self) -> Did:
        """Resolve the freeze by the proposals of the evidence."""
        resolving = Resolving(self._world.store, two_persons=False)
        words = []
        for _ in range(_RESOLVING_STEPS):
            evidence = resolving.evidence(LICENCE, self._world.by)
            if not evidence.machine.frozen or evidence.proposed is None:
                break
            words.append(evidence.proposed.name)
            resolving.resolve(LICENCE, evidence.proposed, self._world.by)
        return Did(done=True, words=", ".join(words)) if words else prevented("nothing")

    def release(self) -> Did:
        """Nothing of the product releases a reservation."""
        return prevented("no timer releases a reservation")

    def cut_line(self, call: int) -> Did:
        """Nothing happens before a side finds out."""
        del call
        return DONE

    def calm(self) -> Did:
        """Nothing happens."""
        return DONE

    def clone(self) -> Did:
        """Copy the memory into a second body."""
        self._world.clone()
        return DONE

    def keep_image(self) -> Did:
        """Put a copy of the memory aside."""
        self._kept_image = self._world.bodies[0].nvram.image()
        return DONE

    def restore_image(self) -> Did:
        """Put the copy back."""
        self._world.bodies[0].restart(self._kept_image)
        return DONE

    def keep_backup(self) -> Did:
        """Copy the books."""
        self._kept_books = sqlite3.connect(":memory:")
        with database_of(self._world.store) as database:
            database.backup(self._kept_books)
        return DONE

    def restore_backup(self) -> Did:
        """Start the server on the copy."""
        with database_of(self._world.store) as database:
            self._kept_books.backup(database)
        self._world.start_server()
        return DONE

    def play_voucher(self, call: int, number: int) -> Did:
        """Let a recorded voucher arrive in place of what is on its way."""
        if number >= len(self._world.vouchers):
            return prevented("no such voucher was ever sent")
        return self._play(call, self._world.vouchers[number : number + 1])

    def play_answer(self, call: int, other: int) -> Did:
        """Let the recorded REFUSAL and RECEIPT of another call arrive."""
        recorded = self._world.calls[other].bodies if other in self._world.calls else []
        answers = [body for body in recorded if body[0] != MessageType.VOUCHER]
        if not answers:
            return prevented("no such answer was ever sent")
        return self._play(call, answers)

    def apply_elsewhere(self, call: int) -> Did:
        """Show the voucher of a call to another PSD with the same number and CT."""
        vouchers = self._world.calls[call].bodies or self._world.vouchers
        if not vouchers:
            return prevented("no voucher was sent")
        octets = vouchers[0]
        seed = SeededEntropy(b"stranger")
        stranger = MachineIdentity.generate(_STRANGER, "PSD00002", Realm.TEST, seed)
        body = self._world.bodies[0]
        holder = VoucherHolder(
            stranger.credential,
            body.psd.server,
            body.record.registers,
            body.record.recharge_number,
        )
        found = check_voucher(Voucher.decode(octets), octets, holder)
        return prevented(found.value) if isinstance(found, VoucherFault) else DONE

    def _killed(self, call: int) -> Did:
        self._world.hook.inner = KilledAt(1, after=False)
        try:
            did = self._world.ask_books(call)
        except ServerKilledError as error:
            self._world.start_server()
            return prevented(f"the server died in {error}: nothing was sent or stored")
        finally:
            self._world.hook.inner = NoHook()
        return prevented(did.words or "the server did not die")

    def _play(self, call: int, bodies: list[bytes]) -> Did:
        made = self._world.calls.get(call)
        if made is None or made.machine is None:
            return prevented("the machine is not in the call")
        first = not made.heard
        made.down = [
            self._world.played.packet(body, first=first and not number)
            for number, body in enumerate(bodies)
        ]
        return DONE
