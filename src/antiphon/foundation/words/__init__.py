"""What the server says, in the languages of its readers: the sentence of each stable code, and the rules errors quote.

`ru.json` and `zh.json` hold `sentences`, by room and code, with the same {facts} as the English docstring of the error; and
`rules`, by their English wording, in which {names} stand for whatever is there. English is the code itself. Codes, fields
and facts are never translated, but for facts that are words of ours (`SPOKEN`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal, NamedTuple, get_args

import msgspec

Language = Literal["en", "ru", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
TAGS: Mapping[Language, str] = {"en": "en", "ru": "ru", "zh": "zh-Hans"}
"""Languages as Content-Language and `lang` name them."""
SPOKEN = frozenset({"what", "why", "part", "verb", "first"})
"""Facts that may be words of ours, which have a rule of their own."""


class Catalogue(NamedTuple):
    """One language: sentences by code, rules by their English, and rules with names in them, the most particular first."""

    sentences: Mapping[str, str]
    rules: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sentences: dict[str, dict[str, str]]
    rules: dict[str, str]


def language_of(accepted: str | None) -> Language:
    """The best of our languages for an Accept-Language header (RFC 9110, 12.5.4); English if none fits."""
    wanted: list[tuple[float, str]] = []
    for part in (accepted or "")[:500].split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        wanted.append((-weight, tag.strip().lower().partition("-")[0]))
    for weight, tag in sorted(wanted, key=lambda w: w[0]):
        if tag in LANGUAGES and weight < 0:
            return tag
    return "en"


@cache
def catalogue(language: Language) -> Catalogue:
    """The words of a language; of English there are none, because the code has them."""
    if language == "en":
        return Catalogue({}, {}, ())
    found = msgspec.json.decode((Path(__file__).parent / f"{language}.json").read_bytes(), type=_File)
    sentences = {code: text for room in found.sentences.values() for code, text in room.items()}
    named = [rule for rule in found.rules if "{" in rule]
    named.sort(key=lambda rule: -len(re.sub(r"\{\w+\}", "", rule)))
    patterns = tuple((_pattern(rule), found.rules[rule]) for rule in named)
    return Catalogue(sentences, {rule: text for rule, text in found.rules.items() if "{" not in rule}, patterns)


def _pattern(rule: str) -> re.Pattern[str]:
    parts = Formatter().parse(rule)
    text = "".join(re.escape(plain) + (f"(?P<{name}>.{{1,400}}?)" if name else "") for plain, name, _, _ in parts)
    return re.compile(text, re.DOTALL)


def rule_in(language: Language, rule: str) -> str | None:
    """A rule, or a word of ours, in a language; None where the catalogue does not have it."""
    words = catalogue(language)
    if (said := words.rules.get(rule)) is not None:
        return said
    for pattern, said in words.patterns:
        if (found := pattern.fullmatch(rule)) is not None:
            return said.format(**{name: words.rules.get(text, text) for name, text in found.groupdict().items()})
    return None


def sentence_in(language: Language, code: str, facts: Mapping[str, Any] | None = None) -> str | None:
    """The sentence of a code, its facts filled in; None where there is none, or a fact is missing."""
    template = catalogue(language).sentences.get(code)
    if template is None:
        return None
    given = {
        name: (rule_in(language, fact) or fact) if name in SPOKEN and isinstance(fact, str) else fact
        for name, fact in (facts or {}).items()
    }
    try:
        return template.format(**given)
    except (KeyError, IndexError):
        return None


def detail_in(language: Language, code: str, detail: str, facts: Mapping[str, Any], *, quoted: bool) -> str:
    """The detail of a problem. A `quoted` detail is a rule stated where it broke: itself if it is known, else beside its
    code's sentence as it is."""
    if language == "en":
        return detail
    said = sentence_in(language, code, facts)
    if not quoted:
        return said or detail
    rule = rule_in(language, detail)
    if rule is not None:
        return rule
    return f"{said.rstrip('.。')} ({detail})" if said else detail
