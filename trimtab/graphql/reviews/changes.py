"""What is otherwise than what a person saw: for a decision that lost a race or went stale."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import strawberry
from sqlalchemy import Row

from trimtab.domain.decisions import DecisionStatus
from trimtab.domain.lifecycle import Stage
from trimtab.graphql.context import Info
from trimtab.graphql.history.types import actor
from trimtab.graphql.securities import symbols_of

Body = Mapping[str, Any]
_DONE: Final = {
    "APPROVE": "approved it",
    "REJECT": "rejected it",
    "CLEAR": "ended the compliance review",
    "REFRESH": "asked for a new analysis",
}
_FIGURES: Final = (("tax", "Tax"), ("cost", "Cost"))


@strawberry.type(description="One thing that is otherwise than what was seen.")
class Change:
    code: str = strawberry.field(
        description="DECIDED, APPROVAL_VOIDED, MOVED, ENDED, SUSPENDED, TRADE_ADDED, TRADE_DROPPED, TRADE_CHANGED, "
        "FIGURE_CHANGED."
    )
    sentence: str
    at: datetime | None = None


async def changes_since(info: Info, day: Row[Any], seen_hash: str, seen_version: int) -> list[Change]:
    """Decisions since, where the day stands now, and how the standing proposal differs from the one that was seen."""
    loaders = info.context.loaders
    told = await _decided(info, day, seen_version)
    told += _voided(await loaders.passes.load(day.account_day_id), seen_hash)
    told += list(_place(day))
    suspended = await loaders.suspensions(info.context.firm_id).load(day.account_id)
    told += [
        Change(code="SUSPENDED", sentence=f"It is suspended: {row.reason}", at=row.recorded_at) for row in suspended
    ]
    if day.proposal_id is not None and seen_hash != day.proposal_hash:
        told += await _proposal(info, day, seen_hash)
    return told


async def _decided(info: Info, day: Row[Any], seen_version: int) -> list[Change]:
    decisions = await info.context.loaders.decisions.load(day.account_day_id)
    since = [
        row
        for row in decisions
        if row.status == DecisionStatus.ACCEPTED.value
        and (row.envelope or {}).get("account_day_version", -1) >= seen_version
    ]
    told = []
    for row in since:
        who = (await actor(info, row.actor)).name
        because = f": {row.reason}" if row.reason and row.kind != "APPROVE" else ""
        sentence = f"{who} {_DONE.get(row.kind, 'decided')}{because}"
        told.append(Change(code="DECIDED", sentence=_ended(sentence), at=row.recorded_at))
    return told


def _voided(passes: list[Row[Any]], seen_hash: str) -> list[Change]:
    """An approval of what was seen that did not hold."""
    rows = [row for row in passes if row.kind == "STAGE_APPROVE" and _next(row) == Stage.ANALYZE.value]
    analysed = [row for row in passes if row.kind == "STAGE_ANALYZE" and row.body.get("proposal") == seen_hash]
    if not rows or (analysed and rows[-1].seq < analysed[-1].seq):
        return []
    outcome = rows[-1].body["outcome"]
    sentence = f"An approval did not hold: {outcome.get('reason') or outcome.get('code')}."
    return [Change(code="APPROVAL_VOIDED", sentence=sentence, at=rows[-1].recorded_at)]


def _next(row: Row[Any]) -> Any:
    return (row.body.get("outcome") or {}).get("next")


def _place(day: Row[Any]) -> Iterator[Change]:
    if day.terminal_state is not None:
        code = f" ({day.terminal_code})" if day.terminal_code else ""
        yield Change(code="ENDED", sentence=f"Its day has ended as {day.terminal_state}{code}.", at=day.updated_at)
    elif not day.current:
        yield Change(code="MOVED", sentence="A later attempt of the day has taken over.", at=day.updated_at)
    elif day.stage != Stage.REVIEW.value:
        yield Change(code="MOVED", sentence=f"It stands in {day.stage} now.", at=day.updated_at)


async def _proposal(info: Info, day: Row[Any], seen_hash: str) -> list[Change]:
    loaders = info.context.loaders
    versions = await loaders.versions.load(day.account_day_id)
    seen = [row for row in versions if row.content_hash == seen_hash]
    if not seen:
        return [Change(code="TRADE_CHANGED", sentence="Another proposal stands; the one that was seen is unknown.")]
    before, now = await loaders.proposal.load_many([seen[-1].proposal_id, day.proposal_id])
    if before is None or now is None:
        return []
    legs = [trade["security_id"] for row in (before, now) for trade in row.body["trades"]]
    symbols = await symbols_of(info, sorted(set(legs)))
    return [*compare_trades(before.body, now.body, symbols), *_figures(before.body, now.body)]


def compare_trades(before: Body, now: Body, symbols: Mapping[str, str]) -> Iterator[Change]:
    """Legs that are new, gone, or of another quantity or price."""
    old, new = _legs(before), _legs(now)
    for key in sorted(old.keys() | new.keys()):
        name = symbols.get(key, key)
        if key not in old:
            yield Change(code="TRADE_ADDED", sentence=f"New: {_leg(new[key], name)}.")
        elif key not in new:
            yield Change(code="TRADE_DROPPED", sentence=f"Gone: {_leg(old[key], name)}.")
        elif _leg(old[key], name) != _leg(new[key], name):
            yield Change(code="TRADE_CHANGED", sentence=f"{_leg(new[key], name)}, before: {_leg(old[key], name)}.")


def _figures(before: Body, now: Body) -> Iterator[Change]:
    for name, label in _FIGURES:
        old, new = Decimal(before[name]), Decimal(now[name])
        if old != new:
            yield Change(code="FIGURE_CHANGED", sentence=f"{label} {_dollars(new)}, before {_dollars(old)}.")


def _legs(body: Body) -> dict[str, Body]:
    return {trade["security_id"]: trade for trade in body["trades"]}


def _leg(trade: Body, name: str) -> str:
    quantity = f"{Decimal(trade['quantity']).normalize():f}"
    return f"{trade['side'].capitalize()} {quantity} {name} at ${Decimal(trade['price']):,.2f}"


def _dollars(amount: Decimal) -> str:
    return f"-${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
