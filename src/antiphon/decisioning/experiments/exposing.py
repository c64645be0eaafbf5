"""What other rooms do with experiments: find one that runs, ask who is in which arm, and say whom an arm was shown to."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from antiphon.decisioning.experiments import records
from antiphon.decisioning.experiments.assigning import Arms, Assignment, Ids
from antiphon.foundation.postgres import Connection


async def find_assignment(conn: Connection, key: str) -> Assignment | None:
    """Who is where in the experiment of a key, in whatever state (`.state`) but a draft; None when there is none that began."""
    found = await records.find_key(conn, key)
    if found is None or found.state == "draft":
        return None
    return await records.read_assignment(conn, found)


async def find_running(conn: Connection, key: str) -> Assignment | None:
    """Who is where in the running experiment of a key, or in one that is over and has a winner, whose arm is everybody's then.

    None when there is neither: it is a draft, stopped, or over without a winner.
    """
    found = await find_assignment(conn, key)
    return found if found is not None and (found.state == "running" or found.winner is not None) else None


async def kept_arms(conn: Connection, stopped: Assignment, profile_ids: Ids) -> Arms:
    """The arms these people were shown before, OUTSIDE (-1) for everybody else: of an experiment that is stopped, whose people
    keep their arms while nobody new comes in."""
    return await records.exposed_arms(conn, stopped.experiment_id, profile_ids)


async def expose(conn: Connection, secret: bytes, running: Assignment, profile_ids: Ids, at: datetime) -> Arms:
    """The arms these people are shown now, from 0, OUTSIDE (-1) for those who do not take part; written down, as a set.

    In the caller's transaction, at most 50,000 people at a time, each once. Idempotent: whoever was exposed before keeps the
    arm and the instant of the first time, also when the experiment was found running by a caller that is late.
    """
    ids = np.asarray(profile_ids, dtype=np.int64)
    arms = running.assign(secret, ids)
    if running.state == "running" and running.winner is None:
        inside = arms >= 0
        if inside.any():
            await records.write_exposures(conn, running.experiment_id, ids[inside], arms[inside], at)
    return arms
