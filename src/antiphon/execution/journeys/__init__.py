"""Journeys: single contacts linked into one long conversation that waits, listens, changes channel and remembers.

Owns ``journey`` (with its draft), ``journey_version`` (published, frozen), ``journey_run`` (people inside: one row for each
passage), ``journey_past`` (passages that ended), ``journey_history`` (each move with the facts behind it), ``journey_count``,
``journey_heard`` and ``journey_ask``. A version is a graph of steps (`model`); each kind of step is a plug-in (`contract`,
entry-point group ``antiphon.steps``); `engine.advance` moves a whole set of people through the steps until all rest, in a
`World`: the live one writes PostgreSQL in one transaction, a rehearsal's is memory. One engine for both.
"""
