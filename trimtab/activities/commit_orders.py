"""The trade stage's first half: one transaction that re-checks the approval and commits the orders.

Everything that an approval rested on may have changed since: the transaction locks the tax household and the
account, looks at it all again, and only then inserts intents. What it finds wanting sends the account-day
back to where it can be mended; it never sends less than what was approved.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select

from trimtab.activities.review import approvals_needed
from trimtab.auth.matrix import Role
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.account_days import lock_day, stands_at, unpark
from trimtab.db.content import get_content
from trimtab.db.decisions import accepted_approvals, open_suspensions
from trimtab.db.orders import (
    cash_moved,
    earlier_open_intents,
    household_trades_today,
    insert_intents,
    intents_of,
    kinds_of,
    lock_household_and_account,
    proposal_row,
    reserved_cash,
    taken_from_lots,
    wash_keys,
)
from trimtab.db.stages import StageResult, get_or_compute, visits
from trimtab.db.tables import person, proposal, record
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import HoldCode, Lane, Stage, Standstill, TerminalState
from trimtab.domain.lots import TaxLot
from trimtab.domain.money import CENT, ZERO
from trimtab.domain.orders import IntentStatus, Side, intent_id
from trimtab.domain.proposals import LotSale, ProposedTrade, RebalanceProposal
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot
from trimtab.domain.wash_sales import HouseholdTrade, WashConflictCode, wash_conflicts

POLICY_ACTOR = "policy:"
"""An approval by the firm's own policy carries this prefix and the filter's version."""

APPROVING_ROLES = frozenset({Role.OVERLAY_MANAGER.value, Role.COMPLIANCE.value})
"""Whoever approved must still hold one of these when the orders are committed (rows 16 and 17), but for row 18."""

ROUNDS = 3
"""How often conflicts in the household, each another, send an account back to be analysed before it is parked."""

_PROPOSALS: TypeAdapter[RebalanceProposal] = TypeAdapter(RebalanceProposal)


class RunSuperseded(TrimtabError):
    """The account has moved on to another run; this one may not trade it."""

    code = "RUN_SUPERSEDED"


class ProposalChanged(TrimtabError):
    """The stored proposal no longer has the hash that was approved."""

    code = "PROPOSAL_CHANGED"


class WashSaleStands(TrimtabError):
    """Each new analysis wants what the household's trades of the day forbid: a person has to settle it."""

    code = "WASH_SALE_STANDS"


class LotOversold(TrimtabError):
    """The proposal sells more of a lot than the account has left of it."""

    code = "LOT_OVERSOLD"


class CashShort(TrimtabError):
    """The proposal's purchases need more cash than the account has."""

    code = "CASH_SHORT"


def commit_orders(connection: Connection, ref: AccountDayRef, *, build: str) -> StageOutcome:
    """Insert the approved proposal's intents, with the lots and cash that they reserve, all or nothing.

    Repeating it after it has committed changes nothing. Goes back to INGEST when a household member's trades
    of the day conflict (WASH_SALE_PEER) and to ANALYZE when the approval no longer stands; ends HELD when an
    earlier day's order is still open. Raises RunSuperseded, ProposalChanged, WashSaleStands, LotOversold, CashShort.
    """
    owner = lock_household_and_account(connection, ref.account_id)
    day = lock_day(connection, ref)
    if intents_of(connection, ref.account_day_id):
        if stands_at(day, Stage.TRADE) and day.stage == Standstill.BLOCKED:
            unpark(connection, ref, day)
        return StageOutcome(Stage.TRADE, Standstill.TRADE)
    if stands_at(day, Stage.TRADE) and owner.current_run != ref.run_id:
        raise RunSuperseded(f"account {ref.account_id} belongs to run {owner.current_run}, not {ref.run_id}")
    inputs = {"step": "commit", "proposal": day.proposal_hash, "visit": visits(connection, ref, Stage.TRADE)}
    return get_or_compute(
        connection, ref, Stage.TRADE, inputs, lambda: _commit(connection, ref, owner, day, build), build=build
    )


