"""The order gateway: the only process that sends orders. `python -m trimtab.gateway`.

One gateway owns a firm's session with a broker, by a lease with a generation. A block goes READY -> SENDING under
that lease, is committed, the lease is checked once more, and only then is it written to the socket. A block found
SENDING by a later generation is never sent blindly: the broker is asked.
"""

import asyncio
import signal

from trimtab.build import build_id
from trimtab.db.engine import sync_engine
from trimtab.domain.errors import TrimtabError
from trimtab.gateway.owner import Gateway
from trimtab.logs import configure_logs
from trimtab.settings import Settings, load_settings


class GatewayMisconfigured(TrimtabError):
    """A setting that the gateway cannot do without is missing."""

    code = "GATEWAY_MISCONFIGURED"


async def serve(settings: Settings) -> None:
    """Run the gateway of the settings' firm until SIGTERM or Ctrl-C. Raises GatewayMisconfigured."""
    if settings.database_url is None:
        raise GatewayMisconfigured("set DATABASE_URL: the gateway starts no database of its own")
    engine = sync_engine(
        settings.database_url.get_secret_value(), pool_size=settings.pool_size, application_name="trimtab-gateway"
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(engine, settings.firm, settings.broker, settings.broker_socket, build=build_id())
    if settings.ready_file is not None:
        settings.ready_file.touch()
    try:
        await gateway.run(stop)
    finally:
        engine.dispose()


def main() -> None:
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    asyncio.run(serve(settings))
