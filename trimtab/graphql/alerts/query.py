"""Queries about alerts."""

from datetime import date

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.day_pages import AlertFilter, alert_page, count_alerts
from trimtab.graphql.access import guarded
from trimtab.graphql.alerts.types import Alert, AlertConnection, AlertEdge, alert_cursor
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import NotAllowed
from trimtab.graphql.ids import iso_date, read_cursor
from trimtab.graphql.paging import DEFAULT_PAGE, cut, page_size


@strawberry.type
class AlertsQuery:
    @guarded(Operation.ACKNOWLEDGE_ALERT, description="Alerts, newest business date first.")
    async def alerts(
        self,
        info: Info,
        unacknowledged: bool = False,
        business_date: date | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> AlertConnection | None:
        info.context.own_role(Operation.ACKNOWLEDGE_ALERT)
        book = alerts_book(info.context)
        size, parts = page_size(first), read_cursor(after, 2)
        start = None if parts is None else (iso_date(parts[0]), parts[1])
        wanted = AlertFilter(unacknowledged, business_date)
        page = cut(await info.context.reader.run(lambda one: alert_page(one, book, wanted, size, start)), size)
        edges = [AlertEdge(cursor=alert_cursor(row), node=Alert.of(row)) for row in page.rows]
        return AlertConnection(
            count=lambda one: count_alerts(one, book, wanted), edges=edges, page_info=page.info(alert_cursor)
        )


def alerts_book(context: RequestContext) -> str | None:
    """Whose accounts' alerts alone are addressed to the principal: an advisor's. None is every alert of the firm.

    Who reads no accounts at all (administrators) sees them: they name no client.
    """
    try:
        return context.book(Operation.READ_ACCOUNT)
    except NotAllowed:
        return None
