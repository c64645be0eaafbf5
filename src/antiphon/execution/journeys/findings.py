"""Everything that can be found wrong with a journey: codes and sentences, of definitions here and of kinds of step in
``kinds.findings``. The console says them in its reader's language (`journey_finding`), by the same codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from antiphon.execution.journeys.kinds.findings import SENTENCES as OF_KINDS
from antiphon.execution.journeys.model import Finding
from antiphon.foundation.words import Language, rule_in

OF_DEFINITIONS: Mapping[str, str] = {
    "no_steps": "The journey has no steps yet.",
    "start_missing": "Say at which step the journey begins.",
    "start_unknown": "The journey begins at {to}, which is no step of it.",
    "step_twice": "Two steps are called {key}.",
    "kind_unknown": "There is no kind of step named {kind} here: a plug-in may be missing.",
    "settings_invalid": "{rule}",
    "next_unknown": "{exit} leads to {to}, which is no step of the journey.",
    "exit_unknown": "The step has no way on named {exit}; it has {exits}.",
    "exits_end": "Nothing is connected to {exits}: whoever goes there leaves the journey.",
    "unreachable": "No way leads to this step.",
    "cycle_without_rest": "{steps}: round and round without a wait. Put a wait in the circle.",
    "no_way_out": "From here nobody ever comes to an end: {steps}.",
    "jumps_to_itself": "The journey begins itself again at once, without a wait on the way.",
    "jumps_to_itself_later": "The journey leads back to its own beginning: whoever may enter again goes round for ever.",
    "journeys_circle": "Journeys begin each other without a wait, for ever: {journeys}. Put a wait into one of them.",
    "journeys_may_circle": "Journeys may begin each other without a wait: {journeys}. After {most} of them it ends.",
    "expression_invalid": "The condition cannot be judged: {why}.",
    "match_invalid": "The condition on a property cannot be used: {why}.",
    "no_entry": "Nothing lets people in: add an entry.",
    "entry_never_fires": "This entry never lets anybody in: {why}.",
    "entry_segment_unknown": "There is no segment {segment}, or it was put away.",
    "entry_segment_silent": "The segment tells nobody who enters and leaves it; only those present at launch come in.",
    "event_never_seen": "No event named {event} was ever received.",
    "schedule_invalid": "The schedule cannot be followed: {why}.",
    "wall_skipped": "Clocks in {zone} skip {at}: people come in when clocks show an hour later.",
    "wall_twice": "Clocks in {zone} show {at} twice: people come in the first time.",
    "wall_skipped_somewhere": "In {count} time zones ({zone}) clocks skip {at}: people there go on when they jump over it.",
    "wall_twice_somewhere": "In {count} time zones ({zone}) clocks show {at} twice: people there go on the first time.",
    "again_without_period": "Say how long must pass before somebody may enter again.",
    "again_without_key": "Say which properties tell one entry from another.",
    "again_key_of_nothing": "Who comes in by a segment, a schedule or an import brings no such properties, and is not let in.",
    "rule_empty": "Say which event or which condition ends it.",
    "reason_twice": "Two rules give the reason {reason}.",
    "reason_reserved": "{reason} is a reason the journey itself gives; call it otherwise.",
    "goal_empty": "Say which event or which condition is the goal.",
    "goal_value_of_nothing": "A condition has no value; only an event's property does.",
    "displaces_nothing": "It ends no other journeys unless it names the set of which one is taken at a time.",
}
SENTENCES: Mapping[str, str] = {**OF_KINDS, **OF_DEFINITIONS}


def error(code: str, place: str, step: str = "", **params: Any) -> Finding:
    """Something that keeps a journey from going live."""
    return Finding(level="error", code=code, place=place, step=step, params=params)


def warning(code: str, place: str, step: str = "", **params: Any) -> Finding:
    """Something its author should know."""
    return Finding(level="warning", code=code, place=place, step=step, params=params)


def spoken(found: Sequence[Finding], language: Language) -> list[Finding]:
    """The same with rules that are quoted (`why`, `rule`) in a reader's language; the sentence is the console's."""
    if language == "en":
        return list(found)
    said: list[Finding] = []
    for one in found:
        quoted = {name: one.params[name] for name in ("why", "rule") if isinstance(one.params.get(name), str)}
        told = {name: rule_in(language, text) or text for name, text in quoted.items()}
        said.append(msgspec.structs.replace(one, params={**one.params, **told}) if told != quoted else one)
    return said


def sentence(found: Finding) -> str:
    """What a finding says, in English. A plug-in's own code is said by its ``rule``; without one it says itself."""
    text = SENTENCES.get(found.code)
    if text is None and isinstance(rule := found.params.get("rule"), str):
        return rule
    if text is None:
        return found.code.replace("_", " ") + "".join(f" {name}={value}" for name, value in found.params.items())
    try:
        return text.format(**found.params)
    except (KeyError, IndexError):
        return text
