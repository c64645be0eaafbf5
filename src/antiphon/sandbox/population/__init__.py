"""The customers of a simulated telecom operator: who they are, what they did, and how they take to being written to.

`model` and `tastes` are pure functions of a seed; `life` acts them out, only through public HTTP endpoints and mail:
`python -m antiphon.sandbox.population`. Owns the file `people.json` in its folder: how far it has read its mail.
"""

from antiphon.sandbox.population.model import Customer, Deed, customer, daily_deeds, history
from antiphon.sandbox.population.tastes import Reaction, Tastes, reactions, tastes_of

__all__ = ["Customer", "Deed", "Reaction", "Tastes", "customer", "daily_deeds", "history", "reactions", "tastes_of"]
