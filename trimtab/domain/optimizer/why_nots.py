"""For each drift or loss above its threshold that was left: exactly one reason why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trimtab.domain.account_settings import RestrictionKind, WeightBand
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.equivalence import members_named
from trimtab.domain.optimizer.in_the_way import Done, breaks, outside_its_band
from trimtab.domain.optimizer.left_over import LOSS_TOLD, Left, has_shared_rules, left_over
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.sale_locks import why_too_young
from trimtab.domain.optimizer.security_rows import wash_key
from trimtab.domain.optimizer.targets import PreparedTarget
from trimtab.domain.optimizer.wash import bought_today_by_others
from trimtab.domain.optimizer.wording import listing, name_of, of_account, percent
from trimtab.domain.proposals import WhyNot, WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

DRIFT_TOLD = 0.0025
"""A drift left above this fraction of account value is explained."""

_Why = tuple[WhyNotCode, str]
_NOT_WORTH_IT: _Why = (WhyNotCode.WITHIN_TOLERANCE, "closing the gap would cost more than it gains")
_TOO_SMALL: _Why = (WhyNotCode.MINIMUM_TRADE, "the trade would be smaller than the minimum trade")
_NO_CASH: _Why = (
    WhyNotCode.CASH_MINIMUM,
    "cash is at its minimum, and nothing else that may be sold is worth selling for it",
)
_DEARER_THAN_ITS_TAX: _Why = (
    WhyNotCode.WITHIN_TOLERANCE,
    "the tax that it saves counts less than what the sale costs in risk and trading",
)
_DEARER_THAN_THE_HARVEST: _Why = (
    WhyNotCode.WITHIN_TOLERANCE,
    "what it adds to the losses that are to be realised counts less than what the sale costs in risk and trading",
)
_WASHED_IN_PART: _Why = (
    WhyNotCode.WASH_SALE_WINDOW,
    "shares bought in the last 30 days would wash a part of it, and the rest counts less than what the sale costs",
)
_WHOLE_SHARES = "it trades in whole shares, and this is less than one"
_NEVER_TRADED = "the account must never trade it"
_NEVER_SELL: _Why = (WhyNotCode.NEVER_SELL, "the account must never sell it")
_WOULD_WASH: _Why = (WhyNotCode.WASH_SALE_WINDOW, "shares bought in the last 30 days would wash the loss")
_BOUGHT_BY_A_PEER: _Why = (
    WhyNotCode.WASH_SALE_WINDOW,
    "another account of the household buys it today, which would wash the loss",
)
_ANY_WEIGHT = WeightBand()


def why_nots(
    request: AnalysisInput, data: OptimizerData, target: PreparedTarget, lot_sells: Floats, buys: Floats
) -> tuple[WhyNot, ...]:
    """Ordered by security id; at most one a security."""
    told = {each: _replaced(request, target, each) for each in target.replaced}
    telling = _Telling(request, data, Done(data, lot_sells, buys), left_over(data, lot_sells, buys))
    ids, drifts = data.securities.ids, telling.left.drift
    for row, loss in enumerate(telling.left.loss):
        if (loss > LOSS_TOLD or not -DRIFT_TOLD <= drifts[row] <= DRIFT_TOLD) and ids[row] not in told:
            told[ids[row]] = telling.why_not(row)
    return tuple([told[each] for each in sorted(told)])


def _replaced(request: AnalysisInput, target: PreparedTarget, security_id: SecurityId) -> WhyNot:
    entry, master = target.replaced[security_id], request.market.securities
    own = master.get(security_id)
    has_peers = any(own and each in master and master[each].asset_class == own.asset_class for each in target.weights)
    others = "the other names of the model" if target.weights else "cash, for no other name of the model can be had"
    heirs = "its asset class" if has_peers else others
    sentence = (
        f"{name_of(request, security_id)} is {percent(entry.weight)} of the model and is not bought because "
        f"{entry.because}; its weight goes to {heirs}."
    )
    return WhyNot(security_id, entry.code, sentence)


@dataclass(frozen=True, eq=False)
class _Telling:
    """One account's why-nots; `row` is that of a security."""

    request: AnalysisInput
    data: OptimizerData
    done: Done
    left: Left

    def why_not(self, row: int) -> WhyNot:
        drift, loss = self.left.drift[row], self.left.loss[row]
        kept = f"loss of {of_account(self.data, loss)} in {name_of(self.request, self._ids[row])} is not realised"
        if -DRIFT_TOLD <= drift <= DRIFT_TOLD:
            code, because = self._loss_kept(row)
            return WhyNot(self._ids[row], code, f"A {kept} because {because}.")
        code, because = self._not_sold(row) if drift > 0 else self._not_bought(row)
        who, whose = self._staying(row)
        sentence = f"{who} {percent(abs(drift))} {'above' if drift > 0 else 'below'} {whose} target because {because}"
        if loss > LOSS_TOLD:  # one line a security tells both
            _, why_kept = self._loss_kept(row)
            sentence += f"; the {kept} " + ("for the same reason" if why_kept == because else f"because {why_kept}")
        return WhyNot(self._ids[row], code, f"{sentence}.")

    @cached_property
    def _ids(self) -> tuple[SecurityId, ...]:
        return self.data.securities.ids

    @cached_property
    def _has_sets(self) -> bool:
        return self.data.securities.has_sets

    @cached_property
    def _shared_rules(self) -> bool:
        return has_shared_rules(self.data)

    @cached_property
    def _never_traded(self) -> frozenset[SecurityId]:
        return self.request.snapshot.settings.restricted(RestrictionKind.NEVER_TRADE)

    @cached_property
    def _never_bought(self) -> frozenset[SecurityId]:
        return self.request.snapshot.settings.never_bought

    @cached_property
    def _never_sold(self) -> frozenset[SecurityId]:
        return self.request.snapshot.settings.never_sold

    @cached_property
    def _open_until(self) -> dict[str, str]:
        """The last day of each wash key's window."""
        days: dict[str, str] = {}
        for each in self.request.snapshot.wash_windows.loss_sales:
            days[each.wash_key] = max(days.get(each.wash_key, ""), each.last_day.isoformat())
        return days

    def _staying(self, row: int) -> tuple[str, str]:
        """Who stays, and whose the target is: a security's own, or that of its set."""
        if not self._has_sets:
            return f"{name_of(self.request, self._ids[row])} stays", "its"
        names = [name_of(self.request, each) for each in members_named(self.data.securities, row)]
        return (f"{names[0]} stays", "its") if len(names) == 1 else (f"{listing(names)} stay", "their")

    def _not_bought(self, row: int) -> _Why:
        held, left, security_id = self.data.securities, self.left, self._ids[row]
        if security_id in held.untouchable:
            return held.untouchable[security_id]
        if security_id in self._never_traded:
            return WhyNotCode.NEVER_BUY, _NEVER_TRADED
        if security_id in self._never_bought:
            return WhyNotCode.NEVER_BUY, "the account must never buy it"
        open_until = self._open_until.get(self.request.market.securities[security_id].wash_key)
        if open_until is not None:
            return WhyNotCode.WASH_SALE_WINDOW, f"a sale at a loss keeps its wash sale window open until {open_until}"
        if self.data.taxable and left.key[row] in left.lost_keys:
            return WhyNotCode.WASH_SALE_WINDOW, "a substantially identical security is sold at a loss today"
        missing = -left.drift[row]
        if (small := self._too_small(row, missing, left.after[row] + missing)) is not None:
            return small
        if self._is_ruled and (rule := self._broken_by_buying(row, missing)) is not None:
            return rule
        return _NO_CASH if left.no_cash[row] else _NOT_WORTH_IT

    def _too_small(self, row: int, weight: float, holding: float) -> _Why | None:
        """A trade of so much is none, or would leave a holding that is none; more of what is traded has no minimum."""
        left = self.left
        if weight < left.smallest[row] and left.after[row] == left.holding[row]:
            return self._below_the_smallest(row, weight)
        if weight < left.round_lot[row]:
            shares = self.data.securities.round_lot[row]
            return WhyNotCode.ROUND_LOT, _WHOLE_SHARES if shares == 1 else f"it trades in round lots of {shares} shares"
        if holding < left.smallest_position[row]:
            smallest = of_account(self.data, left.smallest_position[row])
            return WhyNotCode.MINIMUM_HOLDING, f"it would leave a position smaller than {smallest}"
        return None

    @cached_property
    def _is_ruled(self) -> bool:
        """True when a rule on its weight, or on the whole account, may stand in the way of a further trade."""
        return bool(self._bands) or self._shared_rules or any(not 0 <= each <= 1 for each in self.left.after)

    @cached_property
    def _bands(self) -> Mapping[SecurityId, WeightBand]:
        return self.request.snapshot.settings.weight_bands

    def _outside_its_band(self, row: int, bought: float, after: float) -> _Why | None:
        band = self._bands.get(self._ids[row])
        if band is None and 0 <= after <= 1:
            return None  # any weight of the account is allowed
        return outside_its_band(band or _ANY_WEIGHT, bought, after, self.left.share[row])

    def _below_the_smallest(self, row: int, weight: float) -> _Why:
        """The account's own minimum, or the size from which a trade is worth its commission."""
        commission = float(self.data.securities.commission[row])
        if commission <= 0 or weight < float(self.request.snapshot.settings.minimum_trade / self.data.account_value):
            return _TOO_SMALL
        return (
            WhyNotCode.MINIMUM_TRADE,
            f"the trade would not earn its commission of {of_account(self.data, commission)}",
        )

    def _broken_by_buying(self, row: int, weight: float) -> _Why | None:
        left, weight = self.left, max(weight, 0.0)
        rule = self._outside_its_band(row, left.bought[row] + weight, left.after[row] + weight)
        if rule is None and self._shared_rules:
            rule = breaks(self.data, self.done, buys=self.done.further_purchase(row, weight))
        return rule

    def _broken_by_selling(self, row: int, weight: float) -> _Why | None:
        """`weight` is sold from the lots that are left, as far as they go."""
        left, sold = self.left, min(max(weight, 0.0), self.left.free[row])
        rule = self._outside_its_band(row, left.bought[row], left.after[row] - sold)
        if rule is None and self._shared_rules:
            rule = breaks(self.data, self.done, sells=self.done.further_sale(row, weight))
        return rule

    def _barred_from_sale(self, security_id: SecurityId) -> _Why:
        return (WhyNotCode.NEVER_SELL, _NEVER_TRADED) if security_id in self._never_traded else _NEVER_SELL

    def _lots(self, row: int) -> Sequence[TaxLot]:
        return self.data.lots.lots[self.left.lots_from[row] : self.left.lots_from[row + 1]]

    @cached_property
    def _bought_by_peers(self) -> frozenset[str]:
        return bought_today_by_others(self.request)

    def _would_wash(self, security_id: SecurityId) -> _Why:
        by_a_peer = bool(self._bought_by_peers) and wash_key(self.request, security_id) in self._bought_by_peers
        return _BOUGHT_BY_A_PEER if by_a_peer else _WOULD_WASH

    def _not_sold(self, row: int) -> _Why:
        held, left, security_id = self.data.securities, self.left, self._ids[row]
        if security_id in held.untouchable:
            return held.untouchable[security_id]
        if security_id in self._never_sold:
            return self._barred_from_sale(security_id)
        if left.washed[row]:
            return self._would_wash(security_id)
        drift = left.drift[row]
        if left.free[row] < drift and (young := why_too_young(self.request, self._lots(row))) is not None:
            return young
        if (small := self._too_small(row, drift, left.after[row] - drift)) is not None:
            return small
        if self._is_ruled and (rule := self._broken_by_selling(row, drift)) is not None:
            return rule
        tax = left.sale_tax[row]
        if tax > 0:
            return WhyNotCode.TAX_COST, f"selling that much would cost {of_account(self.data, tax)} of tax"
        return _NOT_WORTH_IT

    def _loss_kept(self, row: int) -> _Why:
        held, left, security_id = self.data.securities, self.left, self._ids[row]
        if security_id in held.untouchable:
            return held.untouchable[security_id]
        if security_id in self._never_sold:
            return self._barred_from_sale(security_id)
        if left.voided[row]:
            return self._would_wash(security_id)
        begin, end = left.lots_from[row], left.lots_from[row + 1]
        losing = np.flatnonzero(self.data.lots.at_loss[begin:end])
        if (young := why_too_young(self.request, [self.data.lots.lots[begin + at] for at in losing])) is not None:
            return young
        if left.key[row] in left.bought_keys:
            return WhyNotCode.WASH_SALE_WINDOW, "it is bought today, which would wash the loss"
        if (rule := self._broken_by_harvest(row)) is not None:
            return rule
        if self.data.lots.washed[begin:end][losing].any():
            return _WASHED_IN_PART
        return _DEARER_THAN_THE_HARVEST if left.harvest_misses else _DEARER_THAN_ITS_TAX

    def _broken_by_harvest(self, row: int) -> _Why | None:
        """The rule that the sale of every losing lot would break."""
        lots, left = self.data.lots, self.left
        open_lots = np.maximum(lots.limit - self.done.lot_sells, 0.0)
        losing = np.where((lots.security == row) & lots.at_loss, open_lots, 0.0)
        rule = self._outside_its_band(row, left.bought[row], left.after[row] - float(losing.sum()))
        if rule is None and self._shared_rules:
            rule = breaks(self.data, self.done, sells=losing)
        return rule
