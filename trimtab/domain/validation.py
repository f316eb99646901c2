"""Data checks of one account's day: never trade on bad input (`data_codes` lists every code).

Pure functions over what was delivered: they return findings and raise nothing for bad data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from trimtab.domain.account_checks import cash_findings, share_findings, value_findings
from trimtab.domain.accounts import Account, Standing, TaxStatus
from trimtab.domain.data_codes import CATALOGUE, DataCode, DataRule
from trimtab.domain.delivered import (
    AccountHoldings,
    DeliveredLot,
    DeliveredPosition,
    MarketFacts,
    of_account,
    of_security,
    suspend,
)
from trimtab.domain.findings import DataVerdict, Finding, FindingScope, Outcome, PriceFaultPolicy, verdict
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.price_checks import CODE_OF_STATUS, JudgedPrice
from trimtab.domain.securities import Security, SecurityId, SecurityKind
from trimtab.domain.settings_checks import has_undeclared_cash, model_problem, settings_problems

__all__ = [
    "CATALOGUE",
    "AccountHoldings",
    "DataCode",
    "DataRule",
    "DataVerdict",
    "DeliveredLot",
    "DeliveredPosition",
    "Finding",
    "FindingScope",
    "MarketFacts",
    "Outcome",
    "PriceFaultPolicy",
    "model_findings",
    "settings_problems",
    "unbuyable",
    "validate_account",
    "verdict",
]

DUST: Final = Decimal("0.000001")  # shares: less is rounding, not a holding (case 71)
LARGEST_QUANTITY: Final = Decimal(1_000_000_000)  # shares
LOT_TOLERANCE: Final = Decimal("0.0001")  # shares
VALUE_TOLERANCE: Final = Decimal("0.005")  # fraction of quantity times price
CENT: Final = Decimal("0.01")
DOLLARS: Final = "USD"
EARLIEST_LOT: Final = date(1900, 1, 1)
LEAST_RISK_COVERAGE: Final = Decimal("0.95")
MOST_REPLACED_WEIGHT: Final = Decimal("0.05")


def validate_account(
    holdings: AccountHoldings,
    market: MarketFacts,
    business_date: date,
    policy: PriceFaultPolicy = PriceFaultPolicy.SUSPEND,
    *,
    raise_cash: bool = False,
) -> tuple[Finding, ...]:
    """Every fault of one account's inputs. A closed account is told only that it is closed.

    `policy` and `raise_cash` are the firm's settings: what the fault of one security does, and whether an account
    whose cash is negative sells for it (cases 01 to 27, 77).
    """
    account = holdings.account
    if account.standing is Standing.CLOSED:
        return (of_account(account, DataCode.ACCOUNT_CLOSED, "the account is closed", Outcome.NO_TRADE),)
    return (
        *cash_findings(holdings, market, raise_cash=raise_cash),
        *_account_findings(holdings, market),
        *_position_findings(holdings, market, policy),
        *_lot_findings(holdings, business_date, market),
        *_lot_sum_findings(holdings),
        *_risk_findings(holdings, market),
        *_model_findings(holdings, market),
    )


def model_findings(model: ModelPortfolio, market: MarketFacts) -> tuple[Finding, ...]:
    """Faults of a model itself, told once for the model; each account that follows it has them too."""
    found = []
    problem = model_problem(model)
    if problem:
        found.append(_of_model(model, DataCode.MODEL_INVALID, problem, Outcome.SUSPEND))
    elif has_undeclared_cash(model):
        rest = Decimal(1) - model.invested_weight
        message = f"model {model.id} leaves {rest} undeclared; it counts as cash"
        found.append(_of_model(model, DataCode.UNDECLARED_CASH, message, Outcome.TELL))
    unknown = sorted(name for name in model.weights if name not in market.securities)
    if unknown:
        message = f"model {model.id} holds {', '.join(unknown)}, which the security master does not know"
        found.append(_of_model(model, DataCode.MODEL_UNKNOWN_SECURITY, message, Outcome.SUSPEND))
    return tuple(found)


def unbuyable(model: ModelPortfolio, market: MarketFacts) -> dict[SecurityId, DataCode]:
    """The model's names that must not be bought today, each with why: no good price, not tradable, no risk data."""
    barred: dict[SecurityId, DataCode] = {}
    for name, weight in model.weights.items():
        code = _why_unbuyable(name, market) if weight > 0 else None
        if code is not None:
            barred[name] = code
    return barred


