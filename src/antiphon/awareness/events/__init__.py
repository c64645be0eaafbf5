"""Events: what customers do, from acceptance to history.

Owns the tables journal, intake_cursor, event, message_seen, reject, source, event_name, event_reader, event_correction and
event_corrected, and the lake's event tables.
Public: `Journal` (this process's lane; `submit`, `transaction`), `INTERNAL` (the source of Antiphon's own events), `calls`
(the Segment spec's rules), `EventMatch` and `PropertyFilter` (which events are meant), `LaneReader` (reading events on, behind
a cursor of one's own), `event_relation` (all events, cold and hot, as a lake relation), `move_events`, `rename_events` (events
that proved to be something else) and `corrected_since` (whose, for those who keep what follows from events); and, whole,
`filters`, `properties` and `values`: the language of conditions on properties, in Python and in the lake's SQL.
"""

from antiphon.awareness.events.corrections import (
    Corrected,
    Renaming,
    being_corrected,
    corrected_reach,
    corrected_since,
    rename_events,
)
from antiphon.awareness.events.filters import PropertyFilter
from antiphon.awareness.events.journal import INTERNAL, LANES, Entry, Journal, JournalTransaction
from antiphon.awareness.events.lake import event_relation, hot_relation, move_events, read_watermark
from antiphon.awareness.events.matching import EventKind, EventMatch
from antiphon.awareness.events.reader import LaneReader, ReadEvent
from antiphon.awareness.events.upkeep import claim_task, compact

__all__ = [
    "INTERNAL", "LANES", "Corrected", "Entry", "EventKind", "EventMatch", "Journal", "JournalTransaction", "LaneReader",
    "PropertyFilter", "ReadEvent", "Renaming", "being_corrected", "claim_task", "compact", "corrected_reach", "corrected_since",
    "event_relation", "hot_relation", "move_events", "read_watermark", "rename_events",
]  # fmt: skip
