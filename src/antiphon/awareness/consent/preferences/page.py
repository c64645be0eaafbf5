"""The preference page as HTML, and what a form sent back from it says. Pure: no script, no state but what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs

import msgspec

from antiphon.awareness.consent.hosted import hosted_page, is_language, veiled
from antiphon.awareness.consent.model import ChannelKind
from antiphon.awareness.consent.preferences.model import FREQUENCIES, Aspect, Subject
from antiphon.awareness.consent.preferences.words import NAMES, WORDS, ZONES
from antiphon.foundation.words import Language

PAUSES = (7, 30, 90)
_STYLE = """
.wide{overflow-x:auto}:root{color-scheme:light dark}body{max-width:48rem;margin:1.2rem auto;font-size:1rem}
h1{font-size:1.6rem;margin:.2rem 0}
header{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:0 1.5rem}
h2{font-size:1.05rem;margin:.9rem 0 .3rem}p{margin:.3rem 0}
nav{font-size:.9rem}nav a,nav b{margin-right:.7rem}
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;font-size:.9rem}
th,td{padding:.35rem .5rem;border-bottom:1px solid #d9d9e0}thead th,td{text-align:center}tbody th{padding-left:0}
tbody th{font-weight:500;font-size:1rem}tbody small{display:block;color:#5a5a66;font-weight:400}
.addr{display:block;color:#5a5a66;font-weight:400}input[type=checkbox]{width:1.3rem;height:1.3rem;accent-color:#1f4fd8}
.grid{display:grid;align-items:end;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.6rem 1rem}
label,legend{font-size:.9rem;font-weight:600}select,input[type=time]{font:inherit;padding:.35rem;width:100%;max-width:100%;
box-sizing:border-box;border:1px solid #8b8b99;border-radius:.35rem;background:#fff;color:#1b1b1f}
fieldset{border:0;padding:0;margin:.8rem 0 0}legend{padding:0}
.quietrow{display:grid;grid-template-columns:1fr 1fr 2fr;gap:.6rem 1rem}
.do{margin-top:1rem}[role=status],[role=alert],.note{padding:.5rem .8rem;border-radius:.4rem;margin:.5rem 0}
[role=status]{background:#e4f4e7;color:#0c4a1c}[role=alert]{background:#fdeaea;color:#7c1212}.note{background:#fff4d6;color:#5c4300}
.logo{font-weight:700;letter-spacing:.02em}:focus-visible{outline:3px solid #b25f00;outline-offset:2px}
@media(prefers-color-scheme:dark){tbody small,.addr{color:#b4b4c0}th,td{border-color:#3a3b42}
select,input[type=time]{background:#23242a;color:#eee;border-color:#7d7e8a}}
@media(max-width:34rem){.quietrow{grid-template-columns:1fr 1fr}.quietrow>:last-child{grid-column:1/-1}
table{table-layout:fixed}thead td{width:40%}th,td{padding:.35rem .15rem}th{overflow-wrap:anywhere}.addr{font-size:.75rem}}
"""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page shows."""

    language: Language
    languages: Sequence[Language]
    logo: str
    title: str
    subjects: Sequence[Subject]
    channels: Sequence[ChannelKind]
    granted: frozenset[tuple[str, str]]
    wishes: Mapping[Aspect, Any]
    addresses: Mapping[str, str]
    token: str
    preview: bool = False
    status: str = ""
    wrong: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a form says that differs from what it showed. ``nothing``: the customer wants no more of anything."""

    nothing: bool
    consents: Mapping[tuple[str, str], bool]
    wishes: Mapping[Aspect, Any]


def render(shown: Shown) -> str:
    """The page."""
    words = WORDS[shown.language]
    title = shown.title or words.title
    notes = (
        (f'<p class="note">{escape(words.preview)}</p>' if shown.preview else "")
        + (f'<p role="status">{escape(shown.status)}</p>' if shown.status else "")
        + (f'<p role="alert">{escape(words.wrong)}</p>' if shown.wrong else "")
    )
    body = (
        f"{notes}<p>{escape(words.intro)}</p>"
        f'<form method="post"><input type="hidden" name="shown" value="{escape(_state(shown))}">'
        f"<h2>{escape(words.topics)}</h2>{_topics(shown)}<h2>{escape(words.how)}</h2>{_how(shown)}"
        f'<p class="do"><button name="do" value="save">{escape(words.save)}</button>'
        f'<button class="second" name="do" value="none">{escape(words.none)}</button></p></form>'
    )
    logo = f'<div class="logo">{escape(shown.logo)}</div>' if shown.logo else ""
    heading = f"<header><div>{logo}<h1>{escape(title)}</h1></div>{_switch(shown)}</header>"
    return hosted_page(shown.language, title, body, style=_STYLE, heading=heading)


def _switch(shown: Shown) -> str:
    if len(shown.languages) < 2:
        return ""
    links = "".join(
        f'<b lang="{one}" aria-current="true">{NAMES[one]}</b>'
        if one == shown.language
        else f'<a lang="{one}" hreflang="{one}" href="?lang={one}">{NAMES[one]}</a>'
        for one in shown.languages
    )
    return f'<nav aria-label="{escape(WORDS[shown.language].switch)}">{links}</nav>'


def channel_title(language: Language, kind: ChannelKind) -> str:
    """What a channel is called in a language."""
    return WORDS[language].channels.get(kind.name, kind.title)


def choice(language: Language, subject: Subject, kind: ChannelKind) -> str:
    """What stands beside one box: the topic, and how it would come."""
    return f"{subject.called(language)[0]}: {channel_title(language, kind)}"


def _topics(shown: Shown) -> str:
    words = WORDS[shown.language]
    if not shown.subjects or not shown.channels:
        return f"<p>{escape(words.nothing_to_choose)}</p>"
    heads = "".join(
        f'<th scope="col">{escape(channel_title(shown.language, kind))}'
        + (f'<span class="addr">{escape(veiled(found))}</span>' if (found := shown.addresses.get(kind.identity)) else "")
        + "</th>"
        for kind in shown.channels
    )
    rows = "".join(_row(shown, subject) for subject in shown.subjects)
    return f"<div class='wide' tabindex='0'><table><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"


def _row(shown: Shown, subject: Subject) -> str:
    title, description = subject.called(shown.language)
    small = f"<small>{escape(description)}</small>" if description else ""
    boxes = "".join(
        f'<td><input type="checkbox" name="c.{escape(kind.name)}.{escape(subject.name)}" value="1"'
        f' aria-label="{escape(choice(shown.language, subject, kind))}"'
        f"{' checked' if (kind.name, subject.name) in shown.granted else ''}></td>"
        for kind in shown.channels
    )
    return f'<tr><th scope="row">{escape(title)}{small}</th>{boxes}</tr>'


def _select(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str) -> str:
    listed = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in options
    )
    return f'<div><label for="{name}">{escape(label)}</label><select id="{name}" name="{name}">{listed}</select></div>'


def _how(shown: Shown) -> str:
    words = WORDS[shown.language]
    wishes = shown.wishes
    ways = [("", words.any_channel), *((k.name, channel_title(shown.language, k)) for k in shown.channels)]
    often = [(value, words.frequencies[value]) for value in FREQUENCIES]
    tongues = [("", words.any_language), *((one, NAMES[one]) for one in shown.languages)]
    pauses = [("", words.no_pause), *((str(days), words.pauses.format(days=days)) for days in PAUSES)]
    until = wishes.get("paused_until")
    if until:
        pauses.append(("keep", words.paused_until.format(date=str(until)[:10])))
    quiet = wishes.get("quiet_hours") or {}
    zones = [("", "—"), *((zone, zone.replace("_", " ")) for zone in _zones(quiet.get("zone")))]
    return (
        '<div class="grid">'
        + _select("channel", words.channel, ways, str(wishes.get("channel") or ""))
        + _select("frequency", words.frequency, often, str(wishes.get("frequency") or "all"))
        + _select("language", words.language, tongues, str(wishes.get("language") or ""))
        + _select("pause", words.pause, pauses, "keep" if until else "")
        + f'</div><fieldset><legend>{escape(words.quiet)}</legend><div class="quietrow">'
        + _time("quiet_from", words.since, quiet.get("from", ""))
        + _time("quiet_to", words.until, quiet.get("to", ""))
        + _select("zone", words.zone, zones, quiet.get("zone", ""))
        + f'</div><p class="quiet">{escape(words.no_quiet)}</p></fieldset>'
    )


def _time(name: str, label: str, value: str) -> str:
    field = f'<input type="time" id="{name}" name="{name}" value="{escape(value)}">'
    return f'<div><label for="{name}">{escape(label)}</label>{field}</div>'


def _zones(own: str | None) -> Sequence[str]:
    return ZONES if not own or own in ZONES else (own, *ZONES)


def _state(shown: Shown) -> str:
    boxes = {f"{k.name}.{s.name}": (k.name, s.name) in shown.granted for k in shown.channels for s in shown.subjects}
    return msgspec.json.encode({"boxes": boxes, "wishes": shown.wishes}).decode()


class _Sent(msgspec.Struct, frozen=True):
    boxes: dict[str, bool] = {}
    wishes: dict[str, Any] = {}


def read(body: bytes, now: datetime) -> Answer:
    """What the form says that it did not show: an old form left open takes back nothing that was said elsewhere since."""
    form = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()}
    try:
        was = msgspec.json.decode(form.get("shown", "{}"), type=_Sent)
    except (msgspec.ValidationError, msgspec.DecodeError):
        was = _Sent()
    consents = {}
    for box, ticked in was.boxes.items():
        channel, _, topic = box.partition(".")
        if topic and (f"c.{box}" in form) != ticked:
            consents[channel, topic] = not ticked
    wishes: dict[Aspect, Any] = {}
    for aspect in ("channel", "frequency", "language"):
        said = form.get(aspect, "") or None
        said = None if aspect == "frequency" and said == "all" and not was.wishes.get(aspect) else said
        if aspect in form and said != was.wishes.get(aspect):
            wishes[aspect] = said
    if "quiet_from" in form and (quiet := _quiet(form)) != was.wishes.get("quiet_hours"):
        wishes["quiet_hours"] = quiet
    pause = form.get("pause", "keep" if "paused_until" in was.wishes else "")
    if pause.isdecimal() and len(pause) < 4:
        wishes["paused_until"] = (now + timedelta(days=int(pause))).isoformat()
    elif not pause and was.wishes.get("paused_until"):
        wishes["paused_until"] = None
    return Answer(nothing=form.get("do") == "none", consents=consents, wishes=wishes)


def _quiet(form: Mapping[str, str]) -> dict[str, str] | None:
    since, until = form.get("quiet_from", "")[:5], form.get("quiet_to", "")[:5]
    return {"from": since, "to": until, "zone": form.get("zone", "")} if since or until else None


def language_for(preferred: object, traits: Sequence[str | None], accepted: Language, offered: Sequence[Language]) -> Language:
    """A customer's language: as they said, as their traits tell, as their browser asks, or the first offered."""
    for tag in (preferred, *traits, accepted):
        short = str(tag or "").lower().replace("_", "-").partition("-")[0]
        if is_language(short) and short in offered:
            return short
    return offered[0] if offered else "en"
