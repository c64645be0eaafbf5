"""What the web floor itself gives to the house: jobs, the live overview, settings."""

from antiphon.foundation.principal import ROLES
from antiphon.foundation.rooms import Room
from antiphon.web.history import LOOPS, overview_history
from antiphon.web.jobs import list_jobs, read_job, stop_job
from antiphon.web.live import live, overview
from antiphon.web.metrics import BOARD
from antiphon.web.settings import read_settings

ROOM = Room(
    name="web",
    floor="web",
    always=True,
    resources=(BOARD,),
    loops=LOOPS,
    routes=(list_jobs, read_job, stop_job, live, overview, overview_history, read_settings),
    permissions={
        "jobs:read": ("owner", "marketer", "analyst", "developer"),
        "jobs:cancel": ("owner", "marketer", "developer"),
        "live:read": ROLES,
        "settings:read": ("owner", "developer"),
    },
)
