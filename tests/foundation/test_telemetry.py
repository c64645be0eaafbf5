"""Logs are one stream, readable by machines, and tell no secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from antiphon.foundation.telemetry import configure_logs, get_logger


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def test_a_line_is_one_object_with_its_level_and_instant(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    with structlog.contextvars.bound_contextvars(request="abc"):
        get_logger("antiphon.test").info("request", route="/v1/people/{person_id}", status=200)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["status"], line["request"]) == ("request", "info", 200, "abc")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("name", ["password", "smtp_password", "Authorization", "api_key", "write_key", "csrf_token", "totp"])
def test_what_is_named_like_a_secret_is_blotted_out(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure_logs("info", "json")
    get_logger("antiphon.test").info("something", **{name: "hunter2"})
    assert "hunter2" not in capsys.readouterr().err


def test_less_severe_lines_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", "console")
    get_logger("antiphon.test").info("quiet")
    logging.getLogger("somebody").info("quiet as well")
    get_logger("antiphon.test").warning("loud")
    written = capsys.readouterr().err
    assert "loud" in written
    assert "quiet" not in written


def test_an_error_shows_where_it_was_but_not_what_the_variables_held(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "console")
    held = "hunter2"
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        get_logger("antiphon.test").exception("failed")
    written = capsys.readouterr().err
    assert "RuntimeError: broken" in written
    assert held not in written.replace('held = "hunter2"', "")
