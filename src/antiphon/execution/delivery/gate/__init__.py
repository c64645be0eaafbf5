"""The gate: looks at a set of intents, judges them all at once, and writes what it decided.

`look` reads what must be known in a few statements that return columns; `judge` decides by the rules, without a database;
`deciding` does both and writes, or only asks, or asks again just before speaking. Owns ``contact`` and ``contact_kind``.
"""
