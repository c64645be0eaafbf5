"""Templates over HTTP: drafts, versions that never change, links with rows, previews as a customer, checks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import httpx
import pytest
from tests.execution.test_content_compile import Marked
from tests.execution.test_delivery_hearing import rows

from antiphon.execution.channels import Rendered
from antiphon.execution.content import Render, Templates, find_urls
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import PostgresError

pytestmark = pytest.mark.store
BODY = '<p>Hi {{ first_name }}</p><a href="https://a.example/">A</a><a href="https://b.example/">B</a><a href="{{ unsubscribe_url }}">x</a>'  # noqa: E501


@pytest.fixture
def rooms() -> Any:
    """Only what templates stand on."""
    names = (
        "foundation.access awareness.profiles awareness.consent awareness.events execution.channels execution.content web"
    )
    return [import_module(f"antiphon.{name}.room").ROOM for name in names.split()]


@pytest.fixture
def ctx(app: Any) -> Context:
    found: Context = app.app.state.ctx
    return found


def draft(**more: Any) -> dict[str, Any]:
    return {"name": "Welcome", "subject": "Hello {{ first_name }}", "body": BODY} | more


async def test_from_draft_to_published_to_the_next_draft(ctx: Context, client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/templates", json=draft())
    assert made.status_code == 201, made.text
    template = made.json()["template"]
    assert template["published_id"] is None and made.json()["version"]["state"] == "draft"
    url = f"/v1/templates/{template['id']}"
    changed = await client.put(url, json=draft(subject="Hi"))
    assert changed.json()["version"]["number"] == 1 and changed.json()["version"]["subject"] == "Hi"
    published = (await client.post(f"{url}/publish")).json()
    first = published["template"]["published_id"]
    assert published["template"]["draft_id"] is None and published["version"]["state"] == "published"
    assert (await client.post(f"{url}/publish")).json()["code"] == "template-nothing-to-publish"
    second = (await client.put(url, json=draft(subject="Again"))).json()
    assert second["version"]["number"] == 2 and second["template"]["published_id"] == first
    versions = (await client.get(f"{url}/versions")).json()
    assert [(v["number"], v["state"], v["subject"]) for v in versions] == [(2, "draft", "Again"), (1, "published", "Hi")]
    assert (await client.get(f"/v1/template-versions/{first}")).json()["subject"] == "Hi"
    listed = (await client.get("/v1/templates", params={"search": "welc"})).json()
    assert [t["id"] for t in listed["items"]] == [template["id"]]
    with pytest.raises(PostgresError, match="never changes"):
        async with ctx.db.transaction() as conn:
            await conn.execute("update template_version set body = 'x' where id = %s", (first,))


async def test_a_published_version_renders_with_the_ids_of_its_links(ctx: Context, client: httpx.AsyncClient) -> None:
    made = (await client.post("/v1/templates", json=draft())).json()
    version = (await client.post(f"/v1/templates/{made['template']['id']}/publish")).json()["version"]["id"]
    links = {r["url"]: r["id"] for r in await rows(ctx, "select id, url from link where template_version_id = %s", version)}
    assert set(links) == {"https://a.example/", "https://b.example/"}
    async with ctx.db.connection() as conn:
        compiled = await ctx.get(Templates).compiled(conn, version)
        assert await ctx.get(Templates).compiled(conn, version) is compiled
        assert await find_urls(conn, [links["https://a.example/"]]) == {links["https://a.example/"]: "https://a.example/"}
    out: Rendered = compiled.render(Render(traits={"first_name": "Ann"}, now=ctx.clock.now()), Marked())
    assert out.html is not None and f"https://m.example/c/{links['https://b.example/']}" in out.html


async def test_a_name_is_taken_once_and_pages_follow_each_other(client: httpx.AsyncClient) -> None:
    ids = [(await client.post("/v1/templates", json=draft(name=f"T{n}"))).json()["template"]["id"] for n in range(5)]
    assert (await client.post("/v1/templates", json=draft(name="T0"))).status_code == 409
    assert (await client.put(f"/v1/templates/{ids[1]}", json=draft(name="T0"))).status_code == 409
    seen, cursor = [], None
    while True:
        page = (await client.get("/v1/templates", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [t["id"] for t in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    await client.put(f"/v1/templates/{ids[0]}", json=draft(name="T0", archived=True))
    assert len((await client.get("/v1/templates")).json()["items"]) == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [({"body": "{% if %}"}, "template-invalid"), ({"body": "<a href='x'>x</a>"}, "template-has-errors"),
     ({"subject": ""}, "template-has-errors"), ({"format": "mjml"}, "template-invalid"), ({"body": "<script>x</script>"}, "template-has-errors")],  # noqa: E501
)  # fmt: skip
async def test_a_draft_may_be_wrong_but_is_not_published(
    client: httpx.AsyncClient, change: dict[str, Any], code: str
) -> None:
    made = (await client.post("/v1/templates", json=draft(**change))).json()
    answer = await client.post(f"/v1/templates/{made['template']['id']}/publish")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (await client.get(f"/v1/templates/{made['template']['id']}")).json()["version"]["state"] == "draft"


async def a_customer(ctx: Context, traits: str) -> int:
    async with ctx.db.transaction() as conn:
        row = await (
            await conn.execute("insert into profile (traits) values (%s::text::jsonb) returning id", (traits,))
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_preview_is_what_that_customer_would_get_and_runs_nothing(ctx: Context, client: httpx.AsyncClient) -> None:
    who = await a_customer(ctx, '{"first_name": "<img src=x onerror=alert(1)>"}')
    asked = {"subject": "For {{ first_name }}", "body": BODY + "<script>evil()</script>", "profile_id": who}
    shown = (await client.post("/v1/templates/preview", json=asked)).json()
    assert shown["subject"] == "For <img src=x onerror=alert(1)>"  # plain text, shown as text
    assert (
        "&lt;img src=x onerror=alert(1)&gt;" in shown["html"]
        and "<script" not in shown["html"]
        and "<img" not in shown["html"]
    )
    laid_over = (await client.post("/v1/templates/preview", json=asked | {"traits": {"first_name": "Ann"}})).json()
    assert "Hi Ann" in laid_over["text"] and "https://a.example/" in laid_over["text"]
    gone = await client.post("/v1/templates/preview", json=asked | {"profile_id": who + 99})
    assert (gone.status_code, gone.json()["field"]) == (400, "profile_id")
    endless = await client.post(
        "/v1/templates/preview", json={"subject": "x", "body": "{% for i in (1..999999999) %}x{% endfor %}"}
    )
    assert (endless.status_code, endless.json()["code"]) == (400, "template-render-limit")


async def test_a_check_says_everything_at_once(ctx: Context, client: httpx.AsyncClient) -> None:
    for traits in ('{"city": "Paris"}', "{}", '{"city": ""}', '{"city": "Rome", "nick": "x"}'):
        await a_customer(ctx, traits)
    asked = {
        "subject": "s",
        "body": '{{ city }}{{ nick | default: "y" }}<a href="shop.example">x</a><a href="https://a.example">y</a>',
    }
    found = (await client.post("/v1/templates/check", json=asked)).json()
    assert not found["ready"]
    assert {f["code"] for f in found["findings"]} == {"link-broken", "trait-missing", "unsubscribe-missing"}
    assert {t["name"]: (t["missing_share"], t["has_default"]) for t in found["traits"]} == {
        "city": (0.5, False),
        "nick": (0.75, True),
    }
    broken = (await client.post("/v1/templates/check", json={"subject": "s", "body": "a\n{% if %}"})).json()
    assert not broken["ready"] and broken["findings"][0]["line"] == 2
    endless = (
        await client.post("/v1/templates/check", json={"subject": "s", "body": "{% for i in (1..99999999) %}{% endfor %}"})
    ).json()
    assert "template-render-limit" in {f["code"] for f in endless["findings"]}