def _commit(connection: Connection, ref: AccountDayRef, owner: Row[Any], day: Row[Any], build: str) -> StageResult:
    if earlier_open_intents(connection, ref.account_id, ref.business_date):
        return _held(HoldCode.PRIOR_ORDER_OPEN, "an order of an earlier day has no known end")
    suspensions = open_suspensions(connection, ref)
    if suspensions:
        return _back_to(Standstill.SUSPENDED, suspensions[0].code, suspensions[0].reason)
    stored = proposal_row(connection, day.proposal_id)
    if content_hash(stored.body) != day.proposal_hash:
        raise ProposalChanged(f"proposal {day.proposal_id} was changed after it was approved")
    if not _approved(connection, ref, owner, day):
        return _back_to(Stage.ANALYZE, "APPROVAL_STALE", "the approval no longer stands")
    trades = _PROPOSALS.validate_python(stored.body, strict=False).trades
    keys = wash_keys(connection, ref.business_date, [trade.security_id for trade in trades])
    peers = household_trades_today(connection, owner.household_id, ref.business_date, ref.account_day_id)
    snapshot = get_content(connection, day.snapshot_hash, AccountSnapshot)
    conflicts = wash_conflicts(_legs(snapshot, trades, keys), peers)
    if conflicts:
        reason = "; ".join(each.message for each in conflicts)
        _require_hope(connection, ref, reason)
        return _back_to(Stage.INGEST, conflicts[0].code, reason)
    _require_lots(connection, snapshot, trades)
    prices = _commissions(connection, snapshot, trades)
    _require_cash(connection, snapshot, trades, prices)
    intents = _insert(connection, ref, owner, day, stored.version, snapshot, trades, keys, prices, build)
    return StageResult(StageOutcome(Stage.TRADE, Standstill.TRADE), {"step": "commit", "intents": intents})


def _require_hope(connection: Connection, ref: AccountDayRef, reason: str) -> None:
    """The analysis bars what the peers' trades of the day forbid: a new one helps, unless it was not told of them.

    So the same conflict a second time is a person's to settle, at once; peers that trade on while the account is
    analysed may send it back with other conflicts, a few times.
    """
    outcome = record.c.body["outcome"]
    reasons = connection.scalars(
        select(outcome["reason"].astext).where(
            record.c.account_id == ref.account_id,
            record.c.account_day_id == ref.account_day_id,
            outcome["code"].astext.in_([each.value for each in WashConflictCode]),
        )
    ).all()
    if reason in reasons or len(reasons) >= ROUNDS:
        raise WashSaleStands(f"analysed again, it still meets the household's own trades of the day: {reason}")


def _back_to(where: Stage | Standstill, code: str, reason: str) -> StageResult:
    return StageResult(StageOutcome(Stage.TRADE, where, code=code, reason=reason), {"step": "commit"})


def _held(code: HoldCode, reason: str) -> StageResult:
    outcome = StageOutcome(Stage.TRADE, Stage.RECORD, terminal=TerminalState.HELD, code=code, reason=reason)
    return StageResult(outcome, {"step": "commit"})


def _approved(connection: Connection, ref: AccountDayRef, owner: Row[Any], day: Row[Any]) -> bool:
    """Approved as it stands: by the policy in its own lane, else by enough persons who may still approve."""
    approvals = accepted_approvals(connection, ref, day.proposal_hash)
    if day.lane == Lane.AUTOMATED:
        return any(row.actor.startswith(POLICY_ACTOR) for row in approvals)
    proposers = set(
        connection.scalars(select(proposal.c.proposed_by).where(proposal.c.account_day_id == ref.account_day_id))
    )
    involved = {name for row in approvals for name in (row.actor, row.on_behalf_of) if name is not None}
    active = connection.execute(select(person).where(person.c.person_id.in_(involved), person.c.active))
    people = {row.person_id: row for row in active}
    needed = approvals_needed(connection, ref)
    # Up to the limit, an account without discretion is its advisor's to approve, with the client's consent (row 18).
    is_advisors = needed == 1 and not owner.profile.get("discretionary", True)
    standing = {
        row.actor
        for row in approvals
        if not proposers & {row.actor, row.on_behalf_of}
        and _still_may(people.get(row.actor), people.get(row.on_behalf_of or row.actor), owner, is_advisors)
    }
    return len(standing) >= needed


def _still_may(actor: Row[Any] | None, holder: Row[Any] | None, owner: Row[Any], is_advisors: bool) -> bool:
    """Whether who acted and whose right it was (the same but for acting on behalf) are still there and may approve."""
    if actor is None or holder is None:
        return False
    if is_advisors:
        return Role.ADVISOR.value in holder.roles and holder.advisor_id == owner.advisor_id
    return bool(APPROVING_ROLES & set(holder.roles))


def _legs(
    snapshot: AccountSnapshot, trades: Sequence[ProposedTrade], keys: Mapping[SecurityId, str]
) -> list[HouseholdTrade]:
    return [
        HouseholdTrade(snapshot.account.id, keys[trade.security_id], trade.side, realizes_loss(snapshot, trade))
        for trade in trades
    ]


