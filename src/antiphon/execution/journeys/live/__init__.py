"""The live world: PostgreSQL, in the transaction of the tick that moves the people."""

from antiphon.execution.journeys.live.world import Live

__all__ = ["Live"]
