from pathlib import Path

import pytest

from antiphon.foundation.config import Settings, document, load_settings
from antiphon.foundation.errors import BadSettings


def test_every_setting_is_documented() -> None:
    names = [name for name, _, meaning in document() if meaning.endswith(".")]
    assert names == [f for f in Settings.__struct_fields__]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "antiphon.toml"
    file.write_text('port = 1234\nhost = "0.0.0.0"\nrooms_off = ["segments"]\n')
    settings = load_settings({"ANTIPHON_PORT": "99", "ANTIPHON_ROOMS_OFF": "content, delivery"}, file)
    assert (settings.port, settings.host, settings.rooms_off) == (99, "0.0.0.0", ("content", "delivery"))


@pytest.mark.parametrize(
    ("env", "field"),
    [({"ANTIPHON_PORT": "many"}, "port"), ({"ANTIPHON_PORT": "70000"}, "port"), ({"ANTIPHON_LOG_LEVEL": "loud"}, "log_level")],
)
def test_a_wrong_setting_names_itself(env: dict[str, str], field: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as caught:
        load_settings(env, _empty(tmp_path))
    assert caught.value.field == field


def test_an_unknown_or_broken_file_is_one_sentence(tmp_path: Path) -> None:
    for text in ("prot = 1\n", "port = = 1\n"):
        file = tmp_path / "antiphon.toml"
        file.write_text(text)
        with pytest.raises(BadSettings):
            load_settings({}, file)
    with pytest.raises(BadSettings):
        load_settings({}, tmp_path / "absent.toml")


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "a b"))
    made = settings.secret_bytes()
    assert made == settings.secret_bytes() and len(made) >= 32
    assert (tmp_path / "a b" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings(secret="s1", lake_s3_secret="s2", database_url="postgresql://me:s3@db/x", data_dir="d"))
    assert shown == "Settings(d)"


def _empty(tmp_path: Path) -> Path:
    file = tmp_path / "antiphon.toml"
    file.write_text("")
    return file
