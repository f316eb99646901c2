"""From what was delivered to what is analysed: corporate actions, findings, wash sale windows, the snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from trimtab.activities.doubts import why_barred
from trimtab.activities.holdings import RawHoldings, RawLot
from trimtab.activities.inputs import RunData
from trimtab.activities.splits import Split
from trimtab.db.profiles import OwnTrading
from trimtab.domain.account_settings import AccountSettings, Restriction, RestrictionKind
from trimtab.domain.accounts import Account, AccountId, CashBalance, Position, Standing
from trimtab.domain.corporate_actions import Holdings, SplitState, apply_split, split_state, times
from trimtab.domain.corporate_actions_sync import holdings_behind, model_behind
from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding, FindingScope, Outcome, PriceFaultPolicy
from trimtab.domain.lots import TaxLot
from trimtab.domain.money import ZERO, to_shares
from trimtab.domain.profile.applied import ProfileFacts, applied
from trimtab.domain.profile.glide import Glide
from trimtab.domain.profile.levels import Held
from trimtab.domain.profile.limits import limits_of, wishes_beyond
from trimtab.domain.profile.statements import Level
from trimtab.domain.restriction_lists import with_lists
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, WashWindows
from trimtab.domain.validation import (
    AccountHoldings,
    DeliveredLot,
    DeliveredPosition,
    validate_account,
)
from trimtab.domain.wash_sales import open_windows

_SALES_FEED: Final = "sales"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An account's holdings in units of the business date, with what was found on the way."""

    raw: RawHoldings
    positions: tuple[DeliveredPosition, ...]
    lots: tuple[RawLot, ...]
    cash: CashBalance | None
    findings: tuple[Finding, ...]  # splits that the custodian's own figures do not confirm


def prepare(run: RunData, raw: RawHoldings) -> Prepared:
    """Apply the day's splits to positions and lots. Applying them is safe to repeat: it starts from the raw file.

    A custodian that has booked a split already is believed when its own value says so (CA-7).
    """
    prepared = Prepared(raw, raw.positions, raw.lots, raw.cash, ())
    for split in run.findings.splits:
        prepared = _after_split(prepared, split)
    return prepared


def _after_split(prepared: Prepared, split: Split) -> Prepared:
    held = next((each for each in prepared.positions if each.security_id == split.security_id), None)
    if held is None or held.quantity == 0:
        return prepared
    ratio = split.action.split_ratio
    state = SplitState.BEFORE
    if split.close_before is not None:
        state = split_state(held.quantity, held.market_value, split.close_before, ratio)
    if state is SplitState.APPLIED:
        return prepared
    if state is SplitState.UNCLEAR:
        message = f"the custodian's shares and value of {split.security_id} fit neither side of its split"
        found = _account_finding(prepared.raw, DataCode.CA_UNSYNCED, message)
        return replace(prepared, findings=(*prepared.findings, found))
    return _in_new_shares(prepared, split)


def _in_new_shares(prepared: Prepared, split: Split) -> Prepared:
    account_id, concerned = prepared.raw.account.id, split.security_id
    lots = [lot for lot in prepared.lots if lot.security_id == concerned]
    positions = [each for each in prepared.positions if each.security_id == concerned]
    after = apply_split(
        Holdings(
            account_id=account_id,
            lots=tuple(_tax_lot(account_id, lot) for lot in lots),
            positions=tuple(Position(concerned, each.quantity, each.market_value) for each in positions),
        ),
        split.action,
    )
    by_id = {lot.id: lot for lot in after.lots}
    moved = iter(after.positions)
    in_lieu = sum((paid.proceeds for paid in after.cash_in_lieu), ZERO)
    return replace(
        prepared,
        positions=tuple(
            _moved(each, next(moved)) if each.security_id == concerned else each for each in prepared.positions
        ),
        lots=tuple(
            _split_lot(lot, by_id[lot.lot_id]) if lot.security_id == concerned else lot
            for lot in prepared.lots
            if lot.security_id != concerned or lot.lot_id in by_id
        ),
        # Cash in lieu is announced, not settled.
        cash=prepared.cash
        if prepared.cash is None
        else replace(prepared.cash, unsettled=prepared.cash.unsettled + in_lieu),
    )


