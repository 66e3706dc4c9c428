"""Three nodes with PostgreSQL, Patroni and etcd, by the recipe, and how they are asked.

What is asked goes over the network as an operator's `curl` would: Patroni's own HTTP.
"""

import asyncio
import base64
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from protocol.ports import Entropy
from rmfs_tools.failover.network import NETWORK, NODES, Node, RehearsalError
from rmfs_tools.failover.programs import USER, Launcher, give_away

RECIPE: Final = Path(__file__).with_name("recipe")
BALANCER: Final = "127.0.0.1:5000"
DATABASE: Final = "rmfs"
_PATRONI_PORT: Final = 8008
_OPERATOR: Final = "operator"
_HTTP_OK: Final = 200
_ASK_TIMEOUT_S: Final = 2.0
_ACT_TIMEOUT_S: Final = 60.0
_LOOKS_EVERY_S: Final = 0.25
START_TIMEOUT_S: Final = 120.0
SECRET_OCTETS: Final = 16
"""Of each password; they are made anew for each rehearsal."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node as Patroni tells of it.

    Attributes:
        role: ``leader``, ``sync_standby``, ``replica`` ...
        state: ``running``, ``streaming`` ...
    """

    name: str
    role: str
    state: str

    @property
    def node(self) -> Node:
        """Where it runs."""
        return next(node for node in NODES if node.name == self.name)

    @property
    def is_well(self) -> bool:
        """Whether it serves, or follows."""
        return self.state in ("running", "streaming")


def filled(recipe: str, values: Mapping[str, str]) -> str:
    """Fill in a file of the recipe.

    Raises:
        KeyError: A value that it leaves open is missing.
    """
    return Template((RECIPE / recipe).read_text("utf-8")).substitute(values)


def balanced() -> str:
    """Give the lines of HAProxy's settings that name the nodes."""
    return "\n".join(
        f"    server {node.name} {node.address}:5432 check" for node in NODES
    )


