"""Everything of one machine's trimtab, supervised: the servers, the paper broker and our own processes."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trimtab.db.migrate import upgrade
from trimtab.domain.errors import TrimtabError
from trimtab.embedded.child import ChildSpec, StopOrder
from trimtab.embedded.readiness import file_exists, http_answers, socket_listens
from trimtab.embedded.services import Services, start_services
from trimtab.embedded.sockets import make_private_folder
from trimtab.embedded.state import State, is_free
from trimtab.embedded.supervisor import Supervisor
from trimtab.settings import Settings


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs, and where to find it."""

    services: Services
    api_url: str
    journal: Path  # the paper broker's own journal
    closes: Path  # the folder with the closes at which it fills
    drop: Path


class PortTaken(TrimtabError):
    """The port that the settings ask for is another's."""

    code = "PORT_TAKEN"


def start_servers(supervisor: Supervisor, settings: Settings) -> Services:
    """The database and Temporal, with the schema up to date. Raises PortTaken before anything is started."""
    if settings.port is not None and not is_free(settings.port):
        raise PortTaken(f"port {settings.port} is in use: stop what listens there, or set TRIMTAB_PORT to another")
    services = start_services(supervisor, settings)
    upgrade(services.database.owner)
    return services


def start_processes(
    supervisor: Supervisor, settings: Settings, services: Services, *, broker_options: tuple[str, ...] = ()
) -> Stack:
    """The paper broker, the worker, the gateway and the API; each is started again when it dies."""
    state_dir = supervisor.state_dir
    journal, closes = broker_files(state_dir)
    closes.mkdir(parents=True, exist_ok=True)
    settings.drop_folder.mkdir(parents=True, exist_ok=True)
    if settings.broker_socket.parent != state_dir:
        make_private_folder(settings.broker_socket.parent, None)
    port = settings.port or supervisor.port("api")
    api_url = settings.public_url or f"http://{settings.host}:{port}"
    env = {
        **services.environment(),
        "TRIMTAB_FIRM": settings.firm,
        "TRIMTAB_BROKER": settings.broker,
        "TRIMTAB_BROKER_SOCKET": str(settings.broker_socket),
        "TRIMTAB_DROP_FOLDER": str(settings.drop_folder),
        **({} if settings.sources is None else {"TRIMTAB_SOURCES": str(settings.sources.resolve())}),
        "TRIMTAB_HOST": settings.host,
        "TRIMTAB_PORT": str(port),
        "TRIMTAB_PUBLIC_URL": api_url,
        "TRIMTAB_LOG_LEVEL": settings.log_level,
        "TRIMTAB_LOG_FORMAT": "json",
    }
    paper = ("trimtab.broker.paper", "--socket", str(settings.broker_socket), "--journal", str(journal))
    broker = ChildSpec(
        "broker",
        _python(*paper, "--closes", str(closes), *broker_options),
        StopOrder.BROKER,
        socket_listens(settings.broker_socket),
    )
    workers = [
        _signalling(state_dir, f"worker-{number}", "trimtab.worker", StopOrder.WORKER, env)
        for number in range(1, settings.processes.worker + 1)
    ]
    gateway = _signalling(state_dir, "gateway", "trimtab.gateway", StopOrder.GATEWAY, env)
    ready = http_answers(f"{_local(port)}/readyz")
    api = ChildSpec("api", _python("trimtab.server"), StopOrder.API, ready, env=env)
    supervisor.start(broker, *workers, gateway, api)
    supervisor.publish_url("api", api_url)
    served_firm_file(state_dir).write_text(settings.firm, encoding="utf-8")
    return Stack(services, api_url, journal, closes, settings.drop_folder)


def known_urls(settings: Settings) -> dict[str, str]:
    """Where a person, or the `temporal` program, finds what runs or will run: a state directory keeps its ports."""
    state = State.load(settings.state_dir)
    port = settings.port or state.ports.get("api")
    api = settings.public_url or state.urls.get("api") or (f"http://{settings.host}:{port}" if port else None)
    urls = {"pages": f"{api}/", "api": api, "graphiql": f"{api}/graphql"} if api else {}
    if ui := state.urls.get("temporal_ui"):
        urls["temporal"] = ui
    if address := settings.temporal_address or state.urls.get("temporal"):
        urls["temporal_address"] = address
    return urls


def served_firm_file(state_dir: Path) -> Path:
    """Holds the firm whose orders the running gateway sends: what commands mean when they name no firm."""
    return state_dir / "served-firm"


def broker_files(state_dir: Path) -> tuple[Path, Path]:
    """The paper broker's journal, and the folder with the closes at which it fills."""
    return state_dir / "broker" / "journal.jsonl", state_dir / "broker" / "closes"


def _signalling(state_dir: Path, name: str, module: str, order: StopOrder, env: Mapping[str, str]) -> ChildSpec:
    """A process that is ready when it has written its sign of life."""
    sign = state_dir / f"{name}.ready"
    sign.unlink(missing_ok=True)
    return ChildSpec(name, _python(module), order, file_exists(sign), env={**env, "TRIMTAB_READY_FILE": str(sign)})


def _python(*module_and_arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *module_and_arguments)


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"
