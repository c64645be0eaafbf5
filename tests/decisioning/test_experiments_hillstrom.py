"""A real e-mail test, imported as an experiment that is over: it gives its published figures."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.awareness.test_imports_events import bring_events
from tests.conftest import data_file

from antiphon.awareness.imports import parse_map
from antiphon.awareness.traits import mirror_profiles
from antiphon.cli.experiments import read_experiment
from antiphon.decisioning.experiments import service, watching
from antiphon.decisioning.experiments.adopting import adopt
from antiphon.decisioning.experiments.design import ExperimentKeyTaken, InvalidExperiment
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

MAPS = Path(__file__).parents[2] / "docs" / "maps"
pytestmark = pytest.mark.store


@pytest.mark.timeout(900)
async def test_hillstroms_figures(ctx: Context, lake: LakeClient) -> None:
    path = data_file("hillstrom.csv.gz")
    said = read_experiment((MAPS / "experiments" / "hillstrom.toml").read_text())
    for name in said.imports:
        await bring_events(ctx, path, parse_map((MAPS / name).read_text()))
    await mirror_profiles(ctx)
    one = await adopt(ctx, SYSTEM, said)
    assert (one.kind, one.state, one.started_at, one.finished_at) == ("adopted", "finished", said.started_at, said.finished_at)
    found = await watching.results(ctx, one)

    assert {arm.arm: arm.people for arm in found.arms} == {"none": 21_306, "mens": 21_307, "womens": 21_387}
    visit, order, spend, _ = found.metrics
    assert {arm.arm: round(100 * (arm.value or 0), 2) for arm in visit.arms} == {"none": 10.62, "mens": 18.28, "womens": 15.14}
    assert {arm.arm: round(arm.total) for arm in order.arms} == {"none": 122, "mens": 267, "womens": 189}
    assert {arm.arm: round(arm.value or 0, 4) for arm in spend.arms} == {"none": 0.6528, "mens": 1.4226, "womens": 1.0772}

    plain: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            plain[row["segment"]].append((float(row["visit"]), float(row["conversion"]), float(row["spend"])))
            groups[row["newbie"], row["segment"]].append(float(row["visit"]))
    base = np.array(plain["No E-Mail"])
    for number, name in enumerate(("Mens E-Mail", "Womens E-Mail")):
        arm = np.array(plain[name])
        theirs = stats.ttest_ind(arm[:, 2], base[:, 2], equal_var=False)
        low, high = theirs.confidence_interval(0.95)
        mine = spend.others[number]
        assert (mine.difference, mine.low, mine.high, mine.p) == pytest.approx((arm[:, 2].mean() - base[:, 2].mean(), low, high, theirs.pvalue), rel=1e-4, abs=1e-9)
        shares = visit.others[number]
        assert shares.difference == pytest.approx(arm[:, 0].mean() - base[:, 0].mean(), abs=1e-9)
        table = [[arm[:, 0].sum(), len(arm) - arm[:, 0].sum()], [base[:, 0].sum(), len(base) - base[:, 0].sum()]]
        assert shares.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-3, abs=1e-30)
        assert shares.verdict == "better" and shares.low is not None and shares.low > 0

    apart = await watching.by_trait(ctx, SYSTEM, one, "newbie")
    for part in apart.parts:
        key = "1" if part.value == "true" else "0"
        for shown, name in zip(part.metrics[0].arms, ("No E-Mail", "Mens E-Mail", "Womens E-Mail"), strict=True):
            assert (shown.people, shown.value) == (len(groups[key, name]), pytest.approx(np.mean(groups[key, name])))
    assert sum(part.people for part in apart.parts) == 64_000

    with pytest.raises(ExperimentKeyTaken):
        await adopt(ctx, SYSTEM, said)
    with pytest.raises(InvalidExperiment) as refused:
        import msgspec

        await adopt(ctx, SYSTEM, msgspec.structs.replace(said, key="other", trait="nothing"))
    assert refused.value.field == "trait"
    async with ctx.db.connection() as conn:
        assert (await service.find(conn, one.id)).state == "finished"
