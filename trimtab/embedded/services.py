"""The two servers that trimtab needs: embedded ones, or those that DATABASE_URL and TEMPORAL_ADDRESS name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trimtab.embedded.payload_key import ensure_payload_key
from trimtab.embedded.postgres import start_postgres
from trimtab.embedded.supervisor import Supervisor
from trimtab.embedded.temporal import start_temporal
from trimtab.settings import Settings


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One URL per role; without further ones, a given DATABASE_URL serves all (its sessions SET ROLE)."""

    app: str
    owner: str  # for migrations
    relay: str
    verifier: str
    is_embedded: bool


@dataclass(frozen=True, slots=True)
class Services:
    """What the other processes connect to."""

    state_dir: Path
    database: DatabaseUrls
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str | None  # None: not ours, unknown
    payload_key_file: Path | None  # None: the key is in the settings

    def environment(self) -> dict[str, str]:
        """For the children that read trimtab's settings: these override whatever they would inherit."""
        env = {
            "TRIMTAB_STATE_DIR": str(self.state_dir),
            "TRIMTAB_DATABASE_URL": self.database.app,
            "TRIMTAB_MIGRATION_DATABASE_URL": self.database.owner,
            "TRIMTAB_RELAY_DATABASE_URL": self.database.relay,
            "TRIMTAB_VERIFIER_DATABASE_URL": self.database.verifier,
            "TRIMTAB_TEMPORAL_ADDRESS": self.temporal_address,
            "TRIMTAB_TEMPORAL_NAMESPACE": self.temporal_namespace,
        }
        if self.temporal_ui_url is not None:
            env["TRIMTAB_TEMPORAL_UI_URL"] = self.temporal_ui_url
        if self.payload_key_file is not None:
            env["TRIMTAB_PAYLOAD_KEY_FILE"] = str(self.payload_key_file)
        return env


def start_services(
    supervisor: Supervisor, settings: Settings, postgres_options: Mapping[str, str] | None = None
) -> Services:
    """Starts what the settings do not name elsewhere, PostgreSQL first, and writes their URLs to state.json."""
    database = _given_database(settings) or _embedded_database(supervisor, postgres_options)
    address, ui_url = _temporal(supervisor, settings)
    return Services(
        state_dir=supervisor.state_dir,
        database=database,
        temporal_address=address,
        temporal_namespace=settings.temporal_namespace,
        temporal_ui_url=ui_url,
        payload_key_file=None if settings.payload_key else ensure_payload_key(supervisor.state_dir),
    )


def _temporal(supervisor: Supervisor, settings: Settings) -> tuple[str, str | None]:
    """host:port and, of our own server, the UI's URL."""
    if settings.temporal_address is not None:
        return settings.temporal_address, None
    temporal = start_temporal(supervisor, settings.temporal_namespace)
    supervisor.publish_url("temporal", temporal.target)
    supervisor.publish_url("temporal_ui", temporal.ui_url)
    return temporal.target, temporal.ui_url


def _given_database(settings: Settings) -> DatabaseUrls | None:
    given = settings.database_url or settings.migration_database_url
    if given is None:
        return None
    app = given.get_secret_value()
    others = (settings.migration_database_url, settings.relay_database_url, settings.verifier_database_url)
    owner, relay, verifier = (url.get_secret_value() if url else app for url in others)
    return DatabaseUrls(app, owner, relay, verifier, is_embedded=False)


def _embedded_database(supervisor: Supervisor, options: Mapping[str, str] | None) -> DatabaseUrls:
    address = start_postgres(supervisor, options)
    urls = DatabaseUrls(
        app=address.url("trimtab_app"),
        owner=address.url("trimtab_owner"),
        relay=address.url("trimtab_relay"),
        verifier=address.url("trimtab_verifier"),
        is_embedded=True,
    )
    supervisor.publish_url("database", urls.app)
    supervisor.publish_url("migration_database", urls.owner)
    supervisor.publish_url("relay_database", urls.relay)
    supervisor.publish_url("verifier_database", urls.verifier)
    return urls