def _moved(before: DeliveredPosition, after: Position) -> DeliveredPosition:
    return replace(before, quantity=after.quantity, market_value=after.market_value)


def _split_lot(lot: RawLot, after: TaxLot) -> RawLot:
    cost = None if lot.cost is None else after.cost
    return replace(lot, quantity=after.quantity, cost=cost, wash_adjustment=after.wash_adjustment)


def _tax_lot(account_id: AccountId, lot: RawLot) -> TaxLot:
    return TaxLot(
        id=lot.lot_id,
        account_id=account_id,
        security_id=lot.security_id or SecurityId(lot.security_key),
        quantity=lot.quantity,
        acquired_on=lot.acquired_on,
        cost=lot.cost or ZERO,
        holding_start=lot.holding_start,
        wash_adjustment=lot.wash_adjustment,
        purchase_id=lot.purchase_id,
        covered=lot.covered,
    )


# --- findings -----------------------------------------------------------------------------------------------------


def findings_of(run: RunData, prepared: Prepared) -> tuple[Finding, ...]:
    """Every fault of the account's inputs. A file that did not come or was refused hides what else is wrong."""
    raw = prepared.raw
    if raw.account.standing is not Standing.CLOSED:
        of_feeds = tuple(_feed_findings(run, raw))
        if of_feeds:
            return of_feeds
    settings, account = settings_of(run, prepared), account_of(run, raw)
    model_id = account.model_id
    found = validate_account(
        AccountHoldings(
            account=account,
            settings=settings,
            model=run.models.get(model_id) if model_id is not None else None,
            positions=prepared.positions,
            lots=tuple(_delivered(lot) for lot in prepared.lots),
            cash=raw.cash,
        ),
        run.facts,
        run.manifest.business_date,
        run.policy,
        raise_cash=run.manifest.raise_cash,
    )
    if raw.account.standing is Standing.CLOSED:
        return found
    return (*_row_findings(raw), *prepared.findings, *_shared_findings(run, prepared), *found)


def _feed_findings(run: RunData, raw: RawHoldings) -> Iterator[Finding]:
    for kind, feed in run.manifest.feeds.items():
        if feed.delivery_id is None and (kind != _SALES_FEED or raw.household_taxable):
            yield Finding(_code(feed.code), FindingScope.FIRM, run.manifest.firm_id, feed.message, Outcome.SUSPEND)


def _row_findings(raw: RawHoldings) -> Iterator[Finding]:
    for fault in raw.faults:
        yield _account_finding(raw, _code(fault.code, DataCode.ROW_UNREADABLE), fault.message)
    if raw.settings is None:
        yield _account_finding(raw, DataCode.SETTINGS_INVALID, "the account has no settings")


def _shared_findings(run: RunData, prepared: Prepared) -> Iterator[Finding]:
    """What freezing found about securities that the account holds, and about its model."""
    fault = Outcome.FREEZE if run.policy is PriceFaultPolicy.FREEZE else Outcome.SUSPEND
    for position in prepared.positions:
        code = run.findings.barred.get(position.security_id) if position.security_id is not None else None
        if code is not None and position.quantity != 0:
            message = why_barred(code, str(position.security_id))
            yield Finding(code, FindingScope.SECURITY, str(position.security_id), message, fault)
    yield from _event_findings(run, prepared)
    model_id = prepared.raw.account.model_id
    for message in run.findings.model_faults.get(str(model_id), ()):
        yield Finding(DataCode.MODEL_INVALID, FindingScope.MODEL, str(model_id), message, Outcome.SUSPEND)


def _event_findings(run: RunData, prepared: Prepared) -> Iterator[Finding]:
    """Events that took effect and that the account's custodian, or its model, has not applied yet (W-F2)."""
    on, model_id = run.manifest.business_date, prepared.raw.account.model_id
    model = run.models.get(model_id) if model_id is not None else None
    held_since = _held_since(prepared)
    for event in run.findings.events:
        if event.ex_on < on and holdings_behind(event, held_since, on):
            message = f"the custodian has not booked {event.event_id} ({event.kind}) of {event.security_id} yet"
            yield _account_finding(prepared.raw, DataCode.CA_UNSYNCED, message)
        if model is not None and model_behind(event, model.weights, on):
            message = f"model {model.id} still targets {event.security_id}, which {event.event_id} has ended"
            yield Finding(DataCode.CA_UNSYNCED, FindingScope.MODEL, str(model.id), message, Outcome.SUSPEND)


