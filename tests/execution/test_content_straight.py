"""The straight way renders what Liquid renders, or leaves it to Liquid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from antiphon.execution.channels import Rendered
from antiphon.execution.content import Render, RenderFailed, RenderLimit, Source, compile_source
from antiphon.execution.content.compile import CompiledTemplate
from antiphon.execution.content.liquid import MAX_OUTPUT, parse
from antiphon.execution.content.straight import straighten
from antiphon.execution.delivery.tracking import Tracker

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRACKER = Tracker(b"k" * 32, "https://mail.example.com/?a&b")

paths = st.sampled_from(["a", "b", "profile.a", "d.x", "d.y.z", "d['x']", "l[0]", "l[-1]", "l.first", "a.size", "nobody", "no.x"])
literals = st.sampled_from(['"v<1>"', "'it'", "''", "0", "7", "1.5", "true", "false", "nil", "empty", "blank"])
operands = st.one_of(paths, literals)
filters = st.sampled_from(
    [
        "", " | default: 'dear <one>'", " | default: 5", " | upcase", " | capitalize | default: b", " | escape", " | append: '&'",
        " | plus: 2", " | times: b", " | divided_by: 0", " | size", " | join: '<'", " | date: '%Y'", " | truncate: 5, '>'",
        " | default: 'x', allow_false: true", " | safe", " | strip_html", " | replace: '<', a", " | first", " | newline_to_br",
    ]
)  # fmt: skip
conditions = st.builds(
    lambda left, operator, right, more: f"{left} {operator} {right}{more}", operands,
    st.sampled_from(["==", "!=", "<", ">", "<=", ">=", "contains", "and", "or"]), operands,
    st.sampled_from(["", " and a", " or b == 7", " and d.x contains 'v'"]),
)  # fmt: skip
outputs = st.builds(lambda value, filter_: f"{{{{ {value}{filter_} }}}}", operands, filters)
plain = st.sampled_from(
    [
        "text ", "\n", "\n\n \n", " ", "<b>&amp;</b>", '<a href="https://e.com/?a=1&b=2">x</a>', "https://e.com/2 ", "\u044f\u0437",
        '<a href="https://e.com/{{ a }}">y</a>', "{% raw %}{{ a }}{% endraw %}", "{% assign a = 5 %}", "{{ now | date: '%Y' }}",
        "{% for i in l %}{{ i }}{% endfor %}", '<a href="{{ unsubscribe_url }}">u</a>', "{% comment %}c{% endcomment %}",
        "{{ preferences_url }}",
    ]
)  # fmt: skip


def around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda c, x: f"{{% if {c} %}}{x}{{% endif %}}", conditions, inner),
        st.builds(lambda c, x, d, y, z: f"{{% if {c} %}}{x}{{%- elsif {d} -%}}{y}{{% else %}}{z}{{% endif %}}",
                  conditions, inner, operands, inner, inner),
        st.lists(inner, max_size=3).map("".join),
    )  # fmt: skip


templates = st.lists(st.recursive(st.one_of(plain, outputs), around, max_leaves=6), max_size=4).map("".join)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.just("v<1>")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner)), max_leaves=4,
)  # fmt: skip
people = st.dictionaries(st.sampled_from(["a", "b", "d", "l", "profile"]), values)


def rendered(template: CompiledTemplate, traits: dict[str, Any]) -> Rendered | str:
    try:
        links = TRACKER.links(7, 8, at=NOW)
        return template.render(Render(traits=traits, now=NOW, extra={"language": ""}), links)
    except (RenderFailed, RenderLimit) as failed:
        return f"{type(failed).__name__} {failed}"


@settings(max_examples=150, deadline=None)
@given(templates, people, st.sampled_from(["html", "text"]))
def test_straight_and_liquid_render_the_same(body: str, traits: dict[str, Any], kind: Any) -> None:
    template = compile_source(Source(format=kind, subject="News {{ a }}", body=body))
    template.with_links({url: n + 1 for n, url in enumerate(template.urls)})
    straight = rendered(template, traits)
    template._straight = (None, None, None)
    assert straight == rendered(template, traits)


@pytest.mark.parametrize(
    ("source", "ways"),
    [
        ("plain", True),
        ("{{ a | default: 'x' | upcase }} {% if b > 5 and a contains 'z' %}{{ profile.a }}{% else %}-{% endif %}", True),
        ("{% assign x = 1 %}{{ x }}", False),
        ("{% for i in l %}{{ i }}{% endfor %}", False),
        ("{{ now }}", False),
        ("{{ l.first }}", False),
        ("{{ a | join: ', ' }}", False),
    ],
)  # fmt: skip
def test_what_has_a_straight_way(source: str, ways: bool) -> None:
    assert (straighten(parse(source, html=True, part="body"), "mark", html=True) is not None) is ways


def test_a_failure_and_a_large_text_are_left_to_liquid() -> None:
    template = parse("{{ a | divided_by: 0 }}", html=False, part="body")
    straight = straighten(template, "mark", html=False)
    assert straight is not None
    assert straight.write({"a": 1}, {}) is None
    with pytest.raises(RenderFailed):
        template.write({"a": 1})
    large = straighten(parse("{{ a }}{{ a }}", html=False, part="body"), "mark", html=False)
    assert large is not None
    assert large.write({"a": "x" * (MAX_OUTPUT // 4)}, {}) is None
