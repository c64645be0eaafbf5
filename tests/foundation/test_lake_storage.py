"""The lake on S3-compatible storage: settings that are checked, a key that is nowhere shown, and a real server of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from antiphon.foundation.config import Settings, load_settings
from antiphon.foundation.errors import BadSettings
from antiphon.foundation.lake import (
    LakeClient,
    LakeUnavailable,
    ObjectStorage,
    object_storage,
    start_lake,
    storage as storage_module,
)

SECRET = "do-not-show-this-anywhere"


def settings(**more: str) -> Settings:
    return Settings(lake_dir="s3://bucket/lake", lake_s3_key_id="id", lake_s3_secret=SECRET, **more)  # type: ignore[arg-type]


def test_settings_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert object_storage(Settings()) is None and object_storage(Settings(lake_dir="/a/folder")) is None
    found = object_storage(settings(lake_s3_endpoint="http://127.0.0.1:9000"))
    assert found is not None and (found.endpoint, found.secure, found.secret) == ("127.0.0.1:9000", False, SECRET)
    assert SECRET not in repr(found)
    file = tmp_path / "secret"
    file.write_text(" from a file\n")
    found = object_storage(settings(lake_s3_secret_file=str(file)))
    assert found is not None and (found.secret, found.endpoint, found.secure) == ("from a file", "", True)
    for wrong, field in (
        (Settings(lake_dir="gs://bucket"), "lake_dir"), (Settings(lake_dir="s3://bucket"), "lake_s3_key_id"),
        (Settings(lake_dir="s3://bucket", lake_s3_key_id="x"), "lake_s3_secret"),
        (settings(lake_s3_endpoint="127.0.0.1:9000"), "lake_s3_endpoint"),
        (settings(lake_s3_secret_file=str(tmp_path / "none")), "lake_s3_secret_file"),
    ):  # fmt: skip
        with pytest.raises(BadSettings) as raised:
            object_storage(wrong)
        assert raised.value.field == field and SECRET not in str(raised.value)
    with pytest.raises(BadSettings, match="lake_s3_url_style"):
        load_settings({"ANTIPHON_LAKE_S3_URL_STYLE": "elsewhere"})
    monkeypatch.setattr(storage_module, "PACKAGE", "duckdb_extension_that_is_absent")
    with pytest.raises(BadSettings, match="needs the package duckdb-extension-that-is-absent, which is not installed"):
        object_storage(settings())


def test_storage_that_cannot_be_reached_is_one_sentence(database_url: str, tmp_path: Path) -> None:
    storage = object_storage(settings(lake_s3_endpoint="http://127.0.0.1:9"))
    with pytest.raises(LakeUnavailable) as raised:
        lake = start_lake(database_url, tmp_path, lake_path="s3://bucket/lake", storage=storage)
        try:

            async def write() -> None:
                client = LakeClient(lake.socket)
                try:
                    await client.command("create table lake.thing as from range(1000)")
                finally:
                    await client.close()

            asyncio.run(write())
        except Exception as failed:
            raise LakeUnavailable(str(failed)) from failed
        finally:
            lake.close()
    assert SECRET not in str(raised.value)
    assert SECRET not in (tmp_path / "lake-state" / "lake.log").read_text()


@pytest.fixture
def bucket() -> Iterator[str]:
    """The address of an S3-compatible server with a bucket in it."""
    server = pytest.importorskip("moto.server", reason="an S3-compatible server is needed: pip install 'moto[s3,server]'")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    address = f"http://{host}:{port}"
    assert httpx.put(f"{address}/bucket").status_code == 200
    yield address
    running.stop()


async def test_the_lake_lives_in_a_bucket(database_url: str, tmp_path: Path, bucket: str) -> None:
    storage = object_storage(settings(lake_s3_endpoint=bucket))
    assert isinstance(storage, ObjectStorage)
    for attempt in range(2):  # the second process finds what the first wrote
        lake = await asyncio.to_thread(start_lake, database_url, tmp_path, lake_path="s3://bucket/lake", storage=storage)
        client = LakeClient(lake.socket)
        try:
            if attempt == 0:
                await client.command("create table lake.thing (n bigint, word varchar)")
                for part in range(3):
                    await client.command(
                        f"insert into lake.thing select n, 'word ' || n from range({part * 10_000}, {part * 10_000 + 10_000}) r (n)"
                    )
                await client.command("call ducklake_merge_adjacent_files('lake', 'thing')")
                await client.command("delete from lake.thing where n % 10 = 0")
            found = await client.run("select count(*), sum(n), max(word) from lake.thing")
            assert found == [(27_000, sum(n for n in range(30_000) if n % 10), "word 9999")]
        finally:
            await client.close()
            await asyncio.to_thread(lake.close)
    listed = httpx.get(f"{bucket}/bucket?list-type=2&prefix=lake/").text
    assert ".parquet" in listed
    assert not list(tmp_path.rglob("*.parquet"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
