"""Who opened and clicked: a person or a machine, by rules that are stated, numbered as a whole, and told with each answer.

When a rule changes, `VERSION` grows: what was judged by an older one can be judged again (`reclassify`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Literal

import msgspec
from crawleruseragents import is_crawler

VERSION = 1
TOGETHER = timedelta(seconds=10)  # several links within this
AFTER_SENDING = timedelta(minutes=10)  # …this soon after the message was said
LINKS = 3  # so many different ones, or all there are if there are two

Class = Literal["person", "machine"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and what it decides. ``name`` is stored with each answer it decided."""

    name: str
    decides: Class
    title: str
    says: str


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one open or click. ``agent`` and ``network`` are None or empty where they were not told."""

    kind: Literal["opened", "clicked"]
    agent: str | None
    network: str = ""
    method: str = "GET"
    prefetch: bool = False


RULES: Sequence[Rule] = (
    Rule(name="by_hand", decides="person", title="Decided by hand",
         says="Somebody here said what it was; no rule changes that."),
    Rule(name="prefetch", decides="machine", title="Looked ahead",
         says="The request says itself that it is a prefetch (Sec-Purpose)."),
    Rule(name="head", decides="machine", title="Asked for the head only",
         says="A HEAD request: programs check links by it, browsers do not."),
    Rule(name="apple_mail_privacy", decides="machine", title="Apple Mail Privacy Protection",
         says="Apple's servers load every picture whether or not the mail is read, as plain Mozilla/5.0."),
    Rule(name="google_prefetch", decides="machine", title="Gmail's scan",
         says="The agent that Gmail checks mail with as it arrives (Edge/12.246 with Mozilla/5.0 at its end)."),
    Rule(name="google_image_proxy", decides="person", title="Gmail's picture proxy",
         says="Google loads pictures for the reader when the mail is opened: an open, though from where is not known."),
    Rule(name="mail_image_proxy", decides="person", title="A mailbox's picture proxy",
         says="Yahoo, Yandex and Mail.ru load pictures for the reader when the mail is opened."),
    Rule(name="no_agent", decides="machine", title="No name at all",
         says="The request does not say what program made it; browsers and mail programs do."),
    Rule(name="security_scanner", decides="machine", title="Security scanner",
         says="A product that opens links to check them, by the name it gives itself."),
    Rule(name="crawler", decides="machine", title="Crawler",
         says="On the public list of crawlers' and programs' names (crawler-user-agents)."),
    Rule(name="scanner_network", decides="machine", title="Scanner's network",
         says="From a network that the setting scanner_networks names."),
    Rule(name="every_link", decides="machine", title="Every link at once",
         says="Three different links, or all there are, within ten seconds, within ten minutes of sending."),
    Rule(name="person", decides="person", title="A person", says="No rule says otherwise."),
)  # fmt: skip
BY_NAME = {rule.name: rule for rule in RULES}

_SCANNERS = re.compile(
    r"barracuda|proofpoint|mimecast|messagelabs|symantec|fireeye|trendmicro|trend micro|sophos|fortiguard|forcepoint|cloudmark"
    r"|bitdefender|kaspersky|zscaler|netcraft|phishtank|safebrowsing|urlscan|virustotal|checkpoint|ironport|trustwave|avanan"
    r"|microsoft office (?:protocol|existence) discovery|ms-?office.*existence|safelinks|linkcheck|cyren|vade ?secure|area ?1",
    re.IGNORECASE,
)
_PROXIES = re.compile(r"YahooMailProxy|YandexImageResizer|YandexMail|Mail\.Ru-ImageProxy|mail\.ru", re.IGNORECASE)


def judge(look: Look, networks: Sequence[str] = ()) -> str:
    """The name of the rule that decides a single answer; `every_link` needs its neighbours: see `at_once`."""
    if look.prefetch:
        return "prefetch"
    if look.method == "HEAD":
        return "head"
    if look.agent is not None:
        named = _by_agent(look.agent[:400], look.kind)
        if named != "person":
            return named
    if networks and look.network and _within(look.network, tuple(networks)):
        return "scanner_network"
    return "person"


def decides(rule: str) -> Class:
    """What a rule decides."""
    return BY_NAME[rule].decides


@lru_cache(maxsize=20_000)
def _by_agent(agent: str, kind: str) -> str:
    if not agent.strip():
        return "no_agent"
    if kind == "opened" and agent == "Mozilla/5.0":
        return "apple_mail_privacy"
    if "Edge/12.246 Mozilla/5.0" in agent:
        return "google_prefetch"
    if "GoogleImageProxy" in agent:
        return "google_image_proxy"
    if _PROXIES.search(agent):
        return "mail_image_proxy"
    if _SCANNERS.search(agent):
        return "security_scanner"
    return "crawler" if is_crawler(agent) else "person"


@lru_cache(maxsize=20_000)
def _within(network: str, networks: tuple[str, ...]) -> bool:
    try:
        one = ip_network(network, strict=False)
        return any(one.overlaps(found) for name in networks if (found := ip_network(name, strict=False)).version == one.version)
    except (ValueError, TypeError):
        return False


def shortened(ip: str | None) -> str:
    """The network of an address: what is kept of it (/24, /48)."""
    try:
        address = ip_address((ip or "").strip())
    except ValueError:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


def at_once(clicks: Sequence[tuple[datetime, str, bytes | None]], said_at: datetime | None, links: int) -> frozenset[int]:
    """Which of one delivery's clicks (when, on what, by whom) were made on every link at once: places in the list."""
    if said_at is None:
        return frozenset()
    enough = links if links == 2 else LINKS
    found: set[int] = set()
    for visitor in {by for _, _, by in clicks}:
        mine = sorted(
            (at, what, n) for n, (at, what, by) in enumerate(clicks) if by == visitor and at - said_at <= AFTER_SENDING
        )
        for first, (began, _, _) in enumerate(mine):
            together = [one for one in mine[first:] if one[0] - began <= TOGETHER]
            if len({what for _, what, _ in together}) >= enough:
                found.update(n for _, _, n in together)
    return frozenset(found)
