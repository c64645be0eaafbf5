"""Whom staged rows name: every identity gets its normal form, in SQL where it is plain to see, else here, one by one."""

from __future__ import annotations

import numpy as np

from antiphon.awareness.profiles import normal_identity
from antiphon.foundation.lake import LakeSession, LakeTransaction


async def normalise(
    lake: LakeTransaction | LakeSession, *, table: str, number: str, identities: str, region: str | None, required: bool
) -> None:
    """Fill `table`_ids with the (number, kind, raw, value) of `identities`; rows that name nobody get a reason.

    With `required` so do rows without any identity.
    """
    await lake.run(f"create or replace temp table {table}_ids as {identities}")
    odd = await lake.columns(f"select distinct kind, raw from {table}_ids where value is null")
    if len(odd["raw"]):
        values = [normal_identity(k, r, region=region) for k, r in zip(odd["kind"], odd["raw"], strict=True)]
        given = {
            "kind": odd["kind"], "raw": odd["raw"],
            "value": np.array([v.value if v else "" for v in values], dtype=object),
        }  # fmt: skip
        await lake.run(
            f"update {table}_ids i set value = nullif(o.value, '') from normal o "
            "where i.value is null and i.kind = o.kind and i.raw = o.raw",
            tables={"normal": given},
        )
        await lake.run(
            f"update {table} c set reason = coalesce(c.reason, b.reason) from (select {number}, "
            f"min(kind || ' names nobody: ' || left(raw, 60)) as reason from {table}_ids where value is null group by 1) b "
            f"where c.{number} = b.{number}"
        )
    if required:
        await lake.run(
            f"update {table} set reason = 'no identity' where reason is null "
            f"and {number} not in (select {number} from {table}_ids)"
        )
