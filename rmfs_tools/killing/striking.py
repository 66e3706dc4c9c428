"""Sessions of the exchange, and the kills that strike them.

A session is at work while its call is open at the `Relay`. Its length is measured; a
kill comes at its share of the length, counted from the first octets, so that the time
that Python needs to start takes none of the kills.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dop_gateway.folder import DATABASE
from protocol.errors import RmfsError
from rmfs_tools.demo_chain import GATEWAY
from rmfs_tools.killing.leaving import Left, has_to_catch_up, left_in
from rmfs_tools.killing.plan import Kill, Victim, When
from rmfs_tools.killing.processes import ROOT, Launcher, Running
from rmfs_tools.killing.relay import Relay
from rmfs_tools.parties import SERVER

SESSIONS_MAX: Final = 5
"""After a kill; a second one is needed only where the first found a file half-way."""
_LENGTHS: Final = 5
_SAID: Final = "listening at sftp://127.0.0.1:"
_LOOKS_EVERY_S: Final = 0.002


class StuckError(RmfsError):
    """After a kill the exchange does not come to an end."""


@dataclass
class Struck:
    """What the kills hit.

    Attributes:
        by_victim: Kills that were sent, by whom they struck.
        in_a_session: Of these, while a session was at work.
        in_a_start: Of these, after the gateway had opened its books and before it
            listened.
        left: How far sessions were that were struck.
        with_work: Starts of the gateway that were struck and had files to apply.
        missed: Kills for which the session was over too soon; they were tried again.
        sessions: Sessions that came to their end.
        session_s: How long the longest of the last ones took.
        start_s: How long the gateway took from its books to the drop, likewise.
    """

    by_victim: Counter[Victim] = field(default_factory=Counter)
    in_a_session: int = 0
    in_a_start: int = 0
    left: Counter[Left] = field(default_factory=Counter)
    with_work: int = 0
    missed: int = 0
    sessions: int = 0
    session_s: float = 0.0
    start_s: float = 0.0


class Striker:
    """Runs gateway and sessions, and kills them."""

    def __init__(
        self,
        folder: Path,
        launcher: Launcher,
        relay: Relay,
        waits: Callable[[], bool],
        struck: Struck,
        *,
        server_root: Path = ROOT,
    ) -> None:
        """Take both sides; nothing runs yet.

        Args:
            folder: Of both.
            launcher: Starts their programs.
            relay: The wire between them.
            waits: Says whether a file has come to the gateway and is not applied.
            struck: Where it is counted what kills hit.
            server_root: Folder of the packages that the server runs.
        """
        self.struck = struck
        self._folder = folder
        self._launcher = launcher
        self._relay = relay
        self._waits = waits
        self._server_root = server_root
        self._gateway: Running | None = None
        self._sessions_s: deque[float] = deque(maxlen=_LENGTHS)
        self._starts_s: deque[float] = deque(maxlen=_LENGTHS)

    async def start_gateway(self) -> None:
        """Start the gateway, and lead calls there once it listens."""
        gateway = await self._launch_gateway()
        await gateway.has_open(DATABASE)
        at = asyncio.get_running_loop().time()
        port = int(await gateway.says(_SAID))
        self._starts_s.append(asyncio.get_running_loop().time() - at)
        self.struck.start_s = max(self._starts_s)
        self._relay.lead_to(port)

    async def end(self) -> None:
        """End what runs."""
        if self._gateway is not None:
            await self._gateway.kill()

    async def strike(self, kill: Kill) -> bool:
        """Begin a session and kill; False if the session was over before.

        The gateway runs again when this returns; no session runs.
        """
        if kill.when is When.START:
            return await self._strike_start(kill)
        return await self._strike_session(kill)

    async def finish(self) -> None:
        """Run sessions until nothing is open.

        Raises:
            StuckError: They do not come to an end, or need a person.
        """
        for _ in range(SESSIONS_MAX):
            call = self._relay.expect()
            session = await self._launch_session()
            said = await session.output()
            if call.seconds is not None:
                self._sessions_s.append(call.seconds)
                self.struck.session_s = max(self._sessions_s)
            if session.code != 0:
                words = f"a session ended with {session.code}: {session.last_words}"
                raise StuckError(words)
            self.struck.sessions += 1
            # A window of the real day may have begun meanwhile, and brought files.
            is_taken = left_in(self._folder, None) is not Left.TO_TAKE
            if json.loads(said)["complete"] and is_taken:
                return
        raise StuckError(f"files are still open after {SESSIONS_MAX} sessions")

    async def _strike_session(self, kill: Kill) -> bool:
        call = self._relay.expect()
        session = await self._launch_session()
        began = asyncio.create_task(call.began.wait())
        await asyncio.wait({began, session.end}, return_when=asyncio.FIRST_COMPLETED)
        began.cancel()
        await session.ends_within(kill.share * self.struck.session_s)
        at_work = call.is_open
        victim = session if kill.victim is Victim.SERVER else self._gateway
        if not at_work or victim is None or not await victim.kill():
            await session.output()
            self.struck.missed += 1
            return False
        self.struck.by_victim[kill.victim] += 1
        self.struck.in_a_session += 1
        await session.output()
        self.struck.left[left_in(self._folder, kill.victim)] += 1
        if kill.victim is Victim.GATEWAY:
            await self._start_again()
        return True

    async def _strike_start(self, kill: Kill) -> bool:
        """Kill the gateway when a file has come, and again while it catches up."""
        call = self._relay.expect()
        session = await self._launch_session()
        waits = False
        while not session.is_over and not waits:
            await session.ends_within(_LOOKS_EVERY_S)
            waits = call.is_open and self._waits()
        if self._gateway is not None:
            await self._gateway.kill()
        await session.output()
        self._relay.lead_nowhere()
        has_work = has_to_catch_up(self._folder)
        gateway = await self._launch_gateway()
        await gateway.has_open(DATABASE)
        await gateway.ends_within(kill.share * self.struck.start_s)
        hit = await gateway.kill()
        # One that listens has caught up: that is no start any more.
        hit = hit and _SAID.encode() not in await gateway.output()
        await self._start_again()
        if not hit:
            self.struck.missed += 1
            return False
        self.struck.by_victim[kill.victim] += 1
        self.struck.in_a_start += 1
        self.struck.with_work += has_work
        return True

    async def _start_again(self) -> None:
        self._relay.lead_nowhere()
        await self.start_gateway()

    async def _launch_gateway(self) -> Running:
        where = ("--gateway", self._folder / GATEWAY)
        ports = ("--port", 0, "--sftp-port", 0)
        self._gateway = await self._launcher.start(
            "gateway", "dop", "run", *where, *ports
        )
        return self._gateway

    async def _launch_session(self) -> Running:
        return await self._launcher.start(
            "exchange",
            *("server", "exchange", "once", "--server", self._folder / SERVER),
            *("--by-hand", "--json"),
            root=self._server_root,
        )
