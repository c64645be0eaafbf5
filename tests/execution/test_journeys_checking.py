"""What is wrong with a definition is found, each sort of it by its code and place; what is right is left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from antiphon.awareness.segments import InvalidTree, Node, validate
from antiphon.awareness.segments.model import Surroundings, TraitColumn
from antiphon.execution.journeys import checking, findings
from antiphon.execution.journeys.examples import examples
from antiphon.execution.journeys.graph import circles, leading_to, reached
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, Finding
from antiphon.foundation.words import LANGUAGES, Language

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TREE = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}
ROOT = Path(__file__).parents[2]


class There:
    """An installation with one of everything; segment 2 tells nobody who comes."""

    now = NOW

    def __init__(self, definition: Definition, journey_id: int | None = 7) -> None:
        self.definition = definition
        self.journey_id = journey_id

    def has_template(self, version_id: int) -> bool:
        return version_id == 1

    def has_channel(self, name: str) -> bool:
        return name in ("email", "sms", "voice")

    def has_topic(self, name: str) -> bool:
        return name == "news"

    def has_path(self, message_class: str) -> bool:
        return message_class == "transactional"

    def has_segment(self, segment_id: int) -> bool:
        return segment_id in (1, 2)

    def announces(self, segment_id: int) -> bool:
        return segment_id == 1

    def has_event(self, name: str) -> bool:
        return name != "Never Seen"

    def has_journey(self, journey_id: int) -> bool:
        return journey_id in (7, 8)

    def has_experiment(self, key: str) -> bool:
        return key == "colour"

    def check_tree(self, tree: Node, place: str) -> Iterable[Finding]:
        try:
            validate(tree, {"plan": TraitColumn("t_plan", "text"), "age": TraitColumn("t_age", "number")}, {1: None, 2: None}, Surroundings())
        except InvalidTree as wrong:
            yield findings.error("expression_invalid", place, why=wrong.detail)


def step(key: str, kind: str = "wait", settings: dict[str, Any] | None = None, **to: str) -> dict[str, Any]:
    return {"key": key, "kind": kind, "settings": {"seconds": 60} if settings is None and kind == "wait" else settings or {}, "next": to}


def found(journey_id: int | None = 7, **parts: Any) -> list[Finding]:
    plain = {"start": "a", "steps": [step("a")], "entries": [{"kind": "api"}]} | parts
    definition = msgspec.convert(plain, Definition)
    return checking.check(definition, installed(), There(definition, journey_id))


def codes(level: str | None = None, **parts: Any) -> list[tuple[str, str]]:
    return [(one.code, one.place) for one in found(**parts) if level in (None, one.level)]


def condition(key: str, **to: str) -> dict[str, Any]:
    return step(key, "condition", {"condition": TREE}, **to)


MESSAGE = {"channel": "email", "topic": "news", "content": {"subject": "s", "text": "t"}}

WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    # what is drawn, level, code, place
    ({"steps": [], "start": ""}, "error", "no_steps", "steps"),
    ({"start": ""}, "error", "start_missing", "start"),
    ({"start": "z"}, "error", "start_unknown", "start"),
    ({"steps": [step("a"), step("a")]}, "error", "step_twice", "steps[1].key"),
    ({"steps": [step("a", "pigeon")]}, "error", "kind_unknown", "steps[0].kind"),
    ({"steps": [step("a", settings={"seconds": "soon"})]}, "error", "settings_invalid", "steps[0].settings.seconds"),
    ({"steps": [step("a", settings={"secs": 1})]}, "error", "settings_invalid", "steps[0].settings.secs"),
    ({"steps": [step("a", settings={})]}, "error", "settings_invalid", "steps[0].settings.seconds"),
    ({"steps": [step("a", settings={"seconds": 0})]}, "error", "wait_of_no_time", "steps[0].settings.seconds"),
    ({"steps": [step("a", next="z")]}, "error", "next_unknown", "steps[0].next.next"),
    ({"steps": [step("a", later="b"), step("b")]}, "error", "exit_unknown", "steps[0].next.later"),
    ({"steps": [condition("a", yes="b"), step("b")]}, "warning", "exits_end", "steps[0].next"),
    ({"steps": [step("a"), step("b")]}, "warning", "unreachable", "steps[1]"),
    ({"steps": [condition("a", yes="b", no="b"), condition("b", yes="a", no="a")]}, "error", "cycle_without_rest", "steps[0]"),
    ({"steps": [condition("a", yes="a", no="b"), step("b")]}, "error", "cycle_without_rest", "steps[0]"),
    ({"steps": [step("a", next="b"), step("b", next="a")]}, "warning", "no_way_out", "steps[0]"),
    ({"steps": [step("a", "condition", {"condition": TREE | {"trait": "colour"}})]}, "error", "expression_invalid", "steps[0].settings.condition"),
    ({"steps": [step("a", "condition", {"condition": {"kind": "trait", "trait": "age", "op": "contains", "value": "x"}})]}, "error", "expression_invalid", "steps[0].settings.condition"),
    ({"steps": [step("a", "wait_until", {"date": "1970-01-01T00:00:00Z"})]}, "error", "wait_until_long_past", "steps[0].settings.date"),
    ({"steps": [step("a", "wait_event", {"match": {"event": "Paid"}}, happened="b"), step("b")]}, "warning", "waits_for_ever", "steps[0].settings.timeout_seconds"),
    ({"steps": [step("a", "message", {**MESSAGE, "topic": None}, refused="b", next="b"), step("b")]}, "error", "topic_missing", "steps[0].settings.topic"),
    ({"steps": [step("a", "message", {**MESSAGE, "topic": "weather"}, refused="b"), step("b")]}, "error", "topic_unknown", "steps[0].settings.topic"),
    ({"steps": [step("a", "message", {**MESSAGE, "channel": "pigeon"}, refused="b"), step("b")]}, "error", "channel_unknown", "steps[0].settings.channel"),
    ({"steps": [step("a", "message", {"channel": "email", "topic": "news", "template_version_id": 9}, refused="b"), step("b")]}, "error", "template_unknown", "steps[0].settings.template_version_id"),
    ({"steps": [step("a", "in_segment", {"segment_id": 9}, yes="b", no="b"), step("b")]}, "error", "segment_unknown", "steps[0].settings.segment_id"),
    ({"steps": [step("a", "start_journey", {"journey_id": 9}, next="b"), step("b")]}, "error", "journey_unknown", "steps[0].settings.journey_id"),
    ({"steps": [step("a", "experiment", {"experiment": "size", "arms": ["x"]}, x="b", none="b"), step("b")]}, "error", "experiment_unknown", "steps[0].settings.experiment"),
    ({"steps": [step("a", "jump", {"journey_id": 7})], "again": {"rule": "always"}}, "error", "jumps_to_itself", "steps[0].settings.journey_id"),
    ({"steps": [step("a", next="b"), step("b", "jump", {"journey_id": 7})], "again": {"rule": "always"}}, "warning", "jumps_to_itself_later", "steps[1].settings.journey_id"),
    ({"entries": []}, "error", "no_entry", "entries"),
    ({"entries": [{"kind": "segment", "segment_id": 9}]}, "error", "entry_segment_unknown", "entries[0].segment_id"),
    ({"entries": [{"kind": "segment", "segment_id": 2}]}, "error", "entry_never_fires", "entries[0].segment_id"),
    ({"entries": [{"kind": "segment", "segment_id": 2, "present": True}]}, "warning", "entry_segment_silent", "entries[0].segment_id"),
    ({"entries": [{"kind": "event", "match": {"event": "Never Seen"}}]}, "warning", "event_never_seen", "entries[0].match.event"),
    ({"entries": [{"kind": "event", "match": {"event": "Paid", "filters": [{"property": "n", "op": "between"}]}}]}, "error", "match_invalid", "entries[0].match.filters[0].values"),
    ({"entries": [{"kind": "schedule", "segment_id": 1, "start": "2026-05-01T10:00:00", "zone": "UTC"}]}, "error", "entry_never_fires", "entries[0].start"),
    ({"entries": [{"kind": "schedule", "segment_id": 1, "start": "2026-07-01T10:00:00", "zone": "Mars/Base"}]}, "error", "schedule_invalid", "entries[0].zone"),
    ({"entries": [{"kind": "schedule", "segment_id": 1, "start": "2026-07-01T10:00:00", "zone": "UTC", "rule": "FREQ=SOMETIMES"}]}, "error", "schedule_invalid", "entries[0].rule"),
    ({"entries": [{"kind": "schedule", "segment_id": 9, "start": "2026-07-01T10:00:00", "zone": "UTC"}]}, "error", "entry_segment_unknown", "entries[0].segment_id"),
    ({"entries": [{"kind": "schedule", "segment_id": 1, "start": "2027-03-28T02:30:00", "zone": "Europe/Berlin"}]}, "warning", "wall_skipped", "entries[0].start"),
    ({"entries": [{"kind": "schedule", "segment_id": 1, "start": "2026-10-25T02:30:00", "zone": "Europe/Berlin"}]}, "warning", "wall_twice", "entries[0].start"),
    ({"steps": [step("a", "wait_until", {"date": "2027-03-28T02:30:00"})]}, "warning", "wall_skipped_somewhere", "steps[0].settings.date"),
    ({"steps": [step("a", "wait_until", {"date": "2026-10-25T02:30:00"})]}, "warning", "wall_twice_somewhere", "steps[0].settings.date"),
    ({"again": {"rule": "period"}}, "error", "again_without_period", "again.period_seconds"),
    ({"again": {"rule": "key"}}, "error", "again_without_key", "again.key"),
    ({"again": {"rule": "key", "key": ["order"]}, "entries": [{"kind": "import"}]}, "warning", "again_key_of_nothing", "entries[0]"),
    ({"exits": [{"reason": "x"}]}, "error", "rule_empty", "exits[0]"),
    ({"exits": [{"reason": "goal", "condition": TREE}]}, "error", "reason_reserved", "exits[0].reason"),
    ({"exits": [{"reason": "x", "condition": TREE | {"trait": "colour"}}]}, "error", "expression_invalid", "exits[0].condition"),
    ({"goal": {}}, "error", "goal_empty", "goal"),
    ({"goal": {"condition": TREE, "value": "total"}}, "warning", "goal_value_of_nothing", "goal.value"),
    ({"displaces": True}, "warning", "displaces_nothing", "displaces"),
]  # fmt: skip


@pytest.mark.parametrize(("drawn", "level", "code", "place"), WRONG, ids=[f"{code}-{n}" for n, (_, _, code, _) in enumerate(WRONG)])
def test_what_is_wrong_is_found_at_its_place(drawn: dict[str, Any], level: str, code: str, place: str) -> None:
    assert (level, code, place) in [(one.level, one.code, one.place) for one in found(**drawn)], found(**drawn)


def test_what_is_right_is_left_alone() -> None:
    assert found() == []
    steps = [step("a", next="b"), condition("b", yes="a", no="c"), step("c", "end")]
    assert codes(steps=steps) == []  # a circle with a wait, and a way out
    assert codes(steps=[step("a", "wait_until", {"date": "2027-03-28T02:30:00+01:00"})]) == []  # an instant, whatever clocks show
    assert codes(steps=[step("a", next="b"), step("b", next="a")], goal={"event": {"event": "Paid"}}) == []
    entries = [{"kind": "schedule", "segment_id": 1, "start": "2026-01-01T10:00:00", "zone": "Asia/Tokyo", "rule": "FREQ=WEEKLY;BYDAY=MO"}]
    assert codes(entries=entries) == []


def test_errors_come_first_and_each_names_its_step() -> None:
    drawn = found(steps=[condition("a", yes="c"), step("b", "pigeon"), step("c", next="z")])
    assert [one.level for one in drawn] == sorted((one.level for one in drawn), key=lambda level: level != "error")
    assert {(one.code, one.step) for one in drawn} == {("kind_unknown", "b"), ("next_unknown", "c"), ("exits_end", "a"), ("unreachable", "b")}


keys = st.sampled_from("abcdefgh")
graphs = st.dictionaries(keys, st.lists(keys, max_size=3), min_size=1).map(lambda g: {k: [to for to in v if to in g] for k, v in g.items()})


@given(graphs, st.sets(keys))
def test_circles_are_those_there_are(graph: dict[str, list[str]], rests: set[str]) -> None:
    """Against the definition: a circle goes along arrows past no rest, and one is found whenever some step leads to itself so."""
    made = circles(graph, rests)
    for circle in made:
        assert not rests & set(circle)
        assert all(to in graph[one] for one, to in zip(circle, [*circle[1:], circle[0]], strict=True))
    free = {one: [to for to in onward if to not in rests] for one, onward in graph.items() if one not in rests}
    looping = {one for one in free if any(one in reached(free, to) for to in free[one])}
    assert bool(made) == bool(looping)


@given(graphs, keys)
def test_reaching_is_leading_backwards(graph: dict[str, list[str]], one: str) -> None:
    if one in graph:
        assert {other for other in graph if one in reached(graph, other)} == leading_to(graph, {one}) & graph.keys()


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["seconds", "condition", "match", "event", "arms", "parts", "key", "date", "x"]), inner, max_size=4),
    max_leaves=8,
), st.sampled_from(sorted(kind.name for kind in installed())))  # fmt: skip
def test_no_settings_break_the_checks(settings: Any, kind: str) -> None:
    """Whatever somebody writes into settings, there is an answer."""
    for one in found(steps=[{"key": "a", "kind": kind, "settings": settings if isinstance(settings, dict) else {}, "next": {}}]):
        assert findings.sentence(one) and one.place


@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_are_right_once_their_places_are_filled(language: Language) -> None:
    offered = examples(language)
    assert len(offered) == 7
    for one in offered:
        drawn = checking.check(one.definition, installed(), There(one.definition))
        assert [(f.code, f.place) for f in drawn] == [], (one.name, drawn)
        assert len(one.definition.steps) >= 4 and one.title and one.description


def test_every_code_has_a_sentence_in_every_language() -> None:
    said = {language: json.loads((ROOT / "console" / "src" / "words" / language / "journey_finding.json").read_text()) for language in LANGUAGES}
    for language in LANGUAGES:
        assert said[language].keys() == findings.SENTENCES.keys(), language
    for code, sentence in findings.SENTENCES.items():
        plain = sentence.replace("{", "{{").replace("}", "}}")
        assert said["en"][code] == plain
        names = set(_names(sentence))
        for language in LANGUAGES:
            assert set(_names(said[language][code].replace("{{", "{").replace("}}", "}"))) == names, (language, code)


def test_a_finding_of_a_plug_in_is_said_by_its_rule() -> None:
    own = Finding(level="error", code="dice_certain", place="steps[0].settings", params={"rule": "Nobody can be unlucky: {ask} more."})
    assert findings.sentence(own) == "Nobody can be unlucky: {ask} more."
    assert findings.sentence(msgspec.structs.replace(own, params={"most": 6})) == "dice certain most=6"


def _names(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name]


def test_every_code_that_is_given_has_a_sentence() -> None:
    given_codes = set()
    for path in (ROOT / "src" / "antiphon" / "execution" / "journeys").rglob("*.py"):
        given_codes |= set(re.findall(r"""\b(?:error|warning)\(\s*"([a-z_]+)",""", path.read_text()))
    assert given_codes <= findings.SENTENCES.keys() and len(given_codes) > 30
