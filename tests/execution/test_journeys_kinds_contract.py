"""Every kind of step keeps the contract, by the suite that anybody's packages run; and finds what is wrong with its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from antiphon.execution.journeys.contract import StepKind
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.suite import Stage, StepContract

TREE = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}
TEXT = {"subject": "Hello", "text": "Hello {{ dialogue.last_heard.text }}"}
PAID = {"event": "Paid", "filters": [{"property": "total", "op": "ge", "value": 10}]}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BAD_FILTER = {"event": "Paid", "filters": [{"property": "total", "op": "is"}]}

GOOD: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "wait": [{"seconds": 3600}],
    "wait_until": [{"date": "2027-01-01T00:00:00Z"}, {"date": "2026-07-01T09:00:00"}, {"date": "2026-06-01T00:00:00Z"},
                   {"trait": "born", "yearly": True, "time": "09:00"}, {"trait": "renews", "offset_days": -3, "offset_seconds": 60}],
    "wait_time": [{"since": "09:00", "until": "18:00"}, {"since": "22:00", "until": "06:00", "days": [6, 7]}, {"since": "02:30"}],
    "wait_event": [{"match": PAID, "timeout_seconds": 60}, {"match": {"event": "Seen"}, "any_of": [PAID]}],
    "wait_answer": [{"step": "earlier", "what": what, "timeout_seconds": 60} for what in ("delivered", "opened", "clicked", "replied")]
                   + [{"step": "earlier", "channels": ["sms"]}],
    "condition": [{"condition": TREE}],
    "first_match": [{"arms": [{"key": "gold", "condition": TREE}, {"key": "any", "condition": {"kind": "and", "of": []}}]}],
    "in_segment": [{"segment_id": 1}, {"segment_id": 1, "now": True}],
    "engagement": [{"step": "earlier"}, {"step": "earlier", "what": "failed"}],
    "channel": [{"channels": ["email", "sms"], "topic": "news", "how": how} for how in ("preferred", "last_heard", "cheapest", "first")],
    "split": [{"parts": [{"key": "a", "share": 1}, {"key": "b", "share": 0}, {"key": "c", "share": 2.5}]}],
    "experiment": [{"experiment": "words", "arms": ["a", "b"]}],
    "holdout": [{"percent": 20}, {"percent": 20, "name": "spring"}],
    "dialogue": [{"words": ["yes"], "channel": "sms", "within_seconds": 60}, {"open": False}],
    "message": [{"channel": "email", "topic": "news", "content": TEXT, "hops": [{"channel": "sms"}]},
                {"purpose": "receipt", "message_class": "service", "template_version_id": 3, "dialogue": True, "expires_seconds": 60,
                 "variables": {"total": {"path": "entry.total"}, "now": {"now": True}, "word": {"value": "x"}}}],
    "set_trait": [{"traits": {"plan": {"value": "gold"}, "seen": {"now": True}, "total": {"path": "entry.total"}, "gone": {}}}],
    "tag": [{"add": ["a"], "remove": ["b"]}, {"trait": "labels", "add": ["a"]}],
    "subscribe": [{"channel": "email", "topic": "news"}, {"channel": "email", "topic": "news", "state": "withdrawn"}],
    "raise_event": [{"event": "Thanked", "properties": {"total": {"path": "entry.total"}}}],
    "webhook": [{"url": "https://example.com/score", "secret": SECRET, "traits": ["plan"], "data": {"a": {"value": 1}}}],
    "start_journey": [{"journey_id": 2}],
    "stop_journey": [{"journey_id": 2}],
    "jump": [{"journey_id": 2}],
    "loop": [{"times": 1}, {"times": 3}],
    "gate": [{"most": 2, "seconds": 60}],
    "end": [{}, {"reason": "bored"}],
}  # fmt: skip

WRONG: Mapping[str, Sequence[tuple[Mapping[str, Any], str]]] = {
    "wait": [({"seconds": 0}, "wait_of_no_time")],
    "wait_until": [({}, "wait_until_nothing"), ({"date": "2027-01-01T00:00:00Z", "trait": "born"}, "wait_until_nothing"),
                   ({"date": "1970-01-01T00:00:00Z"}, "wait_until_long_past"), ({"date": "2027-01-01T00:00:00Z", "offset_days": 1}, "wait_offset_without_trait")],
    "wait_time": [({"since": "09:00", "until": "09:00"}, "window_of_no_time"), ({"since": "09:00", "days": []}, "no_days")],
    "wait_event": [({"match": BAD_FILTER}, "property_invalid"), ({"match": PAID, "any_of": [BAD_FILTER]}, "property_invalid"),
                   ({"match": PAID}, "waits_for_ever"), ({"match": PAID, "timeout_seconds": 0}, "wait_of_no_time")],
    "wait_answer": [({"step": "gone"}, "step_unknown"), ({"step": "it"}, "step_says_nothing"),
                    ({"step": "it", "channels": ["nowhere"]}, "channel_unknown"), ({"step": "it"}, "waits_for_ever")],
    "first_match": [({"arms": [{"key": "else", "condition": TREE}]}, "exit_reserved"),
                    ({"arms": [{"key": "a", "condition": TREE}] * 2}, "exit_twice")],
    "in_segment": [({"segment_id": -1}, "segment_unknown")],
    "engagement": [({"step": "gone"}, "step_unknown")],
    "channel": [({"channels": ["nowhere"], "topic": "news"}, "channel_unknown"), ({"channels": ["email"]}, "topic_missing"),
                ({"channels": ["email"], "topic": "nowhere"}, "topic_unknown"), ({"channels": ["none"], "topic": "news"}, "exit_reserved")],
    "split": [({"parts": [{"key": "a", "share": 0}]}, "shares_of_nothing"), ({"parts": [{"key": "a", "share": 1}] * 2}, "exit_twice")],
    "experiment": [({"experiment": "nowhere", "arms": ["a"]}, "experiment_unknown"), ({"experiment": "x", "arms": ["none"]}, "exit_reserved")],
    "dialogue": [({"channel": "nowhere"}, "channel_unknown")],
    "message": [({"channel": "email", "topic": "news"}, "nothing_to_say"), ({"content": TEXT, "topic": "news"}, "no_channel"),
                ({"content": TEXT, "channel": "email"}, "topic_missing"), ({"content": TEXT, "channel": "nowhere", "topic": "news"}, "channel_unknown"),
                ({"content": TEXT, "channel": "email", "topic": "nowhere"}, "topic_unknown"),
                ({"template_version_id": -1, "channel": "email", "topic": "news"}, "template_unknown"),
                ({"content": TEXT, "channel": "email", "topic": "news", "hops": [{"channel": "nowhere"}]}, "channel_unknown"),
                ({"content": TEXT, "channel": "email", "topic": "news", "variables": {"a": {"path": "x", "value": 1}}}, "value_and_path")],
    "set_trait": [({"traits": {"a": {"path": ""}, "b": {"path": "..", "now": False}}}, "path_invalid")],
    "tag": [({}, "nothing_to_do")],
    "subscribe": [({"channel": "nowhere", "topic": "news"}, "channel_unknown"), ({"channel": "email", "topic": "nowhere"}, "topic_unknown")],
    "webhook": [({"url": "ftp://example.com"}, "address_invalid"), ({"url": "https://example.com", "secret": "x"}, "secret_invalid")],
    "start_journey": [({"journey_id": -1}, "journey_unknown")],
    "stop_journey": [({"journey_id": -1}, "journey_unknown")],
    "jump": [({"journey_id": -1}, "journey_unknown")],
}  # fmt: skip


class _Built(StepContract):
    """A built-in kind, by its name."""

    word = ""
    memory = {"entry": {"total": 12}}  # noqa: RUF012

    def kind(self) -> StepKind:
        return installed()(self.word)

    def settings(self) -> Sequence[Mapping[str, Any]]:
        return GOOD[self.word]

    def heard(self, name: str) -> Mapping[str, Any]:
        return {"total": 99}

    def stage(self) -> Stage:
        stage = Stage()
        for one in range(1, 60):
            stage.known[one] = {"born": f"1990-0{one % 9 + 1}-15", "renews": f"2026-07-{one % 28 + 1:02}", "plan": "gold"}
        stage.known[3] = {"born": "who knows"}
        stage.holding = stage.members = {2, 4, 7}
        stage.unreached = {"email": {1, 2}, "sms": {2, 3}}
        stage.wishes, stage.costs = {4: "sms", 5: "fax"}, {"email": 9}
        stage.refused, stage.experiments = {2: "no_consent"}, {1: "a", 2: "b", 3: "elsewhere"}
        stage.became = {"sent": {1, 2, 3}, "opened": {1, 2}, "replied": {2}, "failed": {4}}
        stage.dialogues = {1: {"last_heard": {"channel": "sms", "at": "2026-06-05T00:00:00+00:00", "text": "Yes!"}, "open_conversation": True}}
        return stage


def _class_of(word: str) -> type[_Built]:
    members = {"word": word, "wrong": WRONG.get(word, ()), "crowd": word == "gate", "__doc__": f"The kind {word}."}
    return type(f"Test_{word}", (_Built,), members)


for _word in GOOD:
    globals()[f"Test_{_word}"] = _class_of(_word)


def test_every_kind_there_is_is_tried_here() -> None:
    own = {kind.name for kind in installed() if type(kind).__module__.startswith("antiphon.")}
    assert own == set(GOOD)


def test_a_kind_of_no_name_is_refused() -> None:
    with pytest.raises(Exception, match="no kind of step named nobody"):
        installed()("nobody")
