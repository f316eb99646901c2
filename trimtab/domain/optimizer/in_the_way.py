"""Which rule on the account as a whole, or on a name's weight, a further trade would break."""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.account_settings import WeightBand
from trimtab.domain.optimizer.account_rows import PRESERVED
from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.objective import row_amounts
from trimtab.domain.optimizer.problem import OptimizerData, Rows, fill
from trimtab.domain.optimizer.row_clashes import in_words
from trimtab.domain.optimizer.whole_shares import NAMES, TRACKING_ERROR
from trimtab.domain.optimizer.wording import percent
from trimtab.domain.proposals import WhyNotCode

_CODES = {
    PRESERVED: WhyNotCode.GAIN_BUDGET,
    "TURNOVER": WhyNotCode.TURNOVER_LIMIT,
    "GAIN": WhyNotCode.GAIN_BUDGET,
    "SHORT_TERM_GAIN": WhyNotCode.GAIN_BUDGET,
    "TAX": WhyNotCode.TAX_BUDGET,
    "TAX_SHORT": WhyNotCode.TAX_BUDGET,
}
_ROUND_OFF = 1e-9

_ON_THE_WAY = (1 / 64, 1 / 16, 1 / 4)
"""Parts of a further trade at which rules are looked at: the one that stops it is named, not one beyond it."""


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """The trades that are made, as weights."""

    data: OptimizerData
    lot_sells: Floats  # (m,)
    buys: Floats  # (n,)

    def further_sale(self, row: int, weight: float) -> Floats:
        """Sales by lot, (m,), of `weight` more of one security from the lots that are left."""
        lots = self.data.lots
        own = np.where(lots.security == row, np.maximum(lots.limit - self.lot_sells, 0.0), 0.0)
        total = np.zeros(len(self.buys))
        total[row] = max(weight, 0.0)
        return fill(lots.security, own, total)

    def further_purchase(self, row: int, weight: float) -> Floats:
        """Purchases, (n,), of `weight` more of one security."""
        bought = np.zeros(len(self.buys))
        bought[row] = max(weight, 0.0)
        return bought


def breaks(
    data: OptimizerData, done: Done, *, sells: Floats | None = None, buys: Floats | None = None
) -> tuple[WhyNotCode, str] | None:
    """The first rule on the whole account that `sells` (m,) or `buys` (n,) beside the trades made would break."""

    def broken(share: float) -> str | None:
        lot_sells = done.lot_sells if sells is None else done.lot_sells + share * sells
        bought = done.buys if buys is None else done.buys + share * buys
        return _row(done, lot_sells, bought) or _limit(done, lot_sells, bought)

    whole = broken(1.0)
    if whole is None:  # every rule is convex: what the whole trade keeps, a part of it keeps
        return None
    name = next(filter(None, map(broken, _ON_THE_WAY)), whole)
    kind = name.partition(":")[0]
    code = _CODES.get(kind, WhyNotCode.GROUP_BAND)
    code = {TRACKING_ERROR: WhyNotCode.TRACKING_ERROR_LIMIT, NAMES: WhyNotCode.MAXIMUM_NAMES}.get(kind, code)
    return code, f"that would break {in_words(data, name)}"


def outside_its_band(band: WeightBand, bought: float, after: float, share: float) -> tuple[WhyNotCode, str] | None:
    """The end of its weight band that a security breaks by more than a share.

    It weighs `after` when all is done and `bought` of it is bought; `share` is the weight of one share.
    """
    if bought > 0 and after > float(band.maximum) + share:
        return WhyNotCode.WEIGHT_BAND, f"it may be at most {percent(band.maximum)} of the account"
    if bought == 0 and after < float(band.minimum) - share:
        return WhyNotCode.WEIGHT_BAND, f"it must be at least {percent(band.minimum)} of the account"
    return None


def _row(done: Done, lot_sells: Floats, buys: Floats) -> str | None:
    """The first hard row, of the account or of its cheapest regime, that is missed by more than it is now."""
    data = done.data
    cheapest = min(data.regimes, key=lambda regime: regime.tax(done.lot_sells))
    now, then = (row_amounts(data, sold, bought) for sold, bought in ((done.lot_sells, done.buys), (lot_sells, buys)))
    return _missed_more(data.rows, now, then) or _missed_more(
        cheapest.rows,
        cheapest.rows.start + cheapest.rows.on_sale @ done.lot_sells,
        cheapest.rows.start + cheapest.rows.on_sale @ lot_sells,
    )


def _missed_more(rows: Rows, now: Floats, then: Floats) -> str | None:
    if not len(rows):
        return None
    more = rows.excess(then) > rows.excess(now) + rows.slack + _ROUND_OFF
    return next((name for name, is_more in zip(rows.names, more, strict=True) if is_more), None)


def _limit(done: Done, lot_sells: Floats, buys: Floats) -> str | None:
    """The limit of tracking error, or of names, that the further trade would break."""
    data = done.data
    sold = sum_by(data.lots.security, lot_sells, len(buys))
    if data.tracking_limit is not None:
        squared = data.squared_tracking_error(data.active + buys - sold)
        already = done.buys - sum_by(data.lots.security, done.lot_sells, len(buys))
        if squared > max(data.tracking_limit**2, data.squared_tracking_error(data.active + already)) + _ROUND_OFF:
            return TRACKING_ERROR
    if data.most_names is not None:
        left = data.securities.holding + buys - sold
        before = data.securities.holding + done.buys - sum_by(data.lots.security, done.lot_sells, len(buys))
        names, now = (int((each > data.crumb).sum()) for each in (left, before))
        if names > data.most_names and names > now:
            return NAMES
    return None
