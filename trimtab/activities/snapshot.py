"""From what was delivered to what is analysed: corporate actions, findings, wash sale windows, the snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from trimtab.activities.doubts import why_barred
from trimtab.activities.holdings import RawHoldings, RawLot
from trimtab.activities.inputs import RunData
from trimtab.activities.prepared import Prepared, tax_lot
from trimtab.activities.splits import in_units_of_today
from trimtab.db.profiles import OwnTrading
from trimtab.domain.account_settings import AccountSettings, Restriction, RestrictionKind
from trimtab.domain.accounts import Account, CashBalance, Position, Standing
from trimtab.domain.corporate_actions_sync import holdings_behind, model_behind
from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding, FindingScope, Outcome, PriceFaultPolicy
from trimtab.domain.money import ZERO, to_shares
from trimtab.domain.profile.applied import ProfileFacts, applied, chosen_lists
from trimtab.domain.profile.glide import Glide
from trimtab.domain.profile.levels import Held
from trimtab.domain.profile.limits import limits_of, wishes_beyond
from trimtab.domain.profile.statements import Level
from trimtab.domain.restriction_lists import ListRule, binding, list_problems, obeyed, with_lists
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
            lots=tuple(_delivered(lot, run, prepared) for lot in prepared.lots),
            cash=raw.cash,
        ),
        run.facts,
        run.manifest.business_date,
        run.policy,
        raise_cash=run.manifest.raise_cash,
    )
    if raw.account.standing is Standing.CLOSED:
        return found
    return (
        *_row_findings(raw),
        *_list_findings(run, raw),
        *prepared.findings,
        *_shared_findings(run, prepared),
        *found,
    )


def _feed_findings(run: RunData, raw: RawHoldings) -> Iterator[Finding]:
    for kind, feed in run.manifest.feeds.items():
        if feed.delivery_id is None and (kind != _SALES_FEED or raw.household_taxable):
            yield Finding(_code(feed.code), FindingScope.FIRM, run.manifest.firm_id, feed.message, Outcome.SUSPEND)


def _row_findings(raw: RawHoldings) -> Iterator[Finding]:
    for fault in raw.faults:
        yield _account_finding(raw, _code(fault.code, DataCode.ROW_UNREADABLE), fault.message)
    if raw.settings is None:
        yield _account_finding(raw, DataCode.SETTINGS_INVALID, "the account has no settings")


def _list_findings(run: RunData, raw: RawHoldings) -> Iterator[Finding]:
    """A list that the account obeys and that nobody knows, or that came with faults: what it bars is not known."""
    bound = binding(run.lists, raw.account.id, raw.account.programme)
    for problem in list_problems(run.lists, obeyed(bound, chosen_lists(raw.decided))):
        yield _account_finding(raw, DataCode.SETTINGS_INVALID, problem)


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
    applied = {each.event_id for each in run.findings.due if each.is_confirmed}
    for event in run.findings.events:
        if event.event_id not in applied and event.ex_on < on and holdings_behind(event, held_since, on):
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


def _delivered(lot: RawLot, run: RunData, prepared: Prepared) -> DeliveredLot:
    """A lot that tonight's events made may be of the business date, and may have no basis (IRC 301, 307)."""
    if lot.lot_id in prepared.made:
        lot = replace(lot, acquired_on=min(lot.acquired_on, run.manifest.as_of), gift_or_inheritance=True)
        lot = replace(lot, holding_start=None)
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
        lots=tuple(sorted((tax_lot(account_id, lot) for lot in prepared.lots), key=lambda lot: lot.id)),
        cash=prepared.cash or CashBalance(ZERO),
        settings=_kept_shares(_not_yet_bought(settings_of(run, prepared), run, raw), prepared),
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
    settings = _with_decided(run, prepared, wishes, {})
    return wishes_beyond(limits, settings, model, run.market.securities, run.market.risk_model)


def settings_of(run: RunData, prepared: Prepared) -> AccountSettings:
    """What the accounts file states, with the firm's lists and everything that people have decided in its profile."""
    account = prepared.raw.account
    bound = binding(run.lists, account.id, account.programme)
    return _with_decided(run, prepared, prepared.raw.decided, bound)


