"""Which servers are started, what the other processes are told, and what a killed owner leaves."""

import base64
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

from tests.conftest import FAST
from tests.embedded.programs import until
from trimtab.embedded.errors import StateDirUnusable
from trimtab.embedded.payload_key import ensure_payload_key
from trimtab.embedded.services import start_services
from trimtab.embedded.state import State, running
from trimtab.embedded.supervisor import Supervisor
from trimtab.settings import load_settings


@pytest.fixture(autouse=True)
def no_servers_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "TEMPORAL_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def test_a_killed_owner_leaves_no_server_and_the_next_one_finds_its_data(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = _an_owner_of_both_servers(state_dir)
    state = running(state_dir)
    assert state is not None
    with psycopg.connect(state.urls["migration_database"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    owner.kill()
    owner.wait()
    until(lambda: not any(mark.is_alive() for mark in state.children.values()))
    assert "database system is shut down" in (state_dir / "logs" / "postgres.log").read_text()
    with Supervisor(state_dir) as supervisor:
        services = start_services(supervisor, load_settings(state_dir=state_dir), FAST)
        assert services.temporal_address == state.urls["temporal"]
        assert services.temporal_ui_url == state.urls["temporal_ui"]
        with psycopg.connect(services.database.owner) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
        _check_children_read_the_same(services.environment(), monkeypatch)
    assert State.load(state_dir).urls == {}


def _check_children_read_the_same(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DATABASE_URL": "postgresql://elsewhere/x", **env}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == env["TRIMTAB_DATABASE_URL"]
    assert settings.payload_key is not None
    assert len(base64.urlsafe_b64decode(settings.payload_key.get_secret_value())) == 32


def test_servers_that_the_settings_name_are_not_started(state_dir: Path) -> None:
    settings = load_settings(
        state_dir=state_dir,
        database_url="postgresql://app:canary42@db/trimtab",
        migration_database_url="postgresql://owner@db/trimtab",
        temporal_address="temporal:7233",
    )
    with Supervisor(state_dir) as supervisor:
        services = start_services(supervisor, settings)
        assert State.load(state_dir).children == {}
    assert services.database.app == services.database.relay == "postgresql://app:canary42@db/trimtab"
    assert services.database.owner == "postgresql://owner@db/trimtab"
    assert (services.temporal_address, services.temporal_ui_url) == ("temporal:7233", None)
    assert "canary42" not in (state_dir / "state.json").read_text()


def test_the_payload_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = ensure_payload_key(tmp_path)
    key = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_payload_key(tmp_path).read_bytes() == key


def test_a_payload_key_that_others_may_read_or_that_is_damaged_is_refused_and_not_replaced(
    tmp_path: Path,
) -> None:
    path = ensure_payload_key(tmp_path)
    path.chmod(0o644)
    with pytest.raises(StateDirUnusable, match="readable by others"):
        ensure_payload_key(tmp_path)
    path.chmod(0o600)
    path.write_text("half a k")
    with pytest.raises(StateDirUnusable, match="restore it"):
        ensure_payload_key(tmp_path)
    assert path.read_text() == "half a k"


def _an_owner_of_both_servers(state_dir: Path) -> subprocess.Popen[str]:
    program = """
        import sys
        from pathlib import Path
        from trimtab.embedded.services import start_services
        from trimtab.embedded.supervisor import Supervisor
        from trimtab.settings import load_settings
        with Supervisor(Path(sys.argv[1])) as supervisor:
            start_services(supervisor, load_settings(state_dir=sys.argv[1]))
            print("up", flush=True)
            supervisor.run_until_stopped()
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(state_dir)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner.stdout:
        assert owner.stdout.readline() == "up\n"
    return owner
