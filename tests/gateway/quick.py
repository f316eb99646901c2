"""The gateway as its own process, with a lease short enough for tests: `python -m tests.gateway.quick`."""

import asyncio
import signal

from trimtab.db.engine import sync_engine
from trimtab.gateway.owner import Gateway, Timing
from trimtab.logs import configure_logs
from trimtab.settings import load_settings

QUICK = Timing(lease=2.0, renew=0.4, safety=0.5, poll=0.05, retry=0.1)


async def serve() -> None:
    settings = load_settings()
    assert settings.database_url is not None
    configure_logs("INFO", "json")
    engine = sync_engine(settings.database_url.get_secret_value(), application_name="trimtab-gateway")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    gateway = Gateway(engine, settings.firm, settings.broker, settings.broker_socket, build="0.1.0+test", timing=QUICK)
    await gateway.run(stop)
    engine.dispose()


if __name__ == "__main__":
    asyncio.run(serve())
