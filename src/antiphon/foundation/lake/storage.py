"""The lake's files on S3-compatible storage: where it is, and with which key."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from antiphon.foundation.config import Settings
from antiphon.foundation.errors import BadSettings

PACKAGE = "duckdb_extension_httpfs"


class ObjectStorage(msgspec.Struct, frozen=True, kw_only=True):
    """S3-compatible storage and the key to it. `endpoint` is a host with its port; empty for Amazon's own."""

    endpoint: str
    secure: bool
    region: str
    key_id: str
    secret: str
    url_style: str

    def __repr__(self) -> str:
        return f"ObjectStorage({self.endpoint or 'amazon'})"


def object_storage(settings: Settings) -> ObjectStorage | None:
    """What the settings say of it; None when the lake lies in a folder. Raises BadSettings."""
    if "://" not in settings.lake_dir:
        return None
    if not settings.lake_dir.startswith("s3://"):
        raise BadSettings("lake_dir is a folder or an s3:// address", field="lake_dir")
    if importlib.util.find_spec(PACKAGE) is None:
        name = PACKAGE.replace("_", "-")
        raise BadSettings(f"lake_dir on S3 needs the package {name}, which is not installed", field="lake_dir")
    secret = settings.lake_s3_secret
    if settings.lake_s3_secret_file:
        try:
            secret = Path(settings.lake_s3_secret_file).expanduser().read_text().strip()
        except (OSError, UnicodeDecodeError) as failed:
            raise BadSettings("lake_s3_secret_file cannot be read", field="lake_s3_secret_file") from failed
    for field, value in (("lake_s3_key_id", settings.lake_s3_key_id), ("lake_s3_secret", secret)):
        if not value:
            raise BadSettings(f"lake_dir on S3 needs {field}", field=field)
    found = urlsplit(settings.lake_s3_endpoint)
    if settings.lake_s3_endpoint and (found.scheme not in ("http", "https") or not found.netloc or found.path.strip("/")):
        raise BadSettings("lake_s3_endpoint is an address as https://s3.example.org:9000", field="lake_s3_endpoint")
    return ObjectStorage(
        endpoint=found.netloc,
        secure=found.scheme != "http",
        region=settings.lake_s3_region,
        key_id=settings.lake_s3_key_id,
        secret=secret,
        url_style=settings.lake_s3_url_style,
    )
