"""The house's own routes: health, metrics, settings, jobs; and whose address a request comes from."""

from __future__ import annotations

import zlib
from typing import Any

import httpx
import msgspec
import pytest
from litestar.connection import ASGIConnection

from antiphon.foundation.access.authenticate import client_address
from antiphon.foundation.access.room import ROOM as ACCESS
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import enqueue
from antiphon.web.metrics import merge
from antiphon.web.room import ROOM as WEB


@pytest.fixture
def rooms() -> Any:
    return (ACCESS, WEB)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    url = "postgresql://someone:hunter2@db.example/antiphon"
    return msgspec.structs.replace(settings, trusted_proxies=("10.0.0.0/8",), database_url=url, lake_s3_secret="hunter3")


async def test_health_is_open_and_readiness_names_what_is_missing(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/healthz")).json() == {"status": "ok"}
    ready = await stranger.get("/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "not-ready")
    assert "lake" in ready.json()["detail"]
    assert ready.headers["retry-after"]


async def test_ready_with_both_stores(lake: Any, stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/readyz")).status_code == 200


async def test_metrics_are_for_neighbours_and_keys(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    await stranger.get("/healthz")
    near = await stranger.get("/metrics")
    assert near.headers["content-type"].startswith("text/plain")
    assert 'antiphon_http_responses_total{method="GET",process="api-' in near.text
    assert near.text.count("# TYPE antiphon_http_request_seconds histogram") == 1
    far = {"x-forwarded-for": "203.0.113.9"}
    assert (await stranger.get("/metrics", headers=far)).status_code == 401
    assert (await client.get("/metrics", headers=far)).status_code == 200


async def test_settings_tell_no_secret(client: httpx.AsyncClient, settings: Settings) -> None:
    answer = await client.get("/v1/settings")
    assert settings.secret not in answer.text
    assert "hunter2" not in answer.text
    shown = {one["name"]: one for one in answer.json()["settings"]}
    assert "hunter3" not in answer.text
    assert shown["secret"]["value"] is True and shown["lake_s3_secret"]["value"] is True
    assert shown["session_hours"]["value"] == 12.0
    assert shown["session_hours"]["meaning"]
    assert answer.json()["now"].startswith("2026-06-01T12:00")
    assert {room["name"]: room["on"] for room in answer.json()["rooms"]} == {"access": True, "web": True}


async def test_a_job_is_watched_and_stopped(app: Any, client: httpx.AsyncClient) -> None:
    async with app.app.state.ctx.db.transaction() as conn:
        ids = [await enqueue(conn, kind, {"file": "a.csv"}) for kind in ("imports.run", "imports.run", "other.work")]
    page = (await client.get("/v1/jobs", params={"kind": "imports.run", "limit": 1})).json()
    assert [job["id"] for job in page["items"]] == [ids[1]]
    rest = (await client.get("/v1/jobs", params={"kind": "imports.run", "limit": 1, "cursor": page["next"]})).json()
    assert [job["id"] for job in rest["items"]] == [ids[0]]
    assert rest["next"] is None
    assert (await client.get(f"/v1/jobs/{ids[2]}")).json()["state"] == "waiting"
    assert (await client.post(f"/v1/jobs/{ids[2]}/cancel")).status_code == 200
    entries = (await client.get("/v1/audit", params={"subject": f"job:{ids[2]}"})).json()["items"]
    assert [entry["action"] for entry in entries] == ["jobs.cancel"]
    assert (await client.post("/v1/jobs/999999/cancel")).json()["code"] == "no-such-job"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # said by somebody we do not trust
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),  # the first is the caller's own claim
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "nonsense", "nonsense"),
    ],
)
def test_an_address_is_believed_from_trusted_proxies_only(
    settings: Settings, peer: str, forwarded: str, address: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    connection: Any = ASGIConnection({"type": "http", "client": (peer, 1), "headers": headers})  # type: ignore[typeddict-item]
    ctx = Context(settings=settings, db=None, lake=None, clock=None, secret=b"", node="", kind="api")  # type: ignore[arg-type]
    assert client_address(ctx, connection) == address


def test_metrics_of_several_processes_become_one_exposition() -> None:
    one = "# HELP runs_total Runs\n# TYPE runs_total counter\nruns_total{loop=\"a\"} 3.0\n"
    histogram = "# HELP s Seconds\n# TYPE s histogram\ns_bucket{le=\"1.0\"} 1.0\ns_bucket{le=\"+Inf\"} 2.0\n"
    histogram += "s_count 2.0\ns_sum 4.0\n"
    merged = merge({"worker-host-1-A-b_cd": one, "worker-host-2-Xyz987": one + histogram}).decode()
    assert merged.count("# TYPE runs_total counter") == 1
    assert 'runs_total{loop="a",process="worker-host-1"} 3.0' in merged
    assert 'runs_total{loop="a",process="worker-host-2"} 3.0' in merged
    assert 's_bucket{le="1.0",process="worker-host-2"} 1.0' in merged


async def test_a_process_that_ended_is_told_no_more(app: Any, client: httpx.AsyncClient) -> None:
    async with app.app.state.ctx.db.connection() as conn:
        for node, age in (("worker-dead-1-abcdef", "40 seconds"), ("worker-alive-2-abcdef", "1 second")):
            await conn.execute(
                "insert into process_metrics (node, at, body) values (%s, clock_timestamp() - %s::interval, %s)",
                (node, age, zlib.compress(b"# TYPE up gauge\nup 1.0\n")),
            )
    text = (await client.get("/metrics")).text
    assert 'up{process="worker-alive-2"}' in text
    assert "worker-dead-1" not in text
