"""Delivered facts as of a day, as they were known at an instant."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.decisions import Allowed
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.bitemporal import SETTINGS_OF, delivery_known, facts_known, setting_known
from trimtab.db.history import accounts_by_id
from trimtab.db.published_models import is_embargoed, market_now, without_weights
from trimtab.domain.records import plain
from trimtab.feeds.layouts import LAYOUTS, FeedKind
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput, NotAllowed
from trimtab.graphql.ids import cursor, key_of, read_cursor, search_text
from trimtab.graphql.paging import Page, PageInfo, cut

_OF_SETTINGS: Final = {FeedKind.RESTRICTIONS: ("restrictions", "weight_bands"), FeedKind.CASH_NEEDS: ("cash_needs",)}


@strawberry.type(description="Rows of one delivery. They never change: a corrected file is another delivery.")
class DeliveredFacts:
    kind: str
    as_of: date | None = strawberry.field(description="The session that the rows are of.")
    delivery_id: strawberry.ID | None = strawberry.field(description="Null for settings, which versions hold.")
    source: str | None
    known_since: datetime | None
    rows: list[JSON] = strawberry.field(description="Columns as in docs/feeds.md; numbers as text.")
    page_info: PageInfo


def check_question(info: Info, kind: str, account_id: str | None, security: str | None) -> tuple[FeedKind, str | None]:
    """The kind and the account's key. Raises BadInput, and NotAllowed for who may read no accounts."""
    try:
        known = FeedKind(kind)
    except ValueError:
        raise BadInput(f"there is no kind of file {kind[:40]!r}") from None
    if known is FeedKind.PROVIDER_MODELS:
        raise BadInput("the models of providers are answered by `providerModels`")
    is_settings = known in SETTINGS_OF
    needs_account = LAYOUTS[known].of_accounts
    if needs_account and account_id is None:
        raise BadInput(f"{kind} are of accounts: name one")
    if not needs_account and account_id is not None:
        raise BadInput(f"{kind} are of no account")
    if is_settings and not needs_account and security is None:
        raise BadInput("name the model or the list in `security`")
    if known is FeedKind.RESTRICTION_LISTS:
        _require_lists(info)
    else:
        info.context.book(Operation.READ_ACCOUNT)
    return known, None if account_id is None else key_of("Account", account_id)


def _require_lists(info: Info) -> None:
    """What a firm may not trade is no advisor's to read. Raises NotAllowed."""
    whom = Subject(info.context.firm_id)
    acts = (Act.READ, Act.PROPOSE, Act.VERIFY)
    if not any(isinstance(info.context.decide(Operation.EDIT_RESTRICTION_LISTS, whom, act), Allowed) for act in acts):
        raise NotAllowed("NOT_PERMITTED")


def delivered_facts(
    one: Connection,
    book: str | None,
    kind: FeedKind,
    as_of: date,
    known_at: datetime,
    account_id: str | None,
    security: str | None,
    size: int,
    after: str | None,
    sees_embargoed: bool,
) -> DeliveredFacts | None:
    """None for an account that the asker may not see, and when nothing was known of the day by then.

    A model under embargo has weights only for who `sees_embargoed`.
    """
    if account_id is not None and not accounts_by_id(one, [account_id], book):
        return None
    if kind in SETTINGS_OF:
        value = setting_known(one, SETTINGS_OF[kind], account_id or security or "", as_of, known_at)
        if value is None:
            return None
        hidden = kind is FeedKind.MODELS and not sees_embargoed and is_embargoed(value, market_now(one))
        return _settings(kind, as_of, without_weights(value) if hidden else value)
    told_by = delivery_known(one, kind, as_of, known_at)
    if told_by is None:
        return None
    parts = read_cursor(after, 1)
    rows = facts_known(
        one,
        told_by,
        account_id=account_id,
        security=search_text("security", security),
        after_line=_line(parts[0]) if parts else 0,
        limit=size + 1,
    )
    page: Page[dict[str, Any]] = cut(rows, size)
    return DeliveredFacts(
        kind=kind,
        as_of=told_by.as_of,
        delivery_id=strawberry.ID(told_by.delivery_id),
        source=told_by.source,
        known_since=told_by.recorded_at,
        rows=[JSON(plain(row)) for row in page.rows],
        page_info=page.info(lambda row: cursor(str(row["line"]))),
    )


def _line(text: str) -> int:
    if not text.isdigit() or len(text) > 9:
        raise BadInput("this is not a cursor of this list")
    return int(text)


def _settings(kind: FeedKind, on: date, value: Mapping[str, Any]) -> DeliveredFacts:
    wanted = _OF_SETTINGS.get(kind)
    shown = value if wanted is None else {name: value.get(name) for name in wanted}
    return DeliveredFacts(
        kind=kind,
        as_of=on,
        delivery_id=None,
        source=None,
        known_since=None,
        rows=[JSON(shown)],
        page_info=PageInfo(has_next_page=False, end_cursor=None),
    )
