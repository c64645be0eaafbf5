"""The settings of the embedded server: durable, sized by this machine's memory, on a private socket only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_MB = 1024 * 1024


def server_settings(sockets: Path, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
    """Name → value, given to the server on its command line. No time-outs: those belong to our own connections."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    shared = max(64 * _MB, min(1024 * _MB, memory // 8))
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "fsync": "on",
        "synchronous_commit": "on",
        "shared_buffers": f"{shared // _MB}MB",
        "effective_cache_size": f"{max(shared, memory // 2) // _MB}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{max(64, min(256, memory // 32 // _MB))}MB",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_cost_limit": "2000",
        "autovacuum_vacuum_insert_scale_factor": "0.2",
        "max_locks_per_transaction": "256",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
    }
    if _shared_memory_is_small():
        settings["dynamic_shared_memory_type"] = "mmap"  # containers give /dev/shm 64 MB: parallel queries would fail
    settings.update(overrides or {})
    return settings


def _shared_memory_is_small() -> bool:
    try:
        found = os.statvfs("/dev/shm")
    except OSError:
        return True
    return found.f_bavail * found.f_frsize < 512 * _MB
