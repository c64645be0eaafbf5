"""The language of trees and its rules, public as a whole: for who works trees out elsewhere than in the lake."""

from antiphon.awareness.segments.check import Checker, Happened, Person
from antiphon.awareness.segments.compile import of_traits
from antiphon.awareness.segments.engagement import as_event
from antiphon.awareness.segments.evaluate import BUILT_IN, evaluate
from antiphon.awareness.segments.kinds import ConsentIs, Engagement, EventTime, Lookalike, Reachable
from antiphon.awareness.segments.leaves import moves_with_time, reads_properties, reads_since, sources
from antiphon.awareness.segments.lookalikes import Lookalikes
from antiphon.awareness.segments.model import (
    And,
    Condition,
    EventCondition,
    InSegment,
    Node,
    Not,
    Or,
    Profiles,
    conditions,
)
from antiphon.awareness.segments.windows import Ago, Dates, Fixed, Last, SinceEvent, calendar_bounds, duration

__all__ = [
    "BUILT_IN", "Ago", "And", "Checker", "Condition", "ConsentIs", "Dates", "Engagement", "EventCondition", "EventTime", "Fixed",
    "Happened", "InSegment", "Last", "Lookalike", "Lookalikes", "Node", "Not", "Or", "Person", "Profiles", "Reachable",
    "SinceEvent", "as_event", "calendar_bounds", "conditions", "duration", "evaluate", "moves_with_time", "of_traits",
    "reads_properties", "reads_since", "sources",
]  # fmt: skip
