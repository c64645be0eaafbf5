"""Rehearsals: what a journey would do, run before launch on the real population, without sending.

Owns ``journey_rehearsal`` (what was asked, and the report). The same engine, step kinds, rules of entry and gate as in life move
people through a world of memory (`world`): traits, consents and events are read once, as columns (`past`, `scene`), a person's
instants are their own, and the `driver` goes from one thing that happens to the next. `history` replays recorded events as if the
journey had started some days ago; `forward` draws behaviour by rates fitted on the past (`fitting`) or given.
"""