class Cluster:
    """The three nodes."""

    def __init__(self, launcher: Launcher, binaries: Path, entropy: Entropy) -> None:
        """Prepare; nothing is started.

        Args:
            launcher: Starts programs.
            binaries: Folder of PostgreSQL's programs.
            entropy: Source of the passwords.
        """
        self._launcher = launcher
        self._binaries = binaries
        self._balancer: asyncio.subprocess.Process | None = None
        names = ("superuser", "replication", "rewind", "operator", "books")
        self._secrets = {name: entropy.octets(SECRET_OCTETS).hex() for name in names}

    @property
    def url(self) -> str:
        """Of the books, through the balancer: what stands in `server.toml`."""
        who = f"{DATABASE}:{self._secrets['books']}"
        # A balancer that has just been started believes every node to be the leader.
        bounds = "&".join(
            (
                "target_session_attrs=read-write",
                *("keepalives_idle=5", "keepalives_interval=2", "keepalives_count=3"),
            )
        )
        return f"postgresql+psycopg://{who}@{BALANCER}/{DATABASE}?{bounds}"

    async def start(self) -> None:
        """Start all three, and the balancer; it is up when the books can be written.

        Raises:
            RehearsalError: It does not come up.
        """
        for node in NODES:
            self._write(node)
            await self.start_node(node)
        await self.whole("no cluster came up")
        await self.start_balancer()
        await self._make_database()

    async def start_balancer(self) -> None:
        """Start HAProxy."""
        folder = self._launcher.folder
        config = self._fill("haproxy.cfg", folder=folder, haproxy_servers=balanced())
        words = ["haproxy", "-db", "-f", str(config)]
        self._balancer = await self._launcher.start("haproxy", words)

    async def kill_balancer(self) -> None:
        """Send SIGKILL to HAProxy: every connection of the books breaks."""
        if self._balancer is not None:
            self._balancer.kill()
            await self._balancer.wait()

    async def start_node(self, node: Node) -> None:
        """Switch a node on: etcd, then Patroni, which starts PostgreSQL."""
        folder = self._launcher.folder / node.name
        for words in (
            ["etcd", "--config-file", str(folder / "etcd.yml")],
            ["patroni", str(folder / "patroni.yml")],
        ):
            await self._launcher.start(f"{node.name}-{words[0]}", words, node)

    async def members(self) -> list[Member]:
        """Ask the node that leads; empty when none does.

        A node that was parted from the others tells of them as they were before.
        """
        for node in NODES:
            try:
                leads, _ = await asyncio.to_thread(self._ask, node, "GET", "/primary")
                if leads != _HTTP_OK:
                    continue
                _, said = await asyncio.to_thread(self._ask, node, "GET", "/cluster")
                found = json.loads(said)["members"]
                return [Member(row["name"], row["role"], row["state"]) for row in found]
            except (OSError, ValueError, KeyError, http.client.HTTPException):
                continue
        return []

    async def leader(self) -> Node:
        """Say which node leads now.

        Raises:
            RehearsalError: None does.
        """
        for member in await self.members():
            if member.role == "leader":
                return member.node
        raise RehearsalError("there is no leader")

    async def standby(self) -> Node:
        """Say for which node a COMMIT waits now.

        Raises:
            RehearsalError: For none.
        """
        for member in await self.members():
            if member.role == "sync_standby":
                return member.node
        raise RehearsalError("there is no synchronous standby")

    async def whole(self, otherwise: str, *, synchronous: bool = True) -> None:
        """Wait until one node leads, and both others follow.

        Raises:
            RehearsalError: They do not; it begins with `otherwise`.
        """

        def is_whole(members: list[Member]) -> bool:
            roles = [one.role for one in members if one.is_well]
            second = "sync_standby" if synchronous else "replica"
            return (
                len(roles) == len(NODES)
                and roles.count("leader") == 1
                and second in roles
            )

        await self.until(is_whole, otherwise)

    async def until(
        self, holds: Callable[[list[Member]], bool], otherwise: str
    ) -> None:
        """Wait until something is true of the members.

        Raises:
            RehearsalError: It does not come to that.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + START_TIMEOUT_S
        members = await self.members()
        while not holds(members):
            if loop.time() > until:
                names = [f"{node.name}-patroni" for node in NODES]
                words = self._launcher.last_words(names)
                raise RehearsalError(f"{otherwise}: {members}\n{words}")
            await asyncio.sleep(_LOOKS_EVERY_S)
            members = await self.members()

    async def act(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Tell the leader's Patroni to do something.

        Raises:
            RehearsalError: It would not.
        """
        node = await self.leader()
        try:
            status, said = await asyncio.to_thread(self._ask, node, method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise RehearsalError(f"Patroni: {method} {path}: {error}") from error
        if status != _HTTP_OK:
            raise RehearsalError(f"Patroni: {method} {path}: {status} {said}")

    def _ask(
        self,
        node: Node,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, str]:
        timeout_s = _ASK_TIMEOUT_S if body is None else _ACT_TIMEOUT_S
        secret = f"{_OPERATOR}:{self._secrets['operator']}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}
        line = http.client.HTTPConnection(
            node.address, _PATRONI_PORT, timeout=timeout_s
        )
        try:
            text = None if body is None else json.dumps(body)
            line.request(method, path, text, headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            line.close()

    def _write(self, node: Node) -> None:
        folder = self._launcher.folder / node.name
        folder.mkdir(mode=0o700)
        give_away(folder)
        peers = ",".join(f"{one.name}=http://{one.address}:2380" for one in NODES)
        hosts = ", ".join(f"{one.address}:2379" for one in NODES)
        for name in ("etcd.yml", "patroni.yml"):
            self._fill(
                name,
                folder=folder,
                name_=node.name,
                address=node.address,
                network=NETWORK,
                binaries=self._binaries,
                etcd_cluster=peers,
                etcd_hosts=hosts,
            )

    def _fill(self, recipe: str, *, folder: Path, **values: object) -> Path:
        words = {key.rstrip("_"): str(value) for key, value in values.items()}
        secrets = {f"{name}_password": word for name, word in self._secrets.items()}
        path = folder / recipe
        text = filled(recipe, {**words, **secrets, "folder": str(folder)})
        path.write_text(text, "utf-8")
        path.chmod(0o600)
        give_away(path)
        return path

    async def _make_database(self) -> None:
        """Make role and database through the balancer, when it has found the leader.

        Raises:
            RehearsalError: It does not come to that.
        """
        secret = self._secrets["books"]
        loop = asyncio.get_running_loop()
        until = loop.time() + START_TIMEOUT_S
        orders = [
            # A balancer that has just begun tries every node in turn: once around
            # without a mistake, and it knows.
            *["SELECT 1"] * len(NODES),
            f"CREATE ROLE {DATABASE} LOGIN PASSWORD '{secret}'",
            f"CREATE DATABASE {DATABASE} OWNER {DATABASE}",
        ]
        done = 0
        while done < len(orders):
            said = await self._sql(orders[done])
            if said is None:
                done += 1
                continue
            if loop.time() > until:
                said += "\n" + self._launcher.last_words(["haproxy"])
                raise RehearsalError(f"the database could not be made: {said}")
            done = 0 if done < len(NODES) else done
            await asyncio.sleep(_LOOKS_EVERY_S)

    async def _sql(self, order: str) -> str | None:
        """Run SQL as superuser; gives what went wrong, or None."""
        host, _, port = BALANCER.partition(":")
        where = f"host={host} port={port} user={USER} dbname=postgres"
        process = await asyncio.create_subprocess_exec(
            *(str(self._binaries / "psql"), "--no-psqlrc", "--quiet"),
            *("--dbname", f"{where} target_session_attrs=read-write"),
            *("--command", order),
            env={"PGPASSWORD": self._secrets["superuser"], "PGCONNECT_TIMEOUT": "3"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        return said.decode("utf-8", "replace").strip() if process.returncode else None