def _held_since(prepared: Prepared) -> dict[SecurityId, date]:
    """When the oldest lot of each security held was acquired; a position without lots is taken for an old one."""
    since = {each.security_id: date.min for each in prepared.positions if each.security_id and each.quantity != 0}
    first: dict[SecurityId, date] = {}
    for lot in prepared.lots:
        if lot.security_id in since:
            first[lot.security_id] = min(lot.acquired_on, first.get(lot.security_id, lot.acquired_on))
    return {**since, **first}


def _code(word: str, otherwise: DataCode = DataCode.FEED_MISSING) -> DataCode:
    return DataCode(word) if word in DataCode.__members__ else otherwise


def _account_finding(raw: RawHoldings, code: DataCode, message: str) -> Finding:
    return Finding(code, FindingScope.ACCOUNT, raw.account.id, message, Outcome.SUSPEND)


def _delivered(lot: RawLot) -> DeliveredLot:
    return DeliveredLot(
        lot_id=lot.lot_id,
        security_id=lot.security_id,
        security_key=lot.security_key,
        quantity=lot.quantity,
        acquired_on=lot.acquired_on,
        cost=lot.cost,
        holding_start=lot.holding_start,
        gift_or_inheritance=lot.gift_or_inheritance,
        restricted=lot.restricted,
    )


# --- the snapshot -------------------------------------------------------------------------------------------------


def snapshot_of(run: RunData, prepared: Prepared, frozen: Mapping[SecurityId, str]) -> AccountSnapshot:
    """The account as it is analysed. Only for an account whose data are sound."""
    raw = prepared.raw
    account_id = raw.account.id
    return AccountSnapshot(
        business_date=run.manifest.business_date,
        as_of=run.manifest.as_of,
        account=account_of(run, raw),
        positions=tuple(sorted(_positions(prepared.positions), key=lambda each: each.security_id)),
        lots=tuple(sorted((_tax_lot(account_id, lot) for lot in prepared.lots), key=lambda lot: lot.id)),
        cash=prepared.cash or CashBalance(ZERO),
        settings=_kept_shares(_not_yet_bought(settings_of(run, prepared), run, raw), prepared.lots),
        wash_windows=_windows(run, prepared),
        frozen=dict(sorted(frozen.items())),
        incumbent=raw.incumbent,
    )


def account_of(run: RunData, raw: RawHoldings) -> Account:
    """The account, following the mix of today where it glides from its model to another."""
    said, base = raw.decided.get("glide_path"), raw.account.model_id
    glide = Glide.on(said.statement, run.manifest.business_date) if said is not None else None
    return raw.account if glide is None or base is None else replace(raw.account, model_id=glide.id_from(base))


_CLIENTS: Final = (Level.ADVISOR, Level.HOUSEHOLD, Level.ACCOUNT)
"""Whose wishes are measured by the customisation limits; the firm's own rules are not."""


def beyond_limits(run: RunData, prepared: Prepared) -> tuple[str, ...]:
    """How the client's wishes go beyond the limits tonight, without those that somebody has approved (M5b)."""
    raw = prepared.raw
    limits = limits_of(raw.account.programme, run.manifest.limits)
    model = run.models.get(raw.account.model_id) if raw.account.model_id is not None else None
    if limits is None or model is None:
        return ()
    wishes = {place: held for place, held in raw.decided.items() if held.level in _CLIENTS and held.exception is None}
    settings = _with_decided(run, prepared, wishes, raw.settings or AccountSettings())
    return wishes_beyond(limits, settings, model, run.market.securities, run.market.risk_model)


def settings_of(run: RunData, prepared: Prepared) -> AccountSettings:
    """What the accounts file states, with the firm's lists and everything that people have decided in its profile."""
    raw = prepared.raw
    base = with_lists(raw.settings or AccountSettings(), raw.account, run.findings.lists)
    return _with_decided(run, prepared, raw.decided, base)