def _why_unbuyable(name: SecurityId, market: MarketFacts) -> DataCode | None:
    security = market.securities.get(name)
    if security is None:
        return DataCode.MODEL_UNKNOWN_SECURITY
    if not security.tradable:
        return DataCode.NOT_TRADABLE
    if security.currency != DOLLARS:
        return DataCode.FX_MISSING
    if not market.price(name).is_good:
        return CODE_OF_STATUS[market.price(name).status]
    if not security.asset_class:
        return DataCode.UNCLASSIFIED
    if name not in market.risk_covered:
        return DataCode.RISK_COVERAGE
    return DataCode.UNCLASSIFIED if name in market.incomplete else None


def _account_findings(holdings: AccountHoldings, market: MarketFacts) -> Iterator[Finding]:
    account = holdings.account
    for problem in settings_problems(holdings.settings, holdings.model, market.securities):
        yield suspend(account, DataCode.SETTINGS_INVALID, problem)
    if not account.discretionary:
        message = "trades need the client's consent"
        yield of_account(account, DataCode.NON_DISCRETIONARY, message, Outcome.FLAG)
    yield from value_findings(holdings, market)
    yield from share_findings(holdings, market)


def _position_findings(holdings: AccountHoldings, market: MarketFacts, policy: PriceFaultPolicy) -> Iterator[Finding]:
    account = holdings.account
    fault = Outcome.SUSPEND if policy is PriceFaultPolicy.SUSPEND else Outcome.FREEZE
    for position in holdings.positions:
        if abs(position.quantity) < DUST:
            continue
        security = None if position.security_id is None else market.securities.get(position.security_id)
        if security is None:
            message = f"the security master does not know {position.security_key}"
            yield suspend(account, DataCode.UNKNOWN_SECURITY, message)
            continue
        yield from _quantity_findings(account, security, position)
        yield from _price_findings(account, security, position, market, fault)
        if not security.asset_class:
            yield of_security(security.id, DataCode.UNCLASSIFIED, f"{security.id} has no asset class", fault)
        if not security.tradable:
            # The holding itself is sound, so the rest of the account may trade whatever the policy is.
            message = f"{security.id} is delisted or halted"
            yield of_security(security.id, DataCode.NOT_TRADABLE, message, Outcome.FREEZE)


def _price_findings(
    account: Account, security: Security, position: DeliveredPosition, market: MarketFacts, fault: Outcome
) -> Iterator[Finding]:
    price = market.price(security.id)
    if security.currency != DOLLARS:
        message = f"{security.id} is priced in {security.currency}, and there is no rate for it"
        yield of_security(security.id, DataCode.FX_MISSING, message, fault)
    elif not price.is_good:
        message = f"the price of {security.id} is {price.status.words}"
        yield of_security(security.id, CODE_OF_STATUS[price.status], message, fault)
    elif _value_differs(position, price):
        value = position.quantity * (price.close or 0)
        message = f"{security.id} is worth {value} at its price, the custodian says {position.market_value}"
        yield suspend(account, DataCode.VALUE_MISMATCH, message)
    if _is_old_nav(security, price, market):
        message = f"the net asset value of {security.id} is of {price.as_of}"
        yield of_security(security.id, DataCode.NAV_OLD, message, Outcome.FLAG)


def _is_old_nav(security: Security, price: JudgedPrice, market: MarketFacts) -> bool:
    """Case 16: a fund's value of the session before counts as today's; an older one wants a look."""
    if security.kind is not SecurityKind.FUND or price.as_of is None or market.oldest_nav is None:
        return False
    return price.is_good and price.as_of < market.oldest_nav


def _quantity_findings(account: Account, security: Security, position: DeliveredPosition) -> Iterator[Finding]:
    if abs(position.quantity) >= LARGEST_QUANTITY:
        yield suspend(account, DataCode.QTY_RANGE, f"{position.quantity} shares of {security.id} cannot be right")
    elif position.quantity < 0:
        message = f"{position.quantity} shares of {security.id} in a long-only account"
        yield suspend(account, DataCode.SHORT_POSITION, message)


def _value_differs(position: DeliveredPosition, price: JudgedPrice) -> bool:
    """More than 0.5 % apart; a cent is always allowed, since custodians round each position to it."""
    expected = position.quantity * (price.close or Decimal(0))
    return abs(position.market_value - expected) > max(abs(expected) * VALUE_TOLERANCE, CENT)


