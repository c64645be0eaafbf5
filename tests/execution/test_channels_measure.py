"""What a text takes on its channel: asked for by itself, in a template's preview, and in its check."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import httpx
import pytest

from antiphon.foundation.context import Context

pytestmark = pytest.mark.store


@pytest.fixture
def rooms() -> Any:
    """Only what templates stand on."""
    names = "foundation.access awareness.profiles awareness.consent awareness.events execution.channels execution.content web"
    return [import_module(f"antiphon.{name}.room").ROOM for name in names.split()]


@pytest.fixture
def ctx(app: Any) -> Context:
    found: Context = app.app.state.ctx
    return found


async def size(client: httpx.AsyncClient, text: str, **more: Any) -> Any:
    answer = await client.post("/v1/channels/measure", json={"channel": "sms", "text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["size"]


async def test_a_text_is_measured_by_the_account_it_is_for(client: httpx.AsyncClient) -> None:
    assert await size(client, "a" * 161) == {"parts": 2, "units": 161, "per_part": 153, "left": 145, "alphabet": "gsm", "widening": ""}
    assert (await size(client, "Привет")) == {"parts": 1, "units": 6, "per_part": 70, "left": 64, "alphabet": "ucs2", "widening": "Привет"}
    assert (await size(client, ""))["parts"] == 1
    settings = {"host": "smsc.example", "system_id": "x", "sender": "1234", "transliterate": True, "joining": "16bit"}
    made = await client.post("/v1/channels", json={"channel": "sms", "provider": "smpp", "name": "SMSC", "settings": settings})
    assert made.status_code == 201, made.text
    measured = await size(client, "Привет " * 30, account_id=made.json()["id"])
    assert (measured["alphabet"], measured["per_part"], measured["parts"]) == ("gsm", 152, 2)
    assert (await client.post("/v1/channels/measure", json={"channel": "email", "text": "x"})).json() == {"size": None}
    assert (await client.post("/v1/channels/measure", json={"channel": "pigeon", "text": "x"})).status_code == 404
    wrong = {"channel": "email", "text": "x", "account_id": made.json()["id"]}
    assert (await client.post("/v1/channels/measure", json=wrong)).status_code == 404


async def test_a_preview_counts_links_as_long_as_they_will_be(client: httpx.AsyncClient) -> None:
    source = {"format": "text", "subject": "", "body": "Hi {{ first_name }}: https://shop.example/s STOP", "channel": "sms"}
    seen = (await client.post("/v1/templates/preview", json=source | {"traits": {"first_name": "Ann"}})).json()
    assert seen["text"] == "Hi Ann: https://shop.example/s STOP" and seen["parts"]["parts"] == 1
    assert seen["parts"]["units"] > len(seen["text"]) + 10
    assert (await client.post("/v1/templates/preview", json=source | {"channel": "email", "subject": "s"})).json()["parts"] is None


async def test_a_short_text_is_checked_as_one(client: httpx.AsyncClient) -> None:
    async def codes(body: str, **more: Any) -> tuple[bool, set[str]]:
        asked = {"format": "text", "subject": "", "body": body, "channel": "sms", **more}
        found = (await client.post("/v1/templates/check", json=asked)).json()
        return found["ready"], {one["code"] for one in found["findings"]}

    assert await codes("Sale! STOP to end") == (True, set())
    assert await codes("Sale!") == (True, {"way-out-missing"})
    assert await codes("Скидки! Ответьте СТОП") == (True, {"wide-characters"})
    assert await codes("STOP " + "x" * 200) == (True, {"several-parts"})
    assert await codes(" ") == (False, {"text-empty", "way-out-missing"})
    made = await client.post("/v1/templates", json={"name": "Sale", "channel": "sms", "format": "text", "subject": "", "body": "Sale! STOP"})
    assert made.status_code == 201, made.text
    published = await client.post(f"/v1/templates/{made.json()['template']['id']}/publish")
    assert published.status_code == 200, published.text
