"""What the kinds of step find wrong with settings: every code in one place, with its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.execution.journeys.model import Finding

SENTENCES: Mapping[str, str] = {
    "wait_of_no_time": "The wait is of no length.",
    "wait_until_nothing": "Say a date, or a trait that holds one; not both.",
    "wait_until_long_past": "The date {date} is long past: everybody would go on at once.",
    "wait_offset_without_trait": "Days before or after are counted from a trait's date.",
    "window_of_no_time": "The time of day begins and ends at once.",
    "no_days": "No day of the week is named.",
    "waits_for_ever": "Without a time-out, people to whom this never happens wait for ever.",
    "step_unknown": "There is no step {step} in this journey.",
    "step_says_nothing": "The step {step} sends no message.",
    "channel_unknown": "There is no channel named {channel}.",
    "channel_twice": "The channel {channel} is named twice.",
    "topic_unknown": "There is no topic named {topic}.",
    "topic_missing": "Marketing needs a topic that customers consented to.",
    "template_unknown": "There is no published template version {version}.",
    "nothing_to_say": "Give a template or a text, one of them.",
    "no_channel": "Name a channel, or a purpose or class that has one by default.",
    "refused_ends": "Whoever the message is refused for leaves the journey here: lead them on, if they should stay.",
    "segment_unknown": "There is no segment {segment}.",
    "journey_unknown": "There is no journey {journey}.",
    "experiment_unknown": "There is no running experiment {experiment}.",
    "exit_twice": "The way {exit} is named twice.",
    "exit_reserved": "A way cannot be called {exit}: the step has one of this name.",
    "shares_of_nothing": "At least one share must be greater than 0.",
    "loop_leads_nowhere": "The loop leads nowhere back: connect its way again.",
    "address_invalid": "{url} is no address of the web.",
    "secret_invalid": "A signing secret is whsec_ and at least 24 bytes in Base64.",
    "nothing_to_do": "The step does nothing: name what it changes.",
    "path_invalid": "{path} is no place in what people carry along.",
    "property_invalid": "The condition on a property cannot be used: {why}.",
    "value_and_path": "Give a value, or where to find it; not both ({name}).",
}


def error(code: str, place: str, **params: Any) -> Finding:
    """Something that keeps a journey from going live."""
    return _finding("error", code, place, params)


def warning(code: str, place: str, **params: Any) -> Finding:
    """Something its author should know."""
    return _finding("warning", code, place, params)


def _finding(level: Any, code: str, place: str, params: Mapping[str, Any]) -> Finding:
    if code not in SENTENCES:
        raise ValueError(f"no sentence says {code}")
    return Finding(level=level, code=code, place=place, params=params)