def _with_decided(
    run: RunData, prepared: Prepared, decided: Mapping[str, Held], base: AccountSettings
) -> AccountSettings:
    raw = prepared.raw
    if not decided:
        return base
    cash = prepared.cash or CashBalance(ZERO)
    model = run.models.get(raw.account.model_id) if raw.account.model_id is not None else None
    held = {each.security_id for each in prepared.positions if each.security_id is not None}
    names = held | set(model.weights if model is not None else ())
    securities, prices = run.market.securities, run.market.prices
    trading = raw.trading or OwnTrading()
    facts = ProfileFacts(
        on=run.manifest.business_date,
        account_value=sum((each.market_value for each in prepared.positions), cash.trade_date_total),
        settled_cash=cash.settled,
        tier=raw.account.tier,
        kinds=frozenset(securities[name].kind for name in names if name in securities),
        short_term_realised=trading.short_term,
        long_term_realised=trading.long_term,
        last_traded_on=trading.last_traded_on,
        prices={name: prices[name].close for name in names if name in prices},
        lists=raw.lists,
    )
    return applied(base, decided, facts)


def _not_yet_bought(settings: AccountSettings, run: RunData, raw: RawHoldings) -> AccountSettings:
    """The settings with a rule for each name of the model that is not complete: it is held, and never bought (D11)."""
    model = run.models.get(raw.account.model_id) if raw.account.model_id is not None else None
    names = sorted(model.weights.keys() & run.findings.incomplete.keys()) if model is not None else []
    rules = [Restriction(RestrictionKind.NEVER_BUY, name, run.findings.incomplete[name]) for name in names]
    return replace(settings, restrictions=(*settings.restrictions, *rules)) if rules else settings


def _kept_shares(settings: AccountSettings, lots: Sequence[RawLot]) -> AccountSettings:
    """The settings with a rule for each security of which shares are pledged or legended: none of it is sold (74).

    A broker sells shares of a security, not lots, so the free ones stay too. "Never hold" becomes "never buy" for it.
    """
    kept = sorted({lot.security_id for lot in lots if lot.restricted and lot.security_id is not None})
    if not kept:
        return settings
    rules = [
        replace(rule, kind=RestrictionKind.NEVER_BUY)
        if rule.kind is RestrictionKind.NEVER_HOLD and rule.security_id in kept
        else rule
        for rule in settings.restrictions
    ]
    rules += [Restriction(RestrictionKind.NEVER_SELL, name, "restricted shares") for name in kept]
    return replace(settings, restrictions=tuple(rules))


def _positions(delivered: Sequence[DeliveredPosition]) -> Iterator[Position]:
    for each in delivered:
        quantity = to_shares(each.quantity)
        if each.security_id is not None and quantity != 0:
            yield Position(each.security_id, quantity, each.market_value)


def _windows(run: RunData, prepared: Prepared) -> WashWindows:
    """The household's open windows, in units of the business date (WS-11)."""
    raw, splits = prepared.raw, (*run.findings.earlier_splits, *run.findings.splits)
    sales = [
        replace(sale, quantity=_in_units_of_today(sale.quantity, sale.security_id, sale.sold_on, splits))
        for sale in raw.sales
    ]
    others = [
        replace(lot, quantity=_in_units_of_today(lot.quantity, lot.security_id, run.manifest.as_of, splits))
        for lot in raw.household_lots
    ]
    purchases = [
        replace(each, quantity=_in_units_of_today(each.quantity, each.security_id, each.bought_on, splits))
        for each in raw.purchases
    ]
    own = [_tax_lot(raw.account.id, lot) for lot in prepared.lots]
    return open_windows(run.manifest.business_date, sales, [*own, *others], run.market.securities, purchases)


def _in_units_of_today(quantity: Decimal, security_id: SecurityId, on: date, splits: Sequence[Split]) -> Decimal:
    """Shares counted on the day `on` in shares of the business date."""
    for split in splits:
        if split.security_id == security_id and on < split.ex_on:
            quantity = times(quantity, split.action.split_ratio)
    return quantity
