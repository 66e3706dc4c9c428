"""A test rig at a machine's control port: standard library only, and never trusting.

Every answer is held against what /openapi.json says of its route. Nothing sleeps:
an event of the stream is waited for, with a time-out that only a fault ever reaches.
"""

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.processes import ROOT, Program

TIMEOUT_S: Final = 300.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    octets: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.octets)


@dataclass(frozen=True)
class Told:
    """One event of the stream."""

    number: int | None
    kind: str
    data: dict[str, Any]


class Control(Program):
    """`rmfs machine control` on a port of its own choice.

    Attributes:
        address: Where it listens.
        token: What it asks for.
    """

    def __init__(self, folder: Path, *options: object, root: Path = ROOT) -> None:
        super().__init__("machine", "control", folder, *options, root=root)
        line = self.said("listening at ")
        self.address = line.removeprefix("listening at ")
        self.token_file = Path(self.said("the token is in ")[len("the token is in ") :])
        self.token = self.token_file.read_text().strip()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@dataclass
class Rig:
    """A client that knows the description.

    Attributes:
        seen: Method, path as described, and status of everything that was answered.
    """

    address: str
    token: str
    seen: set[tuple[str, str, int]] = field(default_factory=set)
    described: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        answer = self.raw("GET", "/openapi.json")
        assert answer.status == 200
        self.described = answer.json

    def raw(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Ask without looking at the answer."""
        given = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            given["Content-Type"] = "application/json"
        given |= headers or {}
        host = self.address.removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=TIMEOUT_S)) as connection:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            named = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, named, answer.read())

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        **headers: str,
    ) -> Answer:
        """Ask, and hold the answer against the description."""
        octets = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        answer = self.raw(method, path, octets, named)
        self._check(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def done(self, method: str, path: str, body: object = None, **more: str) -> Any:
        """Ask for something that has to succeed."""
        answer = self.ask(method, path, body, **more)
        assert answer.status in (200, 202, 204), answer
        return answer.json if answer.octets else None

    def refused(
        self, code: str, method: str, path: str, body: object = None, **more: str
    ) -> dict[str, Any]:
        """Ask for something that has to be refused with this code."""
        answer = self.ask(method, path, body, **more)
        assert answer.status >= 400, answer
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json
        assert problem["code"] == code, problem
        assert problem["status"] == answer.status
        assert problem["type"] == f"urn:rmfs:code:{code}"
        return problem

    @contextmanager
    def listening(self, after: int | None = None) -> Iterator[Iterator[Told]]:
        """Listen to the stream; it is open when this is entered."""
        host = self.address.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
        with closing(connection):
            query = "" if after is None else f"?after={after}"
            headers = {"Authorization": f"Bearer {self.token}"}
            connection.request("GET", f"/v1/events{query}", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.readline().startswith(b": listening")
            yield _events(answer)

    def dialled(self, body: dict[str, Any]) -> dict[str, Any]:
        """Dial in, and wait for the end."""
        with self.listening() as events:
            begun = self.done("POST", "/v1/dial-ins", body)
            for event in events:
                over = event.kind == "dial-in" and event.data["state"] != "running"
                if over and event.data["dial_in"] == begun["id"]:
                    break
        found: dict[str, Any] = self.get(f"/v1/dial-ins/{begun['id']}")
        return found

    def _check(self, method: str, path: str, answer: Answer) -> None:
        for template, operations in self.described["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", re.escape(template).replace("\\", ""))
            if re.fullmatch(pattern, path) and method.lower() in operations:
                break
        else:
            return
        self.seen.add((method, template, answer.status))
        described = operations[method.lower()]["responses"].get(str(answer.status))
        assert described is not None, (method, template, answer)
        contents = described.get("content")
        if contents is None:
            assert not answer.octets
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in contents, (media_type, list(contents))
        if media_type.endswith("json"):
            fit(answer.json, contents[media_type]["schema"], self.described, "$")


def _events(answer: http.client.HTTPResponse) -> Iterator[Told]:
    found: dict[str, str] = {}
    for line in iter(answer.readline, b""):
        name, _, text = line.decode().rstrip("\n").partition(": ")
        if name:
            found[name] = text
        elif "event" in found:
            number = int(found["id"]) if "id" in found else None
            yield Told(number, found["event"], json.loads(found["data"]))
            found = {}


def fit(value: Any, schema: dict[str, Any], whole: dict[str, Any], place: str) -> None:
    """Assert that a value is what a schema describes: the part of JSON Schema we use.

    A word of the schema that is not known here is a failure, not a pass.
    """
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        fit(value, whole["components"]["schemas"][name], whole, place)
        return
    unknown = set(schema) - _KNOWN
    assert not unknown, f"{place}: {unknown}"
    if "anyOf" in schema:
        assert any(_fits(value, one, whole) for one in schema["anyOf"]), (place, value)
    if "type" in schema:
        assert _TYPES[schema["type"]](value), f"{place}: {value!r}"
    if "enum" in schema:
        assert value in schema["enum"], f"{place}: {value!r}"
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            fit(one, schema["items"], whole, f"{place}[{number}]")
    if isinstance(value, dict):
        members = schema.get("properties", {})
        missing = set(schema.get("required", ())) - set(value)
        assert not missing, f"{place}: without {missing}"
        others = schema.get("additionalProperties", True)
        for name, one in value.items():
            if name in members:
                fit(one, members[name], whole, f"{place}.{name}")
            elif isinstance(others, dict):
                fit(one, others, whole, f"{place}.{name}")
            else:
                assert others, f"{place}.{name} is not described"


def _fits(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> bool:
    try:
        fit(value, schema, whole, "$")
    except AssertionError:
        return False
    return True


_KNOWN: Final = {
    *("type", "enum", "anyOf", "properties", "required", "items"),
    *("additionalProperties", "title", "description", "examples"),
}
_TYPES: Final = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


class Opened:
    """A control port with a rig at it."""

    def __init__(self, folder: Path, *options: object) -> None:
        self.program = Control(folder, *options)
        self.rig = Rig(self.program.address, self.program.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.program.__exit__(kind, error, trace)
