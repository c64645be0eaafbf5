"""The only code that runs the SQL of experiments, layers and exposures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.decisioning.experiments.assigning import Arms, Assignment, Ids, assignment_of
from antiphon.decisioning.experiments.course import ExperimentCourse
from antiphon.decisioning.experiments.design import Design, Experiment, Layer, LayerShare, LayerUnknown, State
from antiphon.decisioning.experiments.results import ExperimentResults
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row
from antiphon.foundation.postgres.binary import bigints, ints

SQL = load_queries(Path(__file__).with_name("experiments.sql"))


def packed(design: Design) -> Jsonb:
    """A design as the database keeps it."""
    return Jsonb(msgspec.to_builtins(design))


async def list_experiments(
    conn: Connection, *, before: int | None, state: State | None, text: str | None, limit: int
) -> list[Experiment]:
    params = {"before": before, "state": state, "text": text, "limit": limit}
    async with conn.cursor(row_factory=struct_row(Experiment)) as cur:
        return await (await cur.execute(SQL.list_experiments, params)).fetchall()


async def find_experiment(conn: Connection, experiment_id: int) -> Experiment | None:
    async with conn.cursor(row_factory=struct_row(Experiment)) as cur:
        return await (await cur.execute(SQL.find_experiment, {"id": experiment_id})).fetchone()


async def hold_experiment(conn: Connection, experiment_id: int) -> Experiment | None:
    """The experiment, held until the transaction ends."""
    await conn.execute(SQL.hold_experiment, {"id": experiment_id})
    return await find_experiment(conn, experiment_id)


async def find_key(conn: Connection, key: str) -> Experiment | None:
    async with conn.cursor(row_factory=struct_row(Experiment)) as cur:
        return await (await cur.execute(SQL.find_key, {"key": key})).fetchone()


async def insert_experiment(conn: Connection, values: Mapping[str, Any]) -> int | None:
    row = await (await conn.execute(SQL.insert_experiment, values)).fetchone()
    return None if row is None else int(row[0])


async def run(conn: Connection, name: str, values: Mapping[str, Any]) -> int:
    """Run a statement by its name; how many rows it wrote."""
    return (await conn.execute(SQL[name], values)).rowcount


async def read_assignment(conn: Connection, experiment: Experiment) -> Assignment:
    """Who is where in an experiment."""
    salt, dealt = "", [BitMap() for _ in experiment.design.arms]
    if experiment.layer is not None:
        salt = await _layer_salt(conn, experiment.layer)
    if experiment.dealt:
        for _, arm, people in await (await conn.execute(SQL.read_deal, {"id": experiment.id})).fetchall():
            dealt[arm] |= BitMap.deserialize(people)
    return assignment_of(experiment, salt, dealt if experiment.dealt else ())


async def read_strata(conn: Connection, experiment_id: int) -> list[BitMap]:
    """Who was dealt an arm, stratum by stratum."""
    found: dict[str, BitMap] = {}
    for stratum, _, people in await (await conn.execute(SQL.read_deal, {"id": experiment_id})).fetchall():
        found[stratum] = found.get(stratum, BitMap()) | BitMap.deserialize(people)
    return [found[stratum] for stratum in sorted(found)]


async def _layer_salt(conn: Connection, name: str) -> str:
    for layer, _, salt, _ in await (await conn.execute(SQL.list_layers)).fetchall():
        if layer == name:
            return str(salt)
    raise LayerUnknown(name=name)


async def hold_layer(conn: Connection, name: str) -> tuple[str, list[int]]:
    """A layer's salt and the slots that are taken, held until the transaction ends. Raises LayerUnknown."""
    row = await (await conn.execute(SQL.hold_layer, {"name": name})).fetchone()
    if row is None:
        raise LayerUnknown(name=name)
    taken = await (await conn.execute(SQL.taken_slots, {"name": name})).fetchall()
    return row[0], [slot for (slot,) in taken]


async def list_layers(conn: Connection) -> list[Layer]:
    shares: dict[str, list[LayerShare]] = {}
    for layer, id_, key, name, state, percent in await (await conn.execute(SQL.layer_experiments)).fetchall():
        shares.setdefault(layer, []).append(LayerShare(id=id_, key=key, name=name, state=state, percent=float(percent)))
    rows = await (await conn.execute(SQL.list_layers)).fetchall()
    return [Layer(name=name, title=title, free=free / 10, experiments=shares.get(name, [])) for name, title, _, free in rows]


async def layer_used(conn: Connection, name: str) -> bool:
    row = await (await conn.execute(SQL.layer_used, {"name": name})).fetchone()
    return bool(row and row[0])


