"""From an `AnalysisInput` to arrays. Here decimals become floats."""

from dataclasses import replace
from decimal import Decimal

import numpy as np

from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import CASH_FLOOR_SHARE, Parameters, parameters_for
from trimtab.domain.optimizer.account_rows import account_rows
from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.capacity import most_cash_raised
from trimtab.domain.optimizer.lot_rows import lot_rows
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.netting import tax_regimes
from trimtab.domain.optimizer.problem import Lots, OptimizerData, Securities, nothing
from trimtab.domain.optimizer.security_rows import security_rows, with_bands
from trimtab.domain.optimizer.targets import PreparedTarget
from trimtab.domain.snapshots import AnalysisInput


def build_data(
    request: AnalysisInput,
    target: PreparedTarget,
    market: MarketArrays,
    value: Decimal,
    *,
    sell_washed_losses: bool = False,
) -> OptimizerData:
    """Arrays of an account worth `value` > 0 dollars.

    With `sell_washed_losses` lots whose loss would be washed may be sold (without credit): the cash is needed.
    """
    parameters = parameters_for(request.snapshot.settings, request.snapshot.business_date, request.calibration)
    held = security_rows(request, target, market, value, parameters)
    lots = lot_rows(request, held, float(value), parameters, sell_washed_losses=sell_washed_losses)
    held = _whole_sales(held, sum_by(lots.security, lots.limit, len(held.ids)))
    return _with_cash(request, target, value, parameters, with_bands(request, held, value), lots)


def _with_cash(
    request: AnalysisInput,
    target: PreparedTarget,
    value: Decimal,
    parameters: Parameters,
    held: Securities,
    lots: Lots,
) -> OptimizerData:
    """The floor stops purchases, it never forces a sale: an account below it need only not fall further."""
    settings, cash = request.snapshot.settings, request.snapshot.cash.trade_date_total
    required = settings.cash_reserve + settings.cash_needed
    floor = required + CASH_FLOOR_SHARE * max(target.cash_weight * value - required, Decimal(0))
    taxable = request.snapshot.account.tax_status is TaxStatus.TAXABLE
    data = OptimizerData(
        securities=held,
        lots=lots,
        cash=float(cash / value),
        cash_minimum=float(required / value),
        cash_required=float(required / value),
        cash_target=max(float(target.cash_weight), float(required / value)),
        parameters=parameters,
        account_value=value,
        taxable=taxable,
        rows=account_rows(request, held, lots, value, taxable=taxable),
        regimes=tax_regimes(
            request, lots, value, parameters.gain_tax_weight, securities=len(held.ids), taxable=taxable
        ),
        tracking_limit=None if settings.tracking_error_limit is None else float(settings.tracking_error_limit),
        most_names=_most_names(settings.maximum_names, held),
        yesterday=_yesterday(request, held),
    )
    no_lower_than = float(min(floor, cash) / value)
    if held.buy_minimum.any():  # without purchases that rules demand no less cash than today's can be had
        no_lower_than = min(no_lower_than, data.cash + most_cash_raised(data))
    return replace(data, cash_minimum=max(data.cash_required, no_lower_than))


def _yesterday(request: AnalysisInput, held: Securities) -> Floats | None:
    """Net trades of the last analysis, (n,) shares; None when it is not known, or traded nothing that could be kept.

    Of a list that was sent no trade is left. That it sold nothing says nothing about today's sides then.
    """
    incumbent = request.snapshot.incumbent
    if incumbent is None or not any(incumbent.net_trades.values()):
        return None
    return np.array([float(incumbent.net_trades.get(each, 0)) for each in held.ids])


def _whole_sales(held: Securities, sellable: Floats) -> Securities:
    """Cap sales of each security at whole shares. Of which lots the fraction is left depends on what is sold."""
    share = np.where(held.share > 0, held.share, 1.0)
    shares = np.floor(sellable / share + 1e-9) * share
    return replace(held, sell_limit=np.where(held.whole, np.minimum(shares, sellable), sellable))


def _most_names(limit: int | None, held: Securities) -> int | None:
    """The most names that may be held: never fewer than cannot be sold whole today, or that a band demands."""
    if limit is None:
        return None
    crumb = nothing(held)
    stuck = (held.holding > crumb) & ((held.sell_limit < held.holding - crumb) | (held.buy_minimum > 0))
    return max(limit, int((stuck | (held.buy_minimum > 0)).sum()))
