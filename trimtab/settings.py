"""Settings: read once, in the composition roots, and handed on as values.

Order, first wins: arguments, TRIMTAB_* variables, the bare names that platforms set (DATABASE_URL, PORT ...),
the same names with _FILE, the secrets directory (TRIMTAB_SECRETS_DIR), the TOML file (TRIMTAB_CONFIG).
"""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from trimtab.domain.errors import TrimtabError
from trimtab.embedded.sockets import socket_folder

_PREFIX: Final = "TRIMTAB_"
_BARE_NAMES: Final = {
    "DATABASE_URL": "database_url",
    "MIGRATION_DATABASE_URL": "migration_database_url",
    "TEMPORAL_ADDRESS": "temporal_address",
    "TEMPORAL_NAMESPACE": "temporal_namespace",
    "LOG_LEVEL": "log_level",
    "PORT": "port",
}

Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=1, le=256)]
Severity = Literal["INFO", "WARNING", "ERROR", "CRITICAL", "SECURITY"]


class SettingsInvalid(TrimtabError):
    """A setting is missing, misspelt or out of range; the text names it and never its value."""

    code = "SETTINGS_INVALID"


class OidcIssuer(BaseModel):
    """One identity provider whose access tokens the API accepts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issuer: str
    audiences: tuple[str, ...] = Field(min_length=1)
    algorithms: tuple[str, ...] = ("RS256", "ES256", "PS256")  # asymmetric only
    roles_claims: tuple[str, ...] = ("roles",)  # dotted paths, the first present holds
    role_map: dict[str, str] = Field(default_factory=dict)  # the provider's name to ours
    firm_claim: str = "firm"
    require_at_jwt: bool = False  # RFC 9068's header type; several providers do not send it
    leeway_seconds: int = Field(default=30, ge=0, le=300)


class WebhookSettings(BaseModel):
    """One receiver of alerts by HTTP, which checks the signature with the same secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(pattern=r"^https?://")
    secret: SecretStr = Field(min_length=16)
    least: Severity = "WARNING"


class MailSettings(BaseModel):
    """Alerts by SMTP."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(min_length=1)
    port: Port = 587
    security: Literal["starttls", "tls", "plain"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str = Field(min_length=3)
    recipients: tuple[str, ...] = Field(min_length=1)
    least: Severity = "ERROR"


class ProcessCounts(BaseModel):
    """How many processes of each kind one machine runs."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    worker: Count = 1
    solver: Count = Field(default_factory=lambda: max(1, os.cpu_count() or 1))  # in each worker


class Settings(BaseSettings):
    """Everything that the surroundings decide. Nested names: TRIMTAB_PROCESSES__SOLVER=4."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    state_dir: Path = Field(default_factory=lambda: default_state_dir())
    database_url: SecretStr | None = None  # None: embedded
    migration_database_url: SecretStr | None = None  # None: database_url
    relay_database_url: SecretStr | None = None
    verifier_database_url: SecretStr | None = None
    statement_seconds: float = Field(default=30.0, ge=0)
    pool_size: Count = 4
    temporal_address: str | None = None  # None: embedded
    temporal_namespace: str = "default"
    payload_key: SecretStr | None = None  # 32 bytes, URL-safe base64; None: the embedded set-up's own
    allow_plain_payloads: bool = False  # say it in so many words: Temporal's payloads go unencrypted without a key
    host: str = "127.0.0.1"
    port: Port | None = None  # None: chosen once per state directory
    public_url: str | None = None  # how browsers reach the API; None: http://host:port
    firm: str = "demo"  # the firm whose orders this gateway sends and whose people the built-in sign-in knows
    broker: str = "paper"
    broker_socket: Path = Field(default_factory=lambda known: _broker_socket(known["state_dir"]))
    drop_folder: Path = Field(default_factory=lambda known: Path(known["state_dir"]) / "drop")
    sources: Path | None = None  # the YAML file of who delivers what in which form; None: trimtab's CSV for all
    alert_webhooks: tuple[WebhookSettings, ...] = ()
    alert_mail: MailSettings | None = None
    oidc_issuers: tuple[OidcIssuer, ...] = ()
    pages_client_id: str = "trimtab-pages"  # the pages' client at the first external issuer; the built-in one knows it
    pages_scope: str = "openid"  # what the pages ask the external issuer for
    temporal_ui_url: str | None = None  # where people look at workflows; None: the pages show no links to it
    processes: ProcessCounts = Field(default_factory=ProcessCounts)
    ready_file: Path | None = None  # written once the process has begun its work
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources = [init_settings, env_settings, BareNames(settings_cls), FileNames(settings_cls)]
        if folder := os.environ.get("TRIMTAB_SECRETS_DIR"):
            if not Path(folder).is_dir():
                raise SettingsInvalid(f"TRIMTAB_SECRETS_DIR names {folder}, which is not a folder")
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=folder, env_prefix=""))
        if file := os.environ.get("TRIMTAB_CONFIG"):
            if not Path(file).is_file():
                raise SettingsInvalid(f"TRIMTAB_CONFIG names {file}, which is not a file")
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=file))
        return tuple(sources)


class BareNames(PydanticBaseSettingsSource):
    """The names without a prefix that hosting platforms and Temporal's tools use."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        values = (os.environ.get(bare) for bare in _bare_names(field_name))
        return next(filter(None, values), None), field_name, False

    def __call__(self) -> dict[str, Any]:
        return _found(self)


class FileNames(PydanticBaseSettingsSource):
    """TRIMTAB_PAYLOAD_KEY_FILE, DATABASE_URL_FILE and the like: the value is the file's content, stripped."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        for name in (_PREFIX + field_name.upper(), *_bare_names(field_name)):
            if path := os.environ.get(f"{name}_FILE"):
                return _read(f"{name}_FILE", path), field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return _found(self)


def _bare_names(field_name: str) -> tuple[str, ...]:
    return tuple(bare for bare, ours in _BARE_NAMES.items() if ours == field_name)


def _found(source: PydanticBaseSettingsSource) -> dict[str, Any]:
    """What the source has, by field."""
    fields = source.settings_cls.model_fields.items()
    values = {name: source.get_field_value(field, name)[0] for name, field in fields}
    return {name: value for name, value in values.items() if value is not None}


def load_settings(**overrides: Any) -> Settings:  # Any: one keyword per field, validated here
    """Reads the settings. Raises SettingsInvalid, one line, without any value in it."""
    given = {name: value for name, value in overrides.items() if value is not None}  # options not used
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise SettingsInvalid("settings: " + "; ".join(faults)) from None
    except SettingsError as error:
        raise SettingsInvalid(f"settings: {error}") from None


def default_state_dir() -> Path:
    """/var/lib/trimtab for root, else the user's data folder by the XDG rules."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/trimtab")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "trimtab"


def _broker_socket(state_dir: Path) -> Path:
    return socket_folder(Path(state_dir), "broker.sock") / "broker.sock"


def _read(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise SettingsInvalid(f"{variable} names {path}, which cannot be read") from None
