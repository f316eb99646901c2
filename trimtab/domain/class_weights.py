"""An account's weights by asset class before and after its proposed trades, against its target (W-D2)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Position
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.orders import Side
from trimtab.domain.proposals import Measures, ProposedTrade
from trimtab.domain.securities import SecurityId

CASH: Final = "CASH"
UNCLASSIFIED: Final = "UNCLASSIFIED"
_PLACES: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class ClassWeight:
    """One asset class; fractions of account value. Drift is weight minus target: positive is too much."""

    asset_class: str
    target: Decimal
    before: Decimal
    after: Decimal

    @property
    def drift_before(self) -> Decimal:
        return self.before - self.target

    @property
    def drift_after(self) -> Decimal:
        return self.after - self.target


def class_weights(
    positions: Iterable[Position],
    trades: Iterable[ProposedTrade],
    measures: tuple[Measures, Measures],
    target: Mapping[str, Decimal],
    asset_classes: Mapping[SecurityId, str],
) -> list[ClassWeight]:
    """Each class of the target or the account, cash last. `measures` are those before and after the trades.

    Traded securities are valued at the price that the analysis used, the others as the custodian states them.
    """
    before, after = _values(positions, list(trades), asset_classes)
    before[CASH], after[CASH] = measures[0].cash, measures[1].cash
    names = sorted({*before, *after, *target} - {CASH})
    return [
        ClassWeight(
            asset_class=name,
            target=target.get(name, Decimal(0)).quantize(_PLACES),
            before=_weight(before[name], measures[0].account_value),
            after=_weight(after[name], measures[1].account_value),
        )
        for name in (*names, CASH)
    ]


def class_targets(
    model: ModelPortfolio,
    settings: AccountSettings,
    account_value: Decimal,
    asset_classes: Mapping[SecurityId, str],
) -> dict[str, Decimal]:
    """The model by class, scaled to what the account's reserve, withdrawals and cash target leave to invest.

    The account's own target, by the rule of docs/formulation.md; what is handed on within a class stays in it.
    """
    if account_value <= 0 or model.invested_weight <= 0:
        return {CASH: Decimal(1)}
    held_back = min(settings.cash_reserve + settings.cash_needed, account_value)
    cash = held_back + max(settings.cash_target, model.cash, Decimal(0)) * (account_value - held_back)
    cash_weight = min(cash / account_value, Decimal(1))
    scale = (1 - cash_weight) / model.invested_weight
    targets: dict[str, Decimal] = defaultdict(Decimal)
    for security_id, weight in model.weights.items():
        targets[asset_classes.get(security_id, UNCLASSIFIED)] += weight * scale
    return {**targets, CASH: cash_weight}


def _values(
    positions: Iterable[Position], trades: list[ProposedTrade], asset_classes: Mapping[SecurityId, str]
) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Dollars by class before and after the trades."""
    prices = {trade.security_id: trade.price for trade in trades}
    before: dict[str, Decimal] = defaultdict(Decimal)
    for position in positions:
        price = prices.get(position.security_id)
        value = position.market_value if price is None else position.quantity * price
        before[asset_classes.get(position.security_id, UNCLASSIFIED)] += value
    after = defaultdict(Decimal, before)
    for trade in trades:
        signed = trade.notional if trade.side is Side.BUY else -trade.notional
        after[asset_classes.get(trade.security_id, UNCLASSIFIED)] += signed
    return before, after


def _weight(dollars: Decimal, account_value: Decimal) -> Decimal:
    return (dollars / account_value).quantize(_PLACES) if account_value > 0 else Decimal(0)
