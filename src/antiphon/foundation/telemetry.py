"""Structured logs and Prometheus metrics."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

_SECRET = re.compile(r"password|secret|token|authorization|cookie|write_?key|api_?key|totp", re.IGNORECASE)

registry = CollectorRegistry(auto_describe=True)
"""Metrics of this process; a module registers its own with `registry=registry`."""


def _hide_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {key: "***" if _SECRET.search(key) else value for key, value in event.items()}


def configure_logs(level: str = "info", form: str = "console") -> None:
    """Send structlog and the standard library's loggers to standard error as one stream."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    last: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)
    for noisy in ("httpx", "httpcore", "httpx2", "mail.log", "asyncio", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger(name: str) -> Any:
    """A structlog logger bound to `name`."""
    return structlog.get_logger(room=name.removeprefix("antiphon."))
