"""The emulators of mail APIs as processes of their own, spoken to by strangers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from antiphon.sandbox.mailapi import ApiRates


@contextmanager
def running(api: str, *options: str) -> Iterator[int]:
    child = subprocess.Popen(
        [sys.executable, "-m", "antiphon.sandbox.mailapi", api, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait(10)


@pytest.mark.parametrize(
    ("api", "path", "status"),
    [("ses", "/v2/email/account", 403), ("sendgrid", "/v3/scopes", 401), ("mailgun", "/v4/domains/mg.shop.example", 401), ("postmark", "/server", 401)],
)
def test_strangers_are_refused(api: str, path: str, status: int) -> None:
    with running(api) as port:
        assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == status


def test_a_customer_of_postmark_is_served_and_noise_is_survived() -> None:
    with running("postmark", "--rates", '{"gone": 1}') as port:
        url = f"http://127.0.0.1:{port}"
        good = {"x-postmark-server-token": "sandbox-server"}
        assert httpx.get(f"{url}/server", headers=good).json()["Name"] == "Sandbox"
        mail = {"From": "a@shop.example", "To": "b@x.example", "Subject": "s", "TextBody": "t"}
        assert httpx.post(f"{url}/email/batch", headers=good, json=[mail]).json()[0]["ErrorCode"] == 406
        with pytest.raises(httpx.HTTPError):
            httpx.post(f"{url}/email/batch", headers=good, content=b"noise")
        assert httpx.get(f"{url}/nowhere", headers=good).status_code == 404


def test_rates_beyond_one_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        ApiRates(bounce=0.6, reject=0.6)
    done = subprocess.run([sys.executable, "-m", "antiphon.sandbox.mailapi", "ses", "--rates", "{"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--rates" in done.stderr