def realizes_loss(snapshot: AccountSnapshot, trade: ProposedTrade) -> bool:
    """Whether a taxable account sells any lot at a loss: losses of an IRA are nobody's (WS-9).

    As in the analysis and its checker, a lot is at a loss that as a whole stands more than a cent below its basis.
    """
    if snapshot.account.tax_status is not TaxStatus.TAXABLE:
        return False
    below_basis = {sale.lot_id for sale in trade.lot_sales if sale.gain < 0}
    return any(lot.quantity * trade.price < lot.cost - CENT for lot in snapshot.lots if lot.id in below_basis)


def _require_lots(connection: Connection, snapshot: AccountSnapshot, trades: Sequence[ProposedTrade]) -> None:
    taken = taken_from_lots(connection, snapshot.account.id, snapshot.business_date)
    left = {lot.id: lot.quantity - taken.get(lot.id, ZERO) for lot in snapshot.lots}
    for trade in trades:
        for sale in trade.lot_sales:
            left[sale.lot_id] = left.get(sale.lot_id, ZERO) - sale.quantity
            if left[sale.lot_id] < 0:
                raise LotOversold(f"lot {sale.lot_id} is short of {-left[sale.lot_id]} shares for this sale")


def _commissions(
    connection: Connection, snapshot: AccountSnapshot, trades: Sequence[ProposedTrade]
) -> Mapping[SecurityId, Decimal]:
    """Dollars of each trade's order: the price of its kind of security."""
    settings, names = snapshot.settings, [trade.security_id for trade in trades]
    kinds = kinds_of(connection, snapshot.business_date, names) if settings.commission_by_kind else {}
    return {name: settings.commission_of(kinds.get(name)) for name in names}


def _require_cash(
    connection: Connection,
    snapshot: AccountSnapshot,
    trades: Sequence[ProposedTrade],
    prices: Mapping[SecurityId, Decimal],
) -> None:
    """Purchases may use the same day's proceeds (CS-3), and leave the reserve and announced withdrawals alone."""
    account_id, settings = snapshot.account.id, snapshot.settings
    spent = sum((_cash_of(trade, prices[trade.security_id]) for trade in trades), ZERO)
    held = snapshot.cash.trade_date_total + cash_moved(connection, account_id, snapshot.business_date)
    free = held - reserved_cash(connection, account_id) - settings.cash_reserve - settings.cash_needed
    if any(trade.side is Side.BUY for trade in trades) and spent > free:
        raise CashShort("the purchases need more than the account's free cash")


def _cash_of(trade: ProposedTrade, commission: Decimal) -> Decimal:
    """Dollars that the trade takes; negative for a sale."""
    return trade.notional + commission if trade.side is Side.BUY else commission - trade.notional


def _insert(
    connection: Connection,
    ref: AccountDayRef,
    owner: Row[Any],
    day: Row[Any],
    version: int,
    snapshot: AccountSnapshot,
    trades: Sequence[ProposedTrade],
    keys: Mapping[SecurityId, str],
    prices: Mapping[SecurityId, Decimal],
    build: str,
) -> list[str]:
    intents, lots, cash = [], [], []
    lots_now = {lot.id: lot for lot in snapshot.lots}
    attempt_and_version = f"{ref.attempt}.{version}"
    for leg, trade in enumerate(trades):
        identity = intent_id(ref.firm_id, ref.account_id, ref.business_date, attempt_and_version, leg)
        intents.append(
            {
                "firm_id": ref.firm_id,
                "intent_id": identity,
                "account_day_id": ref.account_day_id,
                "account_id": ref.account_id,
                "household_id": owner.household_id,
                "business_date": ref.business_date,
                "proposal_hash": day.proposal_hash,
                "leg": leg,
                "security_id": trade.security_id,
                "wash_key": keys[trade.security_id],
                "side": trade.side.value,
                "quantity": trade.quantity,
                "reference_price": trade.price,
                "realizes_loss": realizes_loss(snapshot, trade),
                "lot_sales": [_claim(sale, lots_now[sale.lot_id]) for sale in trade.lot_sales],
                "programme": snapshot.account.programme,
                "commission": prices[trade.security_id],
                "build": build,
                "status": IntentStatus.PENDING.value,
            }
        )
        held = {"firm_id": ref.firm_id, "intent_id": identity, "account_id": ref.account_id}
        if trade.side is Side.BUY:
            cash.append({**held, "amount": trade.notional + prices[trade.security_id]})
        lots += [{**held, "lot_id": sale.lot_id, "quantity": sale.quantity} for sale in trade.lot_sales]
    insert_intents(connection, intents, lots, cash)
    return [row["intent_id"] for row in intents]


def _claim(sale: LotSale, lot: TaxLot) -> object:
    """The lot as it stands now goes with the claim: the fill is posted against it, hours later."""
    return plain({"quantity": sale.quantity, "lot": lot})
