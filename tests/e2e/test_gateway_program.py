"""The gateway as a process: its jobs are known once it serves, and it ends well."""

import signal
from contextlib import closing
from pathlib import Path

import httpx2

from dop_gateway.folder import read_gateway
from dop_gateway.jobs import store
from dop_gateway.jobs.catalogue import JOBS
from hw.database import open_store
from tests.processes import TIMEOUT_S, Program, done


def ask(address: str, headers: dict[str, str]) -> httpx2.Response:
    """Ask a gateway who we are, without whatever proxy the environment names."""
    with httpx2.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        return client.get(f"{address}/api/v1/me", headers=headers)


def test_a_gateway_knows_its_jobs_once_it_serves(tmp_path: Path) -> None:
    folder = tmp_path / "gateway"
    done("dop", "init", "--gateway", folder)
    with Program("dop", "run", "--gateway", folder, "--port", "0") as gateway:
        address = gateway.said("listening at").split()[-1]
        said = {"X-Forwarded-For": "192.0.2.7"}
        answer = ask(address, said)
        assert answer.status_code == 401
        assert "Server" not in answer.headers
        assert "of nobody from 127.0.0.1: 401" in gateway.said("/api/v1/me")
        gateway.signal(signal.SIGTERM)
        assert gateway.ended() == 0, gateway.err
    with (
        closing(open_store(read_gateway(folder).database_url)) as books,
        books.reading() as connection,
    ):
        known = [store.planned_until(connection, job.name) for job in JOBS]
    assert None not in known


def test_a_proxy_that_is_named_is_believed_who_asks(tmp_path: Path) -> None:
    folder = tmp_path / "gateway"
    done("dop", "init", "--gateway", folder)
    settings = folder / "gateway.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace('proxies = ""', 'proxies = "127.0.0.1"'), "utf-8")
    with Program("dop", "run", "--gateway", folder, "--port", "0") as gateway:
        address = gateway.said("listening at").split()[-1]
        # What the caller wrote itself stands before what the proxy adds.
        said = {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}
        assert ask(address, said).status_code == 401
        assert "of nobody from 192.0.2.7: 401" in gateway.said("/api/v1/me")
