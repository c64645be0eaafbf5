"""Segments: sets of customers, each a small typed tree over traits, events and other segments.

Owns the tables segment, segment_version, segment_base, segment_delta and segment_growth, and the customer events
`Segment Entered` and `Segment Left`. Public: `members` (who is in a segment, as of its last refresh, as a bitmap of
profile ids), `find_segment`, `refresh` (work out some segments now), `known` and `validate` (whether a tree can be judged),
`evaluate_tree` (who a tree means, unsaved), `holds_for` (of which of some people a tree holds at this moment), and the
tree's types.
"""

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.segments.errors import InvalidTree, SegmentNotFound, TooSlow
from antiphon.awareness.segments.evaluate import Known, known
from antiphon.awareness.segments.lookup import Memberships
from antiphon.awareness.segments.membership import ENTERED, LEFT, members
from antiphon.awareness.segments.model import (
    And,
    EventCondition,
    InSegment,
    Last,
    Node,
    Not,
    Or,
    Profiles,
    TraitCondition,
)
from antiphon.awareness.segments.rules import validate
from antiphon.awareness.segments.service import evaluate_tree, preview, refresh
from antiphon.awareness.segments.store import SegmentRow, find_segment
from antiphon.awareness.segments.together import holds_for
from antiphon.awareness.segments.users import OtherUse, SegmentUsers
from antiphon.awareness.segments.zones import zone_names

__all__ = [
    "ENTERED",
    "LEFT",
    "And",
    "EventCondition",
    "InSegment",
    "InvalidTree",
    "Known",
    "Last",
    "Memberships",
    "Node",
    "Not",
    "Or",
    "OtherUse",
    "Profiles",
    "PropertyFilter",
    "SegmentNotFound",
    "SegmentRow",
    "SegmentUsers",
    "TooSlow",
    "TraitCondition",
    "evaluate_tree",
    "find_segment",
    "holds_for",
    "known",
    "members",
    "preview",
    "refresh",
    "validate",
    "zone_names",
]  # fmt: skip