async def write_exposures(conn: Connection, experiment_id: int, ids: Ids, arms: Arms, at: datetime) -> int:
    """Write who was shown what; how many of them for the first time. In order of id: two who write never wait in a ring."""
    people = np.asarray(ids, dtype=np.int64)
    order = np.argsort(people)
    params = {"id": experiment_id, "profile_ids": bigints(people[order]), "arms": ints(arms[order].astype(np.int64)), "at": at}
    return (await conn.execute(SQL.expose, params)).rowcount


async def exposed_arms(conn: Connection, experiment_id: int, ids: Ids) -> NDArray[np.int8]:
    """The arm each of these people was exposed in, -1 for those who were not."""
    wanted = np.asarray(ids, dtype=np.int64)
    rows = await (await conn.execute(SQL.exposed_arms, {"id": experiment_id, "profile_ids": wanted.tolist()})).fetchall()
    found = np.full(len(wanted), -1, dtype=np.int8)
    if rows:
        people, arms = np.array(rows, dtype=np.int64).T
        order = np.argsort(people)
        place = np.searchsorted(people, wanted, sorter=order).clip(max=len(people) - 1)
        same = people[order[place]] == wanted
        found[same] = arms[order[place]][same].astype(np.int8)
    return found


async def count_exposed(conn: Connection, experiment_id: int) -> list[tuple[int, int, datetime, datetime]]:
    """For each arm: its number, how many, first and last."""
    return await (await conn.execute(SQL.count_exposed, {"id": experiment_id})).fetchall()


async def write_deal(conn: Connection, experiment_id: int, strata: Sequence[str], parts: Sequence[Sequence[BitMap]]) -> None:
    """Keep what was dealt: for each stratum its arms' people."""
    for stratum, arms in zip(strata, parts, strict=True):
        for arm, people in enumerate(arms):
            values = {"id": experiment_id, "stratum": stratum, "arm": arm, "size": len(people), "ids": people.serialize()}
            await conn.execute(SQL.insert_deal, values)


async def deal_sizes(conn: Connection, experiment_id: int) -> list[tuple[str, int, int]]:
    """Stratum, arm and how many."""
    return await (await conn.execute(SQL.deal_sizes, {"id": experiment_id})).fetchall()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Figures as they were last worked out."""

    measured_at: datetime
    settles_at: datetime
    took_ms: int
    body: ExperimentResults


class KeptCourse(msgspec.Struct, frozen=True, kw_only=True):
    """How an experiment went, as it was last worked out."""

    measured_at: datetime
    took_ms: int
    body: ExperimentCourse


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What lists show of an experiment's figures."""

    experiment_id: int
    measured_at: datetime
    people: int
    alarms: int


async def read_result(conn: Connection, experiment_id: int) -> Kept | None:
    async with conn.cursor(row_factory=struct_row(Kept)) as cur:
        return await (await cur.execute(SQL.read_result, {"id": experiment_id})).fetchone()


async def put_result(conn: Connection, experiment_id: int, found: ExperimentResults, settles_at: datetime) -> None:
    await conn.execute(SQL.put_result, {
        "id": experiment_id, "at": found.measured_at, "settles_at": settles_at, "took_ms": found.took_ms,
        "body": Jsonb(msgspec.to_builtins(found)),
    })  # fmt: skip


async def read_course(conn: Connection, experiment_id: int) -> KeptCourse | None:
    async with conn.cursor(row_factory=struct_row(KeptCourse)) as cur:
        return await (await cur.execute(SQL.read_course, {"id": experiment_id})).fetchone()


async def put_course(conn: Connection, experiment_id: int, found: ExperimentCourse, took_ms: int) -> None:
    await conn.execute(SQL.put_course, {
        "id": experiment_id, "at": found.measured_at, "took_ms": took_ms, "body": Jsonb(msgspec.to_builtins(found)),
    })  # fmt: skip


async def summaries(conn: Connection, ids: Sequence[int]) -> dict[int, Summary]:
    async with conn.cursor(row_factory=struct_row(Summary)) as cur:
        return {one.experiment_id: one for one in await (await cur.execute(SQL.summaries, {"ids": list(ids)})).fetchall()}


async def stale_results(conn: Connection, before: datetime) -> list[int]:
    return [row[0] for row in await (await conn.execute(SQL.stale_results, {"before": before})).fetchall()]


async def adopt_exposures(
    conn: Connection, experiment_id: int, *, trait: str, values: Sequence[str], at: datetime, after: int, limit: int
) -> tuple[int | None, int]:
    """Expose the next stretch of people whose trait names their arm: the last id looked at (None: no more), and how many."""
    params = {"experiment_id": experiment_id, "trait": trait, "values": list(values), "at": at, "after": after, "limit": limit}
    row = await (await conn.execute(SQL.adopt_exposures, params)).fetchone()
    assert row is not None
    return row[0], row[1]
