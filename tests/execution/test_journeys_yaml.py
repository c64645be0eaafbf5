"""A journey as YAML: what is written is read again, whatever it is; what people write wrong is said with its place."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from antiphon.awareness.events import EventMatch, PropertyFilter
from antiphon.awareness.segments import TraitCondition
from antiphon.execution.journeys.anywhere import Anywhere
from antiphon.execution.journeys.as_yaml import MOST_CHARACTERS, YamlInvalid, from_yaml, to_yaml
from antiphon.execution.journeys.checking import check
from antiphon.execution.journeys.examples import examples
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import (
    Again,
    ApiEntry,
    Canvas,
    Comment,
    Definition,
    EventEntry,
    ExitRule,
    Goal,
    Group,
    ImportEntry,
    ScheduleEntry,
    SegmentEntry,
    Step,
)
from antiphon.foundation.words import LANGUAGES, Language

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
odd = st.sampled_from(["yes", "no", "on", "null", "~", "1", "1.5", "0x1", "1e3", "true", "2026-01-01", "12:30:00", "<<", "=", "- a", "a: b", "# x",
                       " a", "a ", "a\n", "\n", "a\n b\n", "|", ">", "'", '"', "{{ name }}", "%", "@", "`", "!x", "&a", "*a", "?", "\t", "a\tb", ""])  # fmt: skip
texts = words | odd
keys = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True) | st.sampled_from(["yes", "no", "on", "null", "n", "y"])
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
matches = st.builds(EventMatch, event=words.filter(bool), filters=st.lists(st.builds(PropertyFilter, property=words, op=st.just("is"), value=texts), max_size=2))
trees = st.builds(TraitCondition, trait=words, op=st.just("is"), value=texts)
entries = st.one_of(
    st.builds(SegmentEntry, segment_id=st.integers(1, 9), when=st.sampled_from(["entered", "left"]), present=st.booleans()),
    st.builds(EventEntry, match=matches), st.builds(ApiEntry), st.builds(ImportEntry, source=texts),
    st.builds(ScheduleEntry, segment_id=st.integers(1, 9), start=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)), zone=st.just("Asia/Tokyo"), rule=texts),
)  # fmt: skip
definitions = st.builds(
    Definition,
    start=keys | st.just(""),
    steps=st.lists(st.builds(Step, key=keys, kind=words.filter(bool), settings=st.dictionaries(texts, plain, max_size=3),
                             next=st.dictionaries(texts, keys, max_size=2), title=texts), max_size=3),
    entries=st.lists(entries, max_size=3),
    again=st.builds(Again, rule=st.sampled_from(["once", "always"]), at_once=st.integers(1, 9)),
    exits=st.lists(st.builds(ExitRule, reason=keys, event=st.none() | matches, condition=st.none() | trees), max_size=2),
    goal=st.none() | st.builds(Goal, event=st.none() | matches, condition=st.none() | trees, ends=st.booleans()),
    holdout_percent=st.floats(0, 50), exclusive=texts.filter(lambda one: len(one) < 60), most_inside=st.none() | st.integers(1, 10**9),
    canvas=st.builds(
        Canvas, places=st.dictionaries(keys, st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=2),
        groups=st.lists(st.builds(Group, title=texts, steps=st.lists(keys, max_size=2)), max_size=1),
        comments=st.lists(st.builds(Comment, text=texts, x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6)), max_size=1),
    ),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(definitions, texts.filter(lambda one: 0 < len(one) < 100), texts)
def test_what_is_written_is_read_again(definition: Definition, name: str, description: str) -> None:
    written = to_yaml(definition, name=name, description=description)
    read = from_yaml(written)
    assert read.definition == definition
    assert (read.name, read.description or "") == (name, description)
    assert to_yaml(read.definition, name=name, description=description) == written  # the same journey, the same text


@given(st.text(max_size=200) | st.from_regex(r"(steps|start|entries|a): [\[\]{}&*!|>'\"%@`a-z0-9:,#\n -]{0,40}", fullmatch=True))
def test_no_text_breaks_the_reader(text: str) -> None:
    refused: YamlInvalid | None = None
    try:
        assert isinstance(from_yaml(text).definition, Definition)
    except YamlInvalid as wrong:
        refused = wrong
    assert refused is None or (refused.field and refused.facts["why"])


WRONG = [
    ("steps: [", "line 1"),
    ("start: a\nstart: b\n", "twice"),
    ("a: &x [1]\nb: *x\n", "aliases"),
    ("start: !!python/object/apply:os.system [echo]\n", "line 1"),
    ("x: !!binary aGVsbG8=\n", "no tags"),
    ("x: !!timestamp 2026-01-01\n", "no tags"),
    ("x: !!float .inf\n", "no tags"),
    ("x: 1e999\n", "no number"),
    ("? [a]\n: 1\n", "one word"),
    ("- 1\n", "no fields"),
    ("", "no fields"),
    ("start: 1\n", "start"),
    ("colour: red\n", "colour"),
    ("steps:\n  - key: a\n", "kind"),
    ("steps:\n  - {key: A, kind: wait}\n", "steps[0].key"),
    ("name: [x]\n", "name is a text"),
    ('start: "\\0"\n', "NUL"),
    ("x: " + "[" * 3000, ""),
    ("#" * (MOST_CHARACTERS + 1), "characters"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(YamlInvalid) as refused:
        from_yaml(text)
    assert said in str(refused.value)


def test_it_reads_well() -> None:
    steps = [
        Step(key="ask", kind="condition", settings={"condition": {"kind": "trait", "trait": "plan", "op": "in", "values": ["gold", "red"]}},
             next={"yes": "thank", "no": "over"}),
        Step(key="thank", kind="message", title="Thanks", settings={"content": {"subject": "Hi", "text": "Dear {{ name }},\n\nthank you.\n"}}),
        Step(key="over", kind="end"),
    ]  # fmt: skip
    one = Definition(start="ask", steps=steps, entries=[ApiEntry()], canvas=Canvas(places={"ask": (0.0, 40.5)}))
    assert to_yaml(one, name="Thanks", description="Says it.") == """\
name: Thanks
description: Says it.
start: ask
steps:
  - key: ask
    kind: condition
    settings:
      condition:
        kind: trait
        trait: plan
        op: in
        values: [gold, red]
    next:
      yes: thank
      no: over
  - key: thank
    kind: message
    settings:
      content:
        subject: Hi
        text: |
          Dear {{ name }},

          thank you.
    title: Thanks
  - key: over
    kind: end
entries:
  - kind: api
canvas:
  places:
    ask: [0, 40.5]
"""


def test_plain_words_are_words() -> None:
    read = from_yaml("start: a\nsteps:\n  - {key: a, kind: condition, settings: {on: off, at: 12:30, day: 2026-01-01, ok: true}, next: {yes: a, no: a}}\n")
    assert read.definition.steps[0].next == {"yes": "a", "no": "a"}
    assert read.definition.steps[0].settings == {"on": "off", "at": "12:30", "day": "2026-01-01", "ok": True}


def test_the_example_in_the_documents_can_go_live() -> None:
    text = (Path(__file__).parents[2] / "docs" / "journeys.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    one = from_yaml(example)
    assert check(one.definition, installed(), Anywhere(definition=one.definition, now=datetime(2026, 6, 1, tzinfo=UTC))) == []
    assert to_yaml(one.definition, name=one.name or "") == example


@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_make_the_round(language: Language) -> None:
    for one in examples(language):
        assert from_yaml(to_yaml(one.definition, name=one.title)).definition == one.definition
        assert msgspec.json.decode(msgspec.json.encode(one.definition), type=Definition) == one.definition
