"""Settings: from `antiphon.toml`, overridden by ANTIPHON_* variables, checked once at start.

`python -m antiphon.foundation.config` prints every setting with its default and meaning.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from antiphon.foundation.errors import BadSettings
from antiphon.foundation.ids import random_token

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1, le=256)]


def _says(text: str, default: Any) -> Any:
    """A setting's default; its meaning is kept in MEANINGS by field order (see `document`)."""
    _MEANINGS.append(text)
    return default


_MEANINGS: list[str] = []


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator can set. The environment variable of a field is ANTIPHON_ and its name in capitals."""

    data_dir: str = _says("Folder of everything kept on disk: embedded database, lake, uploads, secret key.", "antiphon-data")
    database_url: str | None = _says("PostgreSQL to use; without it an embedded server is started.", None)
    host: str = _says("Address the API and console listen on.", "127.0.0.1")
    port: Port = _says("Port the API and console listen on.", 8710)
    public_url: str = _says("Address under which customers reach this installation; links and pixels use it.", "")
    api_processes: Count = _says("Processes that answer HTTP.", 1)
    worker_processes: Count = _says("Processes that do background work.", 1)
    rooms_off: tuple[str, ...] = _says("Rooms switched off, by name: their pages, routes and loops are absent.", ())
    secret: str = _says("Key that signs links and encrypts secrets; without it one is made in data_dir/secret.key.", "")
    log_level: Literal["debug", "info", "warning", "error"] = _says("Least severe log line written.", "info")
    log_format: Literal["console", "json"] = _says("Logs for people (console) or for machines (json).", "console")
    lake_dir: str = _says("Folder or s3:// address of the lake's data; default data_dir/lake.", "")
    lake_s3_endpoint: str = _says("Address of S3-compatible storage, as https://s3.example.org:9000; without it Amazon's.", "")
    lake_s3_region: str = _says("Region of that storage.", "us-east-1")
    lake_s3_key_id: str = _says("Id of the access key to that storage.", "")
    lake_s3_secret: str = _says("Secret of that access key; never written to a log.", "")
    lake_s3_secret_file: str = _says("File that holds the secret instead.", "")
    lake_s3_url_style: Literal["path", "vhost"] = _says("Whether the bucket stands in an address's path or in its host.", "path")
    lake_memory: str = _says("Memory limit of the lake process's engine.", "1GB")
    lake_threads: Count = _says("Threads of the lake process's engine.", 2)
    lake_timeout: Annotated[float, msgspec.Meta(gt=0)] = _says("Longest a lake query may run, seconds.", 120.0)
    live_segments_mb: Annotated[int, msgspec.Meta(ge=1)] = _says(
        "Megabytes of events a worker holds for live segments; what does not fit is periodic.", 400
    )
    dedupe_days: Annotated[int, msgspec.Meta(ge=1, le=90)] = _says("Days for which a repeated messageId is dropped, at least.", 7)
    bounce_host: str = _says("Address the LMTP/SMTP server for bounces and replies listens on.", "127.0.0.1")
    bounce_port: Port = _says("Port of that server; 0 switches it off.", 0)
    bounce_domain: str = _says("Domain of return-path addresses; bounces to it must reach that server or a mailbox.", "")
    delivered_after_hours: Annotated[float, msgspec.Meta(gt=0)] = _says(
        "Business hours without a bounce after which a sent message counts as delivered.", 24.0
    )
    engagement_days: Annotated[int, msgspec.Meta(ge=30)] = _says(
        "Days for which each single open and click is kept, with what it was taken for; counts and histories stay.", 400
    )
    answered_days: Annotated[int, msgspec.Meta(ge=30)] = _says(
        "Days for which a triggered campaign knows again what it answered by its key (an order, say).", 400
    )
    confirmation_days: Annotated[float, msgspec.Meta(gt=0, le=3650)] = _says(
        "Days for which the link is valid by which a customer confirms a consent (double opt-in); then they are asked anew.", 30.0
    )
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = _says(
        "Currency of what messages cost, and of budgets: an ISO 4217 code.", "EUR"
    )
    session_hours: Annotated[float, msgspec.Meta(gt=0)] = _says("Hours until an unused sign-in ends.", 12.0)
    sandbox: bool = _says("Also the sandbox's channels, which reach nobody: for trying things out.", False)
    scanner_networks: tuple[str, ...] = _says(
        "Networks from which opens and clicks are a machine's, as 203.0.113.0/24: a customer's own security scanners, say.", ()
    )
    outbound_hosts: tuple[str, ...] = _says(
        "Hosts inside your network that webhooks and providers may call, as host, host:port or network; others are refused.",
        (),
    )
    trusted_proxies: tuple[str, ...] = _says("Addresses of proxies whose X-Forwarded-For is believed.", ())

    def __repr__(self) -> str:
        """Where it is kept, and no more: a secret would be in every message that shows these."""
        return f"Settings({self.data_dir})"

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir).expanduser().absolute()

    @property
    def lake_path(self) -> str:
        return self.lake_dir or str(self.data_path / "lake")

    @property
    def base_url(self) -> str:
        """The public address without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def secret_bytes(self) -> bytes:
        """The installation's secret: the setting, or data_dir/secret.key, made on first use readable by its owner only."""
        if self.secret:
            return self.secret.encode()
        path = self.data_path / "secret.key"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made = random_token(48).encode()
            temporary = path.with_suffix(f".{os.getpid()}")
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(made)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)  # first one wins, whole or not at all
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
            return path.read_bytes()
        except OSError as failed:
            raise BadSettings(f"data_dir {self.data_dir} cannot be used: {failed.strerror}", field="data_dir") from failed


def load_settings(env: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """Settings from `file` (or ANTIPHON_CONFIG, or ./antiphon.toml if there is one) and the environment, which wins.

    Raises BadSettings naming the field and the rule.
    """
    env = os.environ if env is None else env
    values: dict[str, Any] = {}
    named = file or (Path(env["ANTIPHON_CONFIG"]) if env.get("ANTIPHON_CONFIG") else None)
    path = named or Path("antiphon.toml")
    if named or path.exists():
        try:
            values.update(tomllib.loads(path.read_text()))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as failed:
            raise BadSettings(f"settings file {path} cannot be read: {failed}") from failed
    for info in msgspec.structs.fields(Settings):
        raw = env.get(f"ANTIPHON_{info.name.upper()}")
        if raw is not None:
            values[info.name] = [part for part in raw.replace(",", " ").split()] if info.type == tuple[str, ...] else raw
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as failed:
        rule, _, where = str(failed).partition(" - at ")
        name = where.strip("`$.") or None
        raise BadSettings(f"setting {name}: {rule}" if name else rule, field=name) from failed


def document() -> list[tuple[str, str, str]]:
    """(name, default, meaning) of every setting."""
    fields = msgspec.structs.fields(Settings)
    return [(f.name, repr(f.default), meaning) for f, meaning in zip(fields, _MEANINGS, strict=True)]


if __name__ == "__main__":
    for name, default, meaning in document():
        print(f"{name} = {default}\n    {meaning}")
