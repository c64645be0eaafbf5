"""Channel accounts over HTTP: checked against the channel's own schema, secrets sealed and never told."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, strategies as st
from tests.execution.test_channels_email_smtp import Mailboxes, smtp_server
from tests.execution.test_delivery_hearing import rows

from antiphon.execution.channels.errors import SecretsUnreadable
from antiphon.execution.channels.registry import Channels, discover
from antiphon.execution.channels.seal import Seal
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store
GOOD: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 2525,
    "security": "none",
    "from_email": "shop@shop.example",
    "password": "s3cret-word",
}


@pytest.fixture
def rooms() -> Any:
    """Only what accounts stand on."""
    names = "foundation.access awareness.profiles awareness.consent awareness.events execution.channels web"
    return [import_module(f"antiphon.{name}.room").ROOM for name in names.split()]


@pytest.fixture
def ctx(app: Any) -> Context:
    found: Context = app.app.state.ctx
    return found


def test_built_in_channels_come_through_the_public_entry_point() -> None:
    found = discover()
    assert {"smtp", "ses", "sendgrid", "mailgun", "postmark"} <= set(found)
    assert found["smtp"].manifest.secrets == {"password", "imap_password", "dkim_key", "dkim_key_2"}


async def test_an_account_from_its_form_to_its_removal(ctx: Context, client: httpx.AsyncClient) -> None:
    kinds = {k["name"]: k for k in (await client.get("/v1/channels/kinds")).json()}
    schema = kinds["smtp"]["settings_schema"]
    assert schema["properties"]["port"]["maximum"] == 65535 and schema["properties"]["host"]["title"] == "SMTP server"
    assert set(schema["required"]) == {"host", "from_email"} and "password" in kinds["smtp"]["secrets"]
    made = await client.post("/v1/channels", json={"channel": "email", "name": "Main", "settings": GOOD})
    assert made.status_code == 201
    account = made.json()
    assert "password" not in account["settings"] and account["secrets_set"] == ["password"]
    (row,) = await rows(ctx, "select settings::text as plain, sealed from channel_account")
    assert "s3cret-word" not in row["plain"] and b"s3cret-word" not in bytes(row["sealed"])
    assert "s3cret-word" not in str(await rows(ctx, "select * from audit"))
    url = f"/v1/channels/{account['id']}"
    changed = await client.put(url, json={"name": "Main", "settings": {**GOOD, "port": 26, "password": None}})
    assert changed.json()["settings"]["port"] == 26 and changed.json()["secrets_set"] == ["password"]
    async with ctx.db.connection() as conn:
        opened = await ctx.get(Channels).account(conn, account["id"])
    assert opened.settings.password == "s3cret-word" and opened.settings.port == 26 and opened.version == 2
    cleared = await client.put(url, json={"name": "Main", "settings": {**GOOD, "password": ""}, "enabled": False})
    assert cleared.json()["secrets_set"] == [] and not cleared.json()["enabled"]
    for answer in (await client.get("/v1/channels"), await client.get(url), changed, cleared, made):
        assert "s3cret-word" not in answer.text
    assert (await client.delete(url)).status_code == 204
    assert (await client.get(url)).status_code == 404


async def test_wrong_settings_name_the_field_and_change_nothing(ctx: Context, client: httpx.AsyncClient) -> None:
    for wrong, field in (
        ({"port": 0}, "settings.port"),
        ({"port": "25"}, "settings.port"),
        ({"hots": "x"}, "settings.hots"),
        ({"from_email": "nobody"}, "settings.from_email"),
        ({"reply_to": "x"}, "settings.reply_to"),
        ({"security": "ssl"}, "settings.security"),
    ):
        answer = await client.post("/v1/channels", json={"channel": "email", "name": "x", "settings": {**GOOD, **wrong}})
        assert (answer.status_code, answer.json()["code"]) == (400, "channel-settings-invalid"), wrong
        assert answer.json()["field"] == field, answer.json()
    assert (await client.post("/v1/channels", json={"channel": "pigeon", "name": "x", "settings": {}})).status_code == 404
    assert await rows(ctx, "select * from channel_account") == []
    for status in (201, 409):
        answer = await client.post("/v1/channels", json={"channel": "email", "name": "Main", "settings": GOOD})
        assert answer.status_code == status


async def test_the_connection_test_speaks_to_the_server(client: httpx.AsyncClient, free_port: Any) -> None:
    async with smtp_server(Mailboxes()) as port:
        made = await client.post("/v1/channels", json={"channel": "email", "name": "a", "settings": {**GOOD, "port": port}})
        trial = (await client.post(f"/v1/channels/{made.json()['id']}/test")).json()
        assert trial["ok"] and trial["steps"][-1] == "sender-accepted"
    made = await client.post("/v1/channels", json={"channel": "email", "name": "b", "settings": {**GOOD, "port": free_port()}})
    trial = (await client.post(f"/v1/channels/{made.json()['id']}/test")).json()
    assert not trial["ok"] and "cannot connect" in trial["detail"]


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=4), st.binary(min_size=32, max_size=64))
def test_what_is_sealed_opens_only_with_its_key_and_purpose(secrets: dict[str, str], key: bytes) -> None:
    seal = Seal(key)
    sealed = seal.close(secrets, "email")
    assert seal.open(sealed, "email") == secrets
    assert seal.close(secrets, "email") != sealed
    for wrong in (lambda: Seal(key + b"x").open(sealed, "email"), lambda: seal.open(sealed, "sms"),
                  lambda: seal.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "email")):  # fmt: skip
        with pytest.raises(SecretsUnreadable):
            wrong()


def test_every_setting_has_a_title() -> None:
    for channel in discover().values():
        (_,), parts = msgspec.json.schema_components([channel.manifest.settings])
        properties = parts[channel.manifest.settings.__name__]["properties"]
        assert all("title" in schema for schema in properties.values()), properties


async def test_a_kept_secret_is_not_sent_to_another_place(ctx: Context, client: httpx.AsyncClient) -> None:
    made = (await client.post("/v1/channels", json={"channel": "email", "name": "Main", "settings": GOOD})).json()
    path, kept = f"/v1/channels/{made['id']}", {name: value for name, value in GOOD.items() if name != "password"}
    refused = await client.put(path, json={"name": "Main", "settings": kept | {"host": "evil.example"}, "enabled": True})
    assert refused.status_code == 400 and refused.json()["field"] == "settings.password", refused.text
    assert (await client.get(path)).json()["settings"]["host"] == GOOD["host"]
    for settings in (kept | {"port": 2526}, GOOD | {"host": "mail.example"}, kept | {"host": "mail.example"}):
        assert (await client.put(path, json={"name": "Main", "settings": settings, "enabled": True})).status_code == 200
