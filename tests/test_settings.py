"""Where settings come from, which source wins, and how mistakes are told."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from trimtab.settings import Settings, SettingsInvalid, default_state_dir, load_settings


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "TEMPORAL_ADDRESS", "LOG_LEVEL", "PORT"):
        monkeypatch.delenv(name, raising=False)


def test_without_any_setting_both_servers_are_embedded() -> None:
    settings = load_settings()
    assert (settings.database_url, settings.temporal_address, settings.port) == (None, None, None)
    assert settings.host == "127.0.0.1"


def test_names_that_platforms_set_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u@h/d")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("PORT", "8080")
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgres://u@h/d"
    assert (settings.temporal_address, settings.log_level, settings.port) == ("temporal:7233", "DEBUG", 8080)


def test_our_own_name_wins_over_the_platforms_and_an_option_wins_over_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "8080")
    monkeypatch.setenv("TRIMTAB_PORT", "8081")
    assert load_settings().port == 8081
    assert load_settings(port=8082).port == 8082
    assert load_settings(port=None).port == 8081


def test_nested_settings_have_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_PROCESSES__SOLVER", "3")
    assert load_settings().processes.solver == 3


@pytest.mark.parametrize("variable", ["TRIMTAB_DATABASE_URL_FILE", "DATABASE_URL_FILE"])
def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str) -> None:
    (tmp_path / "url").write_text("postgresql://u:canary42@h/d\n")
    monkeypatch.setenv(variable, str(tmp_path / "url"))
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://u:canary42@h/d"
    assert "canary42" not in repr(settings)


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_PAYLOAD_KEY_FILE", "/nowhere/key")
    with pytest.raises(SettingsInvalid, match="TRIMTAB_PAYLOAD_KEY_FILE names /nowhere/key"):
        load_settings()


def test_a_secrets_folder_holds_one_file_per_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "payload_key").write_text("canary42")
    monkeypatch.setenv("TRIMTAB_SECRETS_DIR", str(tmp_path))
    settings = load_settings()
    assert settings.payload_key is not None
    assert settings.payload_key.get_secret_value() == "canary42"


def test_a_toml_file_is_read_below_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "trimtab.toml"
    config.write_text(
        'host = "0.0.0.0"\nport = 9000\n[[oidc_issuers]]\nissuer = "https://idp.example"\naudiences = ["trimtab"]\n'
    )
    monkeypatch.setenv("TRIMTAB_CONFIG", str(config))
    monkeypatch.setenv("PORT", "9001")
    settings = load_settings()
    assert (settings.host, settings.port) == ("0.0.0.0", 9001)
    assert settings.oidc_issuers[0].audiences == ("trimtab",)


@pytest.mark.parametrize("typo", ["databse_url = 'x'", "[processes]\nwrokers = 2"])
def test_a_misspelt_name_in_the_toml_file_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typo: str
) -> None:
    config = tmp_path / "trimtab.toml"
    config.write_text(typo)
    monkeypatch.setenv("TRIMTAB_CONFIG", str(config))
    with pytest.raises(SettingsInvalid, match=r"databse_url|wrokers"):
        load_settings()


def test_a_wrong_value_is_told_by_name_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_PORT", "canary42")
    with pytest.raises(SettingsInvalid, match=r"^settings: port: ") as caught:
        load_settings()
    assert "canary42" not in str(caught.value)


def test_even_the_raw_error_repeats_no_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(payload_key=["canary42"])  # type: ignore[arg-type]
    assert "canary42" not in str(caught.value)


def test_what_belongs_to_the_state_directory_moves_with_it(tmp_path: Path) -> None:
    settings = load_settings(state_dir=tmp_path)
    assert settings.drop_folder == tmp_path / "drop"
    assert settings.broker_socket == tmp_path / "broker.sock"


def test_the_brokers_socket_leaves_a_folder_whose_path_is_too_long_for_one() -> None:
    settings = load_settings(state_dir=Path("/srv") / ("x" * 110))
    assert settings.broker_socket.name == "broker.sock"
    assert len(str(settings.broker_socket)) <= 107


def test_the_state_directory_follows_the_xdg_rules_and_the_systems_for_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_state_dir() == Path("/var/lib/trimtab")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_state_dir() == Path("/data/trimtab")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert default_state_dir() == Path("/home/ann/.local/share/trimtab")


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1