def _lot_findings(holdings: AccountHoldings, business_date: date, market: MarketFacts) -> Iterator[Finding]:
    account = holdings.account
    for lot in holdings.lots:
        if lot.lot_id in market.duplicate_lots:
            message = f"lot {lot.lot_id} was delivered for more than one account"
            yield suspend(account, DataCode.LOT_DUP, message)
        if lot.quantity <= 0 or lot.quantity >= LARGEST_QUANTITY:
            message = f"lot {lot.lot_id} of {lot.security_key} has {lot.quantity} shares"
            yield suspend(account, DataCode.QTY_RANGE, message)
        if lot.cost is None or lot.cost < 0 or (lot.cost == 0 and not lot.gift_or_inheritance):
            basis = "unknown" if lot.cost is None else f"{lot.cost}"
            message = f"the cost of lot {lot.lot_id} of {lot.security_key} is {basis}"
            yield suspend(account, DataCode.BASIS_UNKNOWN, message)
        dates = (lot.acquired_on, lot.holding_start or lot.acquired_on)
        if min(dates) < EARLIEST_LOT or max(dates) >= business_date:
            message = f"lot {lot.lot_id} of {lot.security_key} is dated {lot.acquired_on}, held from {dates[1]}"
            yield suspend(account, DataCode.LOT_DATE, message)


def _lot_sum_findings(holdings: AccountHoldings) -> Iterator[Finding]:
    """Lots sum to the position. An account without tax may come without lots; with some, they must add up too."""
    account = holdings.account
    held: dict[str, Decimal] = {}
    in_lots: dict[str, Decimal] = {}
    for position in holdings.positions:
        key = position.security_id or position.security_key
        held[key] = held.get(key, Decimal(0)) + position.quantity
    for lot in holdings.lots:
        key = lot.security_id or lot.security_key
        in_lots[key] = in_lots.get(key, Decimal(0)) + lot.quantity
    for key in sorted(held.keys() | in_lots.keys()):
        position_shares = held.get(key, Decimal(0))
        if key not in in_lots:
            if account.tax_status is TaxStatus.TAXABLE and abs(position_shares) >= DUST:
                yield suspend(account, DataCode.LOTS_MISSING, f"no lots came for {position_shares} shares of {key}")
        elif abs(in_lots[key] - position_shares) > LOT_TOLERANCE:
            message = f"the lots of {key} sum to {in_lots[key]} shares, the position is {position_shares}"
            yield suspend(account, DataCode.LOT_MISMATCH, message)


def _risk_findings(holdings: AccountHoldings, market: MarketFacts) -> Iterator[Finding]:
    """Case 28. Cash has no risk; a position counts at the custodian's value, which needs no price of ours."""
    cash = max(holdings.cash.trade_date_total, Decimal(0)) if holdings.cash else Decimal(0)
    value = cash + sum((max(item.market_value, Decimal(0)) for item in holdings.positions), Decimal(0))
    covered = cash + sum(
        (max(item.market_value, Decimal(0)) for item in holdings.positions if item.security_id in market.risk_covered),
        Decimal(0),
    )
    if value > 0 and covered / value < LEAST_RISK_COVERAGE:
        share = (100 * covered / value).quantize(Decimal("0.1"))
        message = f"the risk model covers {share} % of the account's value, less than 95 %"
        yield suspend(holdings.account, DataCode.RISK_COVERAGE, message)


@dataclass(frozen=True, slots=True)
class _JudgedModel:
    """`model` is kept so that its identity stays its own."""

    model: ModelPortfolio
    findings: tuple[Finding, ...]
    stops: bool  # whoever follows it is suspended
    unbuyable: dict[SecurityId, DataCode]


def _judged(model: ModelPortfolio, market: MarketFacts) -> _JudgedModel:
    known = market.judged_models.get(id(model))
    if isinstance(known, _JudgedModel) and known.model is model:
        return known
    findings = model_findings(model, market)
    stops = any(finding.outcome is Outcome.SUSPEND for finding in findings)
    judged = _JudgedModel(model, findings, stops, {} if stops else unbuyable(model, market))
    market.judged_models[id(model)] = judged
    return judged


def _model_findings(holdings: AccountHoldings, market: MarketFacts) -> Iterator[Finding]:
    account, model = holdings.account, holdings.model
    if model is None:
        message = "no model is assigned" if account.model_id is None else f"model {account.model_id} is not published"
        yield suspend(account, DataCode.NO_MODEL, message)
        return
    judged = _judged(model, market)
    yield from judged.findings
    if judged.stops:
        return
    held = {position.security_id for position in holdings.positions}
    replaced = [name for name in judged.unbuyable if name not in held]
    weight = sum((model.weights[name] for name in replaced), Decimal(0))
    if weight > MOST_REPLACED_WEIGHT:
        message = f"{weight} of model {model.id} cannot be bought today: {', '.join(sorted(replaced))}"
        yield suspend(account, DataCode.MODEL_COVERAGE, message)


def _of_model(model: ModelPortfolio, code: DataCode, message: str, outcome: Outcome) -> Finding:
    return Finding(code, FindingScope.MODEL, model.id, message, outcome)