def _inherited(settings: AccountSettings, heirs: Mapping[SecurityId, tuple[SecurityId, ...]]) -> AccountSettings:
    """The account's restrictions of a parent hold for what it spun off as well (CA-2)."""
    rules = [
        replace(rule, security_id=child)
        for rule in settings.restrictions
        for child in heirs.get(rule.security_id, ())
        if rule.security_id in heirs
    ]
    return replace(settings, restrictions=(*settings.restrictions, *rules)) if rules else settings


def _with_decided(
    run: RunData, prepared: Prepared, decided: Mapping[str, Held], bound: Mapping[str, ListRule]
) -> AccountSettings:
    raw = prepared.raw
    base = _inherited(raw.settings or AccountSettings(), run.findings.inheritors)
    if not decided:
        return with_lists(base, run.lists, bound)
    cash = prepared.cash or CashBalance(ZERO)
    model = run.models.get(raw.account.model_id) if raw.account.model_id is not None else None
    held = {each.security_id for each in prepared.positions if each.security_id is not None}
    names = held | set(model.weights if model is not None else ())
    prices = run.market.prices
    trading = raw.trading or OwnTrading()
    facts = ProfileFacts(
        on=run.manifest.business_date,
        account_value=sum((each.market_value for each in prepared.positions), cash.trade_date_total),
        settled_cash=cash.settled,
        tier=raw.account.tier,
        short_term_realised=trading.short_term,
        long_term_realised=trading.long_term,
        last_traded_on=trading.last_traded_on,
        prices={name: prices[name].close for name in names if name in prices},
        lists=run.lists,
        bound=bound,
    )
    return applied(base, decided, facts)


def _not_yet_bought(settings: AccountSettings, run: RunData, raw: RawHoldings) -> AccountSettings:
    """The settings with a rule for each name of the model that is not complete: it is held, and never bought (D11)."""
    model = run.models.get(raw.account.model_id) if raw.account.model_id is not None else None
    names = sorted(model.weights.keys() & run.findings.incomplete.keys()) if model is not None else []
    rules = [Restriction(RestrictionKind.NEVER_BUY, name, run.findings.incomplete[name]) for name in names]
    return replace(settings, restrictions=(*settings.restrictions, *rules)) if rules else settings


def _kept_shares(settings: AccountSettings, prepared: Prepared) -> AccountSettings:
    """The settings with a rule for each security of which shares are pledged or legended: none of it is sold (74).

    So with what an event entitles the account to until its custodian holds it. A broker sells shares of a security,
    not lots, so the free ones stay too. "Never hold" becomes "never buy" for it.
    """
    kept = dict.fromkeys(sorted(prepared.undelivered), "not delivered yet")
    kept |= {
        lot.security_id: "restricted shares" for lot in prepared.lots if lot.restricted and lot.security_id is not None
    }
    if not kept:
        return settings
    rules = [
        replace(rule, kind=RestrictionKind.NEVER_BUY)
        if rule.kind is RestrictionKind.NEVER_HOLD and rule.security_id in kept
        else rule
        for rule in settings.restrictions
    ]
    rules += [Restriction(RestrictionKind.NEVER_SELL, name, why) for name, why in sorted(kept.items())]
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
        replace(sale, quantity=in_units_of_today(sale.quantity, sale.security_id, sale.sold_on, splits))
        for sale in (*raw.sales, *prepared.sales)
    ]
    others = [
        replace(lot, quantity=in_units_of_today(lot.quantity, lot.security_id, run.manifest.as_of, splits))
        for lot in raw.household_lots
    ]
    purchases = [
        replace(each, quantity=in_units_of_today(each.quantity, each.security_id, each.bought_on, splits))
        for each in raw.purchases
    ]
    own = [tax_lot(raw.account.id, lot) for lot in prepared.lots]
    return open_windows(run.manifest.business_date, sales, [*own, *others], run.market.securities, purchases)
