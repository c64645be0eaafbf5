"""What was said last to whom, and by whom, at any instant: of the recorded past, of other campaigns, and of the rehearsal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from antiphon.execution.journeys.contract import Ints
from antiphon.execution.journeys.rehearsal.columns import Log, Stream
from antiphon.execution.journeys.rehearsal.past import Past
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.foundation.postgres.binary import from_micros


class Dialogue:
    """The dialogue's memory of some people. ``replies``: the channel of each name of an event by which people write to us."""

    def __init__(self, scene: Scene, replies: Mapping[str, str]) -> None:
        self.scene = scene
        self.replies = replies
        self._said = Log(len(scene.ids), 2)
        self._channels: list[str] = []
        self._heard: dict[str, tuple[Past, Ints, Stream]] = {}

    def say(self, seats: Ints, due: Ints, channel: str) -> None:
        """Something of the rehearsal is said."""
        if channel not in self._channels:
            self._channels.append(channel)
        self._said.add(seats, due, self._channels.index(channel))

    def of(self, seats: Ints, at: Ints) -> Sequence[Mapping[str, Any]]:
        """Each one's dialogue so far."""
        real_at, real_channel = self.scene.gate.last_real(seats, at)
        found: list[Mapping[str, Any]] = []
        for place, (seat, now) in enumerate(zip(seats.tolist(), at.tolist(), strict=True)):
            ours = slice(0, int(self._said.count[seat]))
            said = [(when, self._channels[kind]) for when, kind in zip(
                self._said.at[seat, ours].tolist(), self._said.kind[seat, ours].tolist(), strict=True
            )]  # fmt: skip
            if real_channel[place] is not None:
                said.append((int(real_at[place]), real_channel[place] or ""))
            last_said = max((one for one in said if one[0] <= now), default=None)
            told = None if last_said is None else {"channel": last_said[1], "at": from_micros(last_said[0]).isoformat()}
            words = self._words(seat, now)
            latest = max(words.values(), key=lambda one: one[0], default=None)
            found.append({
                "last_said": told, "last_heard": None if latest is None else latest[1],
                "heard": {channel: one for channel, (_, one) in words.items()}, "last_offer": None,
                "open_conversation": latest is not None and (last_said is None or last_said[0] < latest[0]),
            })  # fmt: skip
        return found

    def _words(self, seat: int, now: int) -> dict[str, tuple[int, dict[str, Any]]]:
        """The last word on each channel: when, and what."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        log, codes = self.scene.log, self.scene.codes
        for name, channel in self.replies.items():
            if name not in codes:
                continue
            at, text = self._recorded(name, seat, now)
            mine = log.at[seat, : log.count[seat]][log.kind[seat, : log.count[seat]] == codes[name]]
            made_up = int(mine[mine <= now].max(initial=-1))
            if made_up > at:
                at, text = made_up, ""
            if at >= 0:
                found[channel] = (at, {"channel": channel, "at": from_micros(at).isoformat(), "text": text})
        return found

    def _recorded(self, name: str, seat: int, now: int) -> tuple[int, str]:
        past = self.scene.past
        if name not in self._heard or self._heard[name][0] is not past:
            which = np.flatnonzero(past.meant(name, None, ()))
            self._heard[name] = past, which, Stream(past.seat[which], past.ts[which])
        _, which, stream = self._heard[name]
        place = int(stream.place(np.array([seat]), np.array([now]))[0]) - 1
        if place < 0 or stream.seat[place] != seat:
            return -1, ""
        return int(stream.at[place]), str(past.properties_at(int(which[stream.order[place]])).get("text") or "")
