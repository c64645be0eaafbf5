"""Liquid behind its fence: what an author may do, and everything that somebody has tried to do to a template engine."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.content import RenderFailed, RenderLimit, TemplateInvalid
from antiphon.execution.content.liquid import parse, values

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'&{{ x }}"


def written(source: str, traits: dict[str, Any] | None = None, *, html: bool = True) -> str:
    return parse(source, html=html, part="body").write(values(traits or {}, {}, NOW))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ first_name }}", "Ann"),
        ("{{ profile.first_name }}", "Ann"),
        ('{{ nick | default: "friend" }}', "friend"),
        ("{{ missing }}", ""),
        ("{{ missing.deeper.still }}", ""),
        ("{% if vip %}yes{% else %}no{% endif %}", "yes"),
        ("{% for p in products %}{{ p.name }}{% unless forloop.last %}, {% endunless %}{% endfor %}", "A, B"),
        ("{{ products | map: 'name' | join: '+' }}", "A+B"),
        ("{{ price | times: 2 | round: 2 }}", "6.4"),
        ("{{ 'now' | date: '%Y-%m-%d' }}", "2026-06-01"),
        ("{{ now | date: '%H:%M', 'Asia/Shanghai' }}", "20:00"),
        ("{{ birthday | date: '%d.%m.' }}", "29.02."),
        ("{{ 'nonsense' | date: '%Y' }}", "nonsense"),
        ("{{ first_name | upcase | append: '!' }}", "ANN!"),
        ("{{ profile['Favourite colour'] }}", "red"),
        ("{% assign a = first_name %}{% capture b %}<b>{{ a }}</b>{% endcapture %}{{ b }}", "<b>Ann</b>"),
        ("{% raw %}{{ x }}{% endraw %}{% comment %}no{% endcomment %}", "{{ x }}"),
        ("{{ list | join: ', ' }}", "1, 2"),
        ("{{ none }}{{ yes }}", "true"),
    ],
)
def test_what_authors_write(source: str, expected: str) -> None:
    traits = {
        "first_name": "Ann", "vip": True, "products": [{"name": "A"}, {"name": "B"}], "price": 3.2, "none": None,
        "birthday": "2000-02-29", "Favourite colour": "red", "list": [1, 2], "yes": True,
    }  # fmt: skip
    assert written(source, traits) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}",
        "{% for i in (1..100) %}{% for j in (1..100) %}{% for k in (1..100) %}{{ k }}{% endfor %}{% endfor %}{% endfor %}",
        "{% tablerow i in (1..1000000) %}x{% endtablerow %}",
        "{{ (1..1000000000) | join: 'x' }}",
        "{{ (1..1000000000) | size | times: 1 }}{{ (1..1000000000) | map: 'x' }}",
        "{{ (1..1000000000) | reverse | first }}",
        "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..100) %}{% assign a = a | append: a %}{% endfor %}",
        "{% assign a = 3 %}{% for i in (1..100) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
        "{% assign a = 'x' %}{% for i in (1..99) %}{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
        "{{ big | replace: '', big }}",
        "{{ big | split: '' | join: big }}",
        "{{ big | append: big | append: big | append: big | append: big }}",
        "{% for i in (1..9000) %}{{ big }}{% endfor %}",
        "{% for i in (1..9999) %}" + "{% if 1 == 2 %}{% endif %}" * 50 + "{% endfor %}",
    ],
)
def test_what_would_never_end_is_stopped_quickly_and_says_why(source: str) -> None:
    began = time.process_time()
    with pytest.raises(RenderFailed) as stopped:
        written(source, {"big": "y" * 60_000})
    assert time.process_time() - began < 2
    assert isinstance(stopped.value, RenderLimit), stopped.value
    assert ("stopped" in str(stopped.value) and "more than" in str(stopped.value)) or "too large" in str(stopped.value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ profile.__class__ }}",
        "{{ profile['__class__']['__mro__'] }}",
        "{{ first_name.__class__.__mro__[1].__subclasses__ }}",
        "{{ first_name.upper }}",
        "{{ now.__reduce__ }}{{ now.tzinfo }}{{ now.year }}",
        "{{ profile.keys }}{{ profile.items }}{{ profile.get }}",
        "{{ forloop.__init__ }}",
        "{% for i in profile %}{{ i.__class__ }}{% endfor %}",
        "{{ 'x' | map: '__class__' }}",
        "{{ products | map: '__class__' | first }}",
        "{{ products | where: '__class__' | first }}",
        "{{ self }}{{ context }}{{ env }}{{ template }}{{ request }}",
    ],
)
def test_python_cannot_be_reached(source: str) -> None:
    try:
        out = written(source, {"first_name": "Ann", "products": [{"name": "A"}]})
    except (RenderFailed, TemplateInvalid):
        return
    assert "class" not in out and "method" not in out and "object at" not in out and "function" not in out


@pytest.mark.parametrize(
    "source", ["{% include 'x' %}", "{% render 'x' %}", "{% extends 'x' %}", "{% import x %}", "{% macro a %}{% endmacro %}"]
)
def test_there_are_no_other_files(source: str) -> None:
    with pytest.raises(TemplateInvalid):
        written(source)


@pytest.mark.parametrize("pattern", ["%1000000000d", "%", "%Q", "%E1000d", "%%%", "x" * 300])
def test_dates_cannot_be_blown_up(pattern: str) -> None:
    with pytest.raises(RenderFailed):
        written("{{ now | date: p }}", {"p": pattern})


@pytest.mark.parametrize(
    ("source", "line"), [("{% if %}", 1), ("a\nb\n{% for %}", 3), ("{{ a | }}", 1), ("x\n{% endif %}", 2), ("{% if a %}", 1)]
)
def test_errors_name_their_line(source: str, line: int) -> None:
    with pytest.raises(TemplateInvalid) as bad:
        parse(source, html=True, part="body")
    assert bad.value.line == line and bad.value.part == "body" and f"line {line}" in str(bad.value)


def test_a_template_that_is_too_long_or_too_deep_is_refused() -> None:
    with pytest.raises(TemplateInvalid, match="longer than"):
        parse("x" * 600_000, html=True, part="body")
    with pytest.raises(TemplateInvalid):
        parse("{% if a %}" * 5000 + "{% endif %}" * 5000, html=True, part="body")


def test_a_failure_for_one_person_is_an_error_with_words() -> None:
    with pytest.raises(RenderFailed, match="divide by 0"):
        written("{{ 1 | divided_by: n }}", {"n": 0})
    with pytest.raises(RenderFailed):
        written("{% break %}")


FILTERS = sorted(name for name in parse("", html=True, part="body").env.filters)


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_lets_hostile_data_through_unescaped(name: str) -> None:
    """A customer's name is text, whatever an author does with it; only ``safe`` gives HTML, and cleans it."""
    for call in (name, f"{name}: 'a'", f"{name}: 'a', 'b'", f"{name}: evil", f"{name}: 'a', evil", f"{name}: 3"):
        for left in ("evil", "list", "profile", "'literal'"):
            try:
                out = written(f"{{{{ {left} | {call} }}}}", {"evil": HOSTILE, "list": [HOSTILE, {"a": HOSTILE}]})
            except (RenderFailed, TemplateInvalid):
                continue
            assert "<script" not in out, (name, call, left)


def test_safe_html_is_cleaned() -> None:
    out = written(
        "{{ about | safe }}", {"about": '<b onclick="x()">hi</b><script>evil()</script><a href="javascript:x">l</a>'}
    )
    assert out == '<b>hi</b><a rel="noopener noreferrer">l</a>'


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_text_is_written_as_it_is_and_html_escaped(name: str) -> None:
    from html import unescape

    assert written("{{ name }}", {"name": name}, html=False) == name
    out = written('<p title="{{ name }}">{{ name }}</p>', {"name": name})
    assert out.count("<") == 2 and out.count('"') == 2
    assert unescape(out).count(name) >= 2


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{}%|.: '\"abifendfor()1[]=<>&-\n", max_size=60))
def test_nonsense_gives_text_or_one_of_our_errors(source: str) -> None:
    try:
        written(source, {"a": "x", "b": ["y"]})
    except (TemplateInvalid, RenderFailed):
        pass
