"""What the browser tests act on: a server with something in it, and a console to drive."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default as default_policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from playwright.sync_api import Error

from antiphon.foundation.embedded import running_url
from antiphon.sandbox.email import read_received

PLANS = ("Lite", "Plus", "Max")
PEOPLE = 12


class Stage:
    """A running server, reached over its API as the owner."""

    def __init__(self, base: str, email: str, password: str, mail_port: int, mail_log: Path, data: Path) -> None:
        self.base, self.email, self.password = base, email, password
        self.mail_port, self.mail_log, self.data = mail_port, mail_log, data
        self.api = httpx.Client(base_url=base, timeout=120)
        me = self.call("POST", "/v1/session", {"email": email, "password": password})
        self.api.headers["x-csrf-token"] = me["csrf"]
        self.write_key = ""

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer's body; a refusal fails the test."""
        answer = self.api.request(method, path, json=body)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def track(self, *calls: dict[str, Any]) -> None:
        """Events as a shop's server would send them."""
        answer = httpx.post(f"{self.base}/v1/batch", json={"batch": list(calls)}, auth=(self.write_key, ""), timeout=120)
        assert answer.status_code == 200, answer.text

    def cookies(self) -> list[dict[str, Any]]:
        """The owner's session as a browser's cookies."""
        host = urlsplit(self.base).hostname
        return [{"name": c.name, "value": c.value, "domain": host, "path": "/"} for c in self.api.cookies.jar]

    def profile(self, user_id: str) -> int:
        """The id of a customer."""
        found = self.call("GET", f"/v1/profiles?q={user_id}")["items"]
        return int(next(one["id"] for one in found if one["user_id"] == user_id))

    def intake_done(self) -> bool:
        """Whether every event is resolved and every customer is where segments look."""
        numbers = self.call("GET", "/v1/overview")["numbers"]
        return all(numbers[room]["waiting"] == 0 for room in ("events", "traits"))

    def received(self) -> list[dict[str, Any]]:
        """What the mail server has taken, one entry for each message."""
        if not self.mail_log.exists():
            return []
        return [json.loads(line) for line in self.mail_log.read_text().splitlines()]

    def letter(self, address: str) -> str:
        """The HTML of the newest message to an address."""
        to = [content for _, entry, content in read_received(self.mail_log.parent) if address in entry.recipients]
        part = message_from_bytes(to[-1], policy=default_policy).get_body(("html",))
        assert part is not None
        return str(part.get_content())

    def later(self, statement: str) -> None:
        """Runs a statement that puts something into the past: the server's clock is the machine's."""
        url = running_url(self.data)
        assert url is not None
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(statement.encode())


def wait_for(true: Callable[[], Any], seconds: float = 180) -> Any:
    """The first true answer; asks again for a while."""
    until = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.2)
    return found


def set_stage(base: str, email: str, password: str, mail_port: int, mail_log: Path, data: Path) -> Stage:
    """Twelve customers on three plans, each with a top-up; ten of them agreed to offers; a sender and a topic."""
    stage = Stage(base, email, password, mail_port, mail_log, data)
    stage.write_key = stage.call("POST", "/v1/sources", {"name": "Billing"})["write_key"]
    calls: list[dict[str, Any]] = []
    for number in range(1, PEOPLE + 1):
        who = f"C{number:03}"
        traits = {
            "firstName": f"First{number}",
            "lastName": "Tester",
            "email": f"{who.lower()}@example.org",
            "plan": PLANS[number % 3],
            "age": 20 + number,
        }
        calls.append({"type": "identify", "userId": who, "traits": traits})
        calls.append({"type": "track", "userId": who, "event": "Top Up", "properties": {"amount": 5 * number}})
    stage.track(*calls)
    stage.call("POST", "/v1/topics", {"name": "offers", "title": "Offers", "description": "Plans and prices"})
    settings = {
        "host": "127.0.0.1",
        "port": mail_port,
        "security": "none",
        "from_email": "hello@example.com",
        "from_name": "Meridian",
    }
    stage.call("POST", "/v1/channels", {"channel": "email", "name": "Local mail", "settings": settings})
    wait_for(lambda: stage.call("GET", "/v1/profiles?limit=1")["total"] >= PEOPLE)
    for number in range(1, 11):
        profile = stage.profile(f"C{number:03}")
        said = {"channel": "email", "topic": "offers", "state": "granted", "source": "sign-up form", "text": "Yes, write to me"}
        stage.call("POST", f"/v1/profiles/{profile}/consents", said)
    tree = {"kind": "trait", "trait": "plan", "op": "is", "value": "Plus"}
    wait_for(stage.intake_done)
    wait_for(lambda: stage.call("POST", "/v1/segments/preview", {"tree": tree, "sample": 0})["count"] == 4)
    return stage


