"""Figures for Prometheus: the API's own, and what each firm's night looks like at the moment of the scrape."""

import asyncio
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from trimtab.db.engine import async_firm_transaction
from trimtab.db.observations import Observations, observe
from trimtab.db.people import Firms
from trimtab.db.threads import in_thread

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """One registry per application, so that two in one process do not add up."""

    def __init__(self, registry: CollectorRegistry, engine: AsyncEngine, firms: Firms) -> None:
        self._registry = registry
        self._engine = engine
        self._firms = firms
        self._turn = asyncio.Lock()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "trimtab_http_requests_total", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "trimtab_http_request_seconds",
            "Seconds from the first byte to the last.",
            ["route"],
            registry=registry,
            buckets=_BUCKETS,
        )
        self.sockets = Gauge("trimtab_websockets", "Websockets that are open.", registry=registry)
        self._heartbeat = self._gauge(
            "trimtab_process_heartbeat_age_seconds",
            "Seconds since any process of the kind gave a sign of life.",
            "kind",
        )
        self._runs = self._gauge("trimtab_runs", "Runs by status.", "status")
        self._days = self._gauge("trimtab_account_days", "Account-days of the newest run by terminal state.", "state")
        self._blocked = self._gauge("trimtab_blocked_steps", "Steps that are blocked.")
        self._alerts = self._gauge("trimtab_alerts_unacknowledged", "Alerts that nobody has acknowledged.")
        self._unsent = self._gauge("trimtab_outbox_unsent", "Commands that the relay has not sent yet.")
        self._head = self._gauge("trimtab_event_head", "The number of the last published event.")
        self._unpublished = self._gauge("trimtab_events_unpublished", "Events that the sequencer has not numbered yet.")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, ["firm", *labels], registry=self._registry)

    async def scrape(self) -> bytes:
        """The exposition, after a look at each firm."""
        async with self._turn:
            for gauge in (self._heartbeat, self._runs, self._days):
                gauge.clear()  # a state that nobody is in any more must not keep its last figure
            for firm_id in await in_thread(self._firms):
                async with async_firm_transaction(self._engine, firm_id) as connection:
                    self._set(firm_id, await connection.run_sync(observe))
            return generate_latest(self._registry)

    def _set(self, firm_id: str, seen: Observations) -> None:
        for kind, age in seen.heartbeat_ages.items():
            self._heartbeat.labels(firm_id, kind).set(age)
        for status, count in seen.runs.items():
            self._runs.labels(firm_id, status).set(count)
        for state, count in seen.account_days.items():
            self._days.labels(firm_id, state).set(count)
        self._blocked.labels(firm_id).set(seen.blocked_steps)
        self._alerts.labels(firm_id).set(seen.unacknowledged_alerts)
        self._unsent.labels(firm_id).set(seen.unsent_commands)
        self._head.labels(firm_id).set(seen.event_head)
        self._unpublished.labels(firm_id).set(seen.unpublished_events)


def metrics_router(metrics: Metrics) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def scrape() -> Response:
        return Response(await metrics.scrape(), media_type=CONTENT_TYPE_LATEST)

    return router
