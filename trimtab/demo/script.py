"""`trimtab demo`: one business day of the demo firm, through the ordinary paths, with progress and a summary."""

import time
from typing import Any

from rich.console import Console

from trimtab.db.engine import sync_engine
from trimtab.demo.business_day import DemoDay
from trimtab.demo.options import DemoOptions
from trimtab.demo.people import secrets_file
from trimtab.demo.report import print_json, print_people, print_summary, print_urls
from trimtab.embedded.services import Services
from trimtab.embedded.supervisor import Supervisor
from trimtab.settings import Settings, load_settings
from trimtab.stack import Stack, known_urls, start_processes, start_servers

LOOK_SECONDS = 1.0
INTERRUPTED = 130


def stay_up(settings: Settings) -> int:
    """Servers and processes up, until Ctrl-C."""
    console = Console(stderr=True)
    try:
        with Supervisor(settings.state_dir) as supervisor:
            services = start_servers(supervisor, settings)
            start_processes(supervisor, settings, services)
            print_urls(console, "Up until Ctrl-C:", known_urls(settings))
            supervisor.run_until_stopped()
            console.print("Stopping ...")
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def run_demo(settings: Settings, options: DemoOptions) -> int:
    """Run, resume or show the demo firm's day; returns the exit code. Raises TrimtabError."""
    options.check()
    console = Console(stderr=options.as_json)
    of_firm = load_settings(**{**_given(settings), "firm": options.firm_id})
    try:
        with Supervisor(settings.state_dir) as supervisor:
            return _Demo(supervisor, of_firm, options, console).run()
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on where the day stands.")
        return INTERRUPTED


class _Demo:
    """The command, once its state directory is its own."""

    def __init__(self, supervisor: Supervisor, settings: Settings, options: DemoOptions, console: Console) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._options = options
        self._console = console
        self._begun = time.monotonic()

    def run(self) -> int:
        where = self._settings.state_dir
        self._console.print(
            f"Starting PostgreSQL and Temporal in {where}, for this machine only: not for production.",
            highlight=False,
            soft_wrap=True,
        )
        services = start_servers(self._supervisor, self._settings)
        engine = sync_engine(services.database.app, pool_size=2, application_name="trimtab-demo")
        try:
            day = DemoDay(self._settings, self._options, engine, self._console)
            self._go(day, services)
            code = self._show(day, services)
            if self._options.serve:
                self._serve(day, services)
            return code
        finally:
            engine.dispose()

    def _go(self, day: DemoDay, services: Services) -> None:
        """Run the day, or what is left of it; only the processes are started when there is none and we serve."""
        firm = day.prepare()
        if firm is None and not self._options.serve:
            return
        stack = start_processes(self._supervisor, self._settings, services)
        setup = time.monotonic() - self._begun
        if firm is not None:
            day.begin(firm, _connected(self._settings, stack))
            day.see_through(stack.api_url)
            day.note_seconds(setup, time.monotonic() - self._begun)

    def _show(self, day: DemoDay, services: Services) -> int:
        """Print the stored day; 0 when its outcomes sum to the roster and every record verifies."""
        summary, report = day.summary(), day.verified(services.database.verifier)
        urls = known_urls(self._settings)
        if self._options.as_json:
            print_json(summary, report, urls)
        else:
            print_summary(self._console, summary, report)
            if not self._options.serve:
                print_urls(self._console, "With --serve everything stays up to be looked at:", urls)
        return 0 if not report.broken and sum(summary.outcomes.values()) == summary.roster else 1

    def _serve(self, day: DemoDay, services: Services) -> None:
        """Keep everything up until Ctrl-C. A day whose clock was held is shown once it is over."""
        console = Console(stderr=True)
        print_urls(console, "Up until Ctrl-C:", known_urls(self._settings))
        print_people(console, secrets_file(self._supervisor.state_dir))
        try:
            if not day.is_over():
                console.print("The clock is held while reviews wait; `trimtab run step` lets it go on.")
                while not day.is_over():
                    time.sleep(LOOK_SECONDS)
                print_summary(console, day.summary(), day.verified(services.database.verifier))
        except KeyboardInterrupt:
            pass
        else:
            self._supervisor.run_until_stopped()
        console.print("Stopping ...")


def _given(settings: Settings) -> dict[str, Any]:
    """The settings as overrides for another load."""
    return {name: getattr(settings, name) for name in settings.model_fields_set}


def _connected(settings: Settings, stack: Stack) -> Settings:
    """The settings with the addresses of what the stack started."""
    services = stack.services
    found: dict[str, Any] = {"database_url": services.database.app, "temporal_address": services.temporal_address}
    if services.payload_key_file is not None:
        found["payload_key"] = services.payload_key_file.read_text(encoding="utf-8").strip()
    return load_settings(**{**_given(settings), **found})