TOASTS = """
window.toasts = [];
new MutationObserver(() => {
    for (const one of document.querySelectorAll('.mantine-Notification-root:not([data-heard])')) {
        one.dataset.heard = 'yes';
        window.toasts.push(one.innerText);
    }
}).observe(document, {subtree: true, childList: true});
"""
"""Keeps what the toasts of a page say."""


class Console:
    """A page of the console, and what every test does with one."""

    def __init__(self, page: Any, stage: Stage, axe: str) -> None:
        self.page, self.stage, self._axe = page, stage, axe
        page.add_init_script(TOASTS)

    def open(self, path: str) -> None:
        """Goes to an address and waits for its heading."""
        self.page.goto(self.stage.base + path)
        self.page.wait_for_selector("h1")

    def go(self, path: str) -> None:
        """Goes to an address within the console, without loading it anew, and waits until its first answers are in."""
        self.page.evaluate("path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path)
        self.page.wait_for_url(f"{self.stage.base}{path}")
        self.page.locator("h1").wait_for()
        self.page.locator(".mantine-Skeleton-root").first.wait_for(state="detached")

    def reload(self) -> None:
        self.page.reload()
        self.page.wait_for_selector("h1")

    def button(self, name: str, **more: Any) -> Any:
        return self.page.get_by_role("button", name=name, exact=True, **more)

    def choose(self, label: str, option: str | re.Pattern[str]) -> None:
        """Picks an option of a select or an autocomplete by its label."""
        self.page.get_by_role("combobox", name=label).first.click()
        self.page.get_by_role("option", name=option, exact=True).first.click()

    def ask(self, kind: str) -> None:
        """Adds a condition of a kind to the outermost group of a segment's builder."""
        self.button("Add a condition").last.click()
        self.page.get_by_role("textbox", name="What do you want to ask?").fill(kind)
        self.page.get_by_role("option", name=kind, exact=True).click()

    def says(self, text: str | re.Pattern[str]) -> None:
        """Waits until the page says so, or a toast has said it since it was last asked for: a slow machine may miss its seconds."""
        wanted = text if isinstance(text, re.Pattern) else re.compile(re.escape(text), re.IGNORECASE)

        def said() -> bool:
            try:
                heard = self.page.evaluate("window.toasts ?? []")
                found = [one for one in heard if wanted.search(one)]
                if found:
                    self.page.evaluate("(found) => { window.toasts = window.toasts.filter((one) => !found.includes(one)); }", found)
                return bool(found) or bool(self.page.get_by_text(text).first.is_visible())
            except Error:  # the page is just being left for another
                return False

        until = time.monotonic() + 180
        while not said():
            assert time.monotonic() < until, f"the page does not say {text}"
            self.page.wait_for_timeout(100)

    def barriers(self, within: str = "html") -> list[str]:
        """What axe finds against WCAG 2.2 A and AA on the page as it is; the mail in a preview is not ours.

        `within` narrows it to what is above the rest, as an open menu: what it covers cannot be reached now.
        """
        self.page.wait_for_timeout(150)
        if not self.page.evaluate("typeof window.axe === 'object'"):
            self.page.evaluate(self._axe)
        found = self.page.evaluate(
            """(within) => axe.run({include: [within], exclude: ['iframe']}, {
                runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], iframes: false, resultTypes: ['violations'],
            }).then(answer => answer.violations)""",
            within,
        )
        return [
            f"{self.page.url}: {one['id']}: {node['html'][:240]} {(node.get('failureSummary') or '')[:240]}"
            for one in found
            for node in one["nodes"][:3]
        ]

    def is_accessible(self, within: str = "html") -> None:
        """Fails with every barrier found."""
        found = self.barriers(within)
        assert not found, "\n".join(found)
