"""Setting the stage, once: customers with their history and consents, a sender, a segment and a template."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from antiphon.sandbox.demo.api import Api
from antiphon.sandbox.demo.letters import SEGMENT, SEGMENT_TREE, TEMPLATE, template_source
from antiphon.sandbox.demo.notes import Notes
from antiphon.sandbox.population.model import customer

Say = Callable[[str], None]
TOPIC = "offers"
ACCOUNT = "Meridian Mobile"
_TOGETHER = 1000  # consents in a request
_TOPIC_WORDS = {
    "title": "Offers",
    "description": "Plans, boosts and top-ups",
    "translations": {
        "ru": {"title": "Предложения", "description": "Тарифы, пакеты и пополнения"},
        "zh": {"title": "优惠", "description": "套餐、加油包和充值"},
    },
}


async def write_key(api: Api) -> str:
    """A key for the operator's systems, from which the customers' deeds come."""
    names = {source["name"]: source["id"] for source in await api.get("/v1/sources")}
    if "Meridian billing" in names:
        issued = await api.post(f"/v1/sources/{names['Meridian billing']}/keys")
    else:
        issued = await api.post("/v1/sources", {"name": "Meridian billing"})
    key: str = issued["write_key"]
    return key


async def intake_done(api: Api) -> None:
    """Returns when every accepted event is resolved to a profile, and every profile is where segments look."""
    while True:
        numbers = (await api.get("/v1/overview"))["numbers"]
        if all(numbers.get(room, {}).get("waiting") == 0 for room in ("events", "traits")):
            return
        await asyncio.sleep(0.3)


async def topic(api: Api) -> None:
    """The subject of the demo's campaigns."""
    if TOPIC not in {found["name"] for found in await api.get("/v1/topics")}:
        await api.post("/v1/topics", {"name": TOPIC, **_TOPIC_WORDS})


async def consents(api: Api, notes: Notes) -> int:
    """The yes each customer gave when they signed up, with its evidence; returns how many said it."""
    await topic(api)
    said = []
    for number in range(1, notes.customers + 1):
        who = customer(notes.seed, number)
        if TOPIC in who.permits:
            said.append(
                {
                    "kind": "user_id", "value": who.user_id, "channel": "email", "topic": TOPIC, "state": "granted",
                    "source": "sign-up form", "at": f"{who.joined.isoformat()}T12:00:00Z", "address": who.email,
                    "text": "Yes, write to me about offers of Meridian Mobile.",
                    "url": "https://meridian.example.com/sign-up",
                }
            )  # fmt: skip
    for start in range(0, len(said), _TOGETHER):
        await api.post("/v1/consents", {"consents": said[start : start + _TOGETHER]})
    return len(said)


async def sender(api: Api, host: str, port: int) -> int:
    """The e-mail account that speaks to the sandbox's mail server, wherever it listens this time."""
    settings = {
        "host": host, "port": port, "security": "none", "from_email": "hello@meridian.example.com",
        "from_name": "Meridian Mobile", "bounce_domain": "bounces.meridian.example.com", "helo": "meridian.example.com",
        "data_timeout": 20.0, "timeout": 20.0,
    }  # fmt: skip
    body = {"name": ACCOUNT, "settings": settings, "enabled": True}
    for account in await listed(api, "/v1/channels"):
        if account["name"] == ACCOUNT:
            await api.put(f"/v1/channels/{account['id']}", body)
            return int(account["id"])
    return int((await api.post("/v1/channels", {"channel": "email", **body}))["id"])


async def template(api: Api, turn: int) -> int:
    """This turn's template, published."""
    source = template_source(turn)
    for found in await listed(api, "/v1/templates", search=TEMPLATE):
        if found["name"] == TEMPLATE:
            template_id = int(found["id"])
            await api.put(f"/v1/templates/{template_id}", {"name": TEMPLATE, **source})
            break
    else:
        made = await api.post("/v1/templates", {"name": TEMPLATE, "channel": "email", **source})
        template_id = int(made["template"]["id"])
    await api.act(f"/v1/templates/{template_id}/publish")
    return template_id


async def segment(api: Api) -> int:
    """The segment of those who ran out of data, published and evaluated."""
    for found in await listed(api, "/v1/segments"):
        if found["name"] == SEGMENT:
            return int(found["id"])
    about = "Ran out of data in the last sixty days, and a larger plan exists"
    return int((await api.post("/v1/segments", {"name": SEGMENT, "description": about, "tree": SEGMENT_TREE}))["id"])


async def segment_size(api: Api, segment_id: int) -> int:
    """How many it has now, worked out anew."""
    return int((await api.act(f"/v1/segments/{segment_id}/refresh"))["size"])


async def listed(api: Api, path: str, **query: Any) -> list[Any]:
    """A short list, whether it comes in pages or whole."""
    answer = await api.get(path, **query)
    items: list[Any] = answer["items"] if isinstance(answer, dict) else answer
    return items
