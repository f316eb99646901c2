"""The sentences of reasons. Every figure in them comes from the attribution, the account or its rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.lots import HoldingPeriod, LotId
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.attribution import Contributions
from trimtab.domain.optimizer.equivalence import members_named, substitute_of
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.wording import bps, dollars, listing, name_of, of_account, percent
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade, ReasonCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_TERMS = {HoldingPeriod.SHORT_TERM: "short-term", HoldingPeriod.LONG_TERM: "long-term"}

Said = tuple[str, float]
"""A sentence, and the contribution that it tells, a fraction of account value."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """`Contributions` as plain numbers, (n,) lists."""

    factor: Sequence[float]
    specific: Sequence[float]
    risk: Sequence[float]  # both
    tilt: Sequence[float]
    tax: Sequence[float]
    cost: Sequence[float]
    cash: Sequence[float]
    rules: Sequence[float]
    total: Sequence[float]

    @classmethod
    def of(cls, parts: Contributions) -> "Parts":
        return cls(
            factor=parts.factor.tolist(),
            specific=parts.specific.tolist(),
            risk=(parts.factor + parts.specific).tolist(),
            tilt=parts.tilt.tolist(),
            tax=parts.tax.tolist(),
            cost=parts.cost.tolist(),
            cash=parts.cash.tolist(),
            rules=parts.rules.tolist(),
            total=parts.total.tolist(),
        )


@dataclass(frozen=True, eq=False)
class Told:
    """What the sentences speak of."""

    request: AnalysisInput
    data: OptimizerData
    parts: Parts
    classes_left: frozenset[str]  # asset classes with a name sold at a loss, or short of its target and barred
    sold_at_a_loss: frozenset[SecurityId]
    bought: frozenset[SecurityId]
    gains: Mapping[SecurityId, Decimal]  # realised by each sale, dollars, negative for a loss
    disallowed: Mapping[LotId, Decimal]  # dollars of each lot's loss that recent purchases wash

    @cached_property
    def has_rules(self) -> bool:
        """True when some rule on a name, a group or the whole account may ask for a trade."""
        data, settings = self.data, self.request.snapshot.settings
        due = data.securities.sell_minimum.any() or data.securities.buy_minimum.any()
        limited = data.tracking_limit is not None or data.most_names is not None
        return bool(due or limited or self.never_held or settings.group_bands)

    @cached_property
    def account_value(self) -> float:
        """Dollars."""
        return float(self.data.account_value)

    @cached_property
    def has_sets(self) -> bool:
        return self.data.securities.has_sets

    @cached_property
    def never_held(self) -> frozenset[SecurityId]:
        return self.request.snapshot.settings.restricted(RestrictionKind.NEVER_HOLD)

    @cached_property
    def weights(self) -> Sequence[float]:
        """Of each security's set, held here and elsewhere, (n,)."""
        held = self.data.securities
        return list(held.pooled(held.holding + held.away).tolist())

    @cached_property
    def elsewhere(self) -> Sequence[float]:
        """Of it what is held elsewhere, (n,)."""
        return list(self.data.securities.pooled(self.data.securities.away).tolist())

    @cached_property
    def targets(self) -> Sequence[float]:
        """Of each security's set, (n,)."""
        return list(self.data.securities.pooled(self.data.securities.target).tolist())

    def stands_in_for(self, row: int) -> int | None:
        """The row of the model name whose substitute a security is; None for all others."""
        return substitute_of(self.data.securities, row) if self.has_sets else None

    def members(self, row: int) -> list[SecurityId]:
        """A security, then the others of its set that are held or in the model."""
        held = self.data.securities
        return members_named(held, row) if self.has_sets else [held.ids[row]]

    def name(self, security_id: SecurityId) -> str:
        return name_of(self.request, security_id)

    def worth(self, fraction: float) -> str:
        """A contribution in basis points and in dollars: '12.3 bp ($1,234.56)'."""
        return f"{bps(fraction)} ({of_account(self.data, fraction, self.account_value)})"


def said_of(told: Told, code: ReasonCode, trade: ProposedTrade, row: int) -> Said:
    """The sentence of a code and what it tells; `row` is that of the trade's security."""
    return _SENTENCES[code](told, trade, row)


def _harvest(told: Told, trade: ProposedTrade, row: int) -> Said:
    terms = sorted({_TERMS[sale.term] for sale in trade.lot_sales})
    realised = f"a {' and '.join(terms)} loss of {dollars(abs(told.gains[trade.security_id]))}"
    washed = sum([told.disallowed.get(sale.lot_id, ZERO) for sale in trade.lot_sales], ZERO)
    if washed:
        realised += f", of which {dollars(washed)} are washed by shares bought in the last 30 days"
    name, forced = told.name(trade.security_id), told.request.snapshot.settings.forced_harvest
    rules, tax = told.parts.rules[row], told.parts.tax[row]
    if forced is not None and rules > tax:
        towards = (
            f"towards the losses of {dollars(forced.losses)} that are to be realised it counts {told.worth(rules)}"
        )
        return f"Selling {name} realises {realised}; {towards}.", rules
    return f"Selling {name} realises {realised}; the tax that it saves counts {told.worth(tax)}.", tax


def _cash_need(told: Told, trade: ProposedTrade, row: int) -> Said:
    settings, part = told.request.snapshot.settings, told.parts.cash[row]
    name, cash = told.name(trade.security_id), percent(told.data.cash)
    if settings.cash_needed == 0:
        target = percent(told.data.cash_target)
        return f"{name} is sold to raise cash, which is {cash} of the account; its target is {target}.", part
    first = min(need.due_on for need in settings.cash_needs)
    return f"{name} is sold to pay out {dollars(settings.cash_needed)} from {first.isoformat()}; cash is {cash}.", part


def _cash_excess(told: Told, trade: ProposedTrade, row: int) -> Said:
    name, cash, target = told.name(trade.security_id), percent(told.data.cash), percent(told.data.cash_target)
    sentence = f"{name} is bought because cash is {cash} of the account, above its target of {target}."
    return sentence, told.parts.cash[row]


def _nearer(told: Told, row: int) -> Said:
    """Where a security, or its set, stands to its target, and what it counts to bring it nearer."""
    part, weight, target = told.parts.specific[row], told.weights[row], told.targets[row]
    side = "above" if weight > target else "below"
    names = [told.name(each) for each in told.members(row)]
    who, whose, it = (f"{names[0]} is", "its", "it") if len(names) == 1 else (f"{listing(names)} are", "their", "them")
    elsewhere = " with what is held elsewhere" if told.elsewhere[row] > 0 else ""
    return (
        f"{who} {percent(weight)} of the account{elsewhere}, {side} {whose} target of {percent(target)}; "
        f"to bring {it} nearer counts {told.worth(part)}."
    ), part


def _drift(told: Told, trade: ProposedTrade, row: int) -> Said:
    return _nearer(told, row)


def _model_change(told: Told, trade: ProposedTrade, row: int) -> Said:
    sentence, part = _nearer(told, row)
    model = told.request.target
    return f"Version {model.version} of the model holds from {model.effective_on.isoformat()}. {sentence}", part


def _transition(told: Told, trade: ProposedTrade, row: int) -> Said:
    held, part = told.data.securities, told.parts.specific[row]
    name, weight = told.name(trade.security_id), percent(float(held.holding[row]))
    return f"{name}, {weight} of the account, is not in the model; to hold less of it counts {told.worth(part)}.", part


def _substitute_back(told: Told, trade: ProposedTrade, row: int) -> Said:
    """Either leg of going back to the model name."""
    parts, model_name = told.parts, told.stands_in_for(row)
    back_to = told.name(trade.security_id if model_name is None else told.data.securities.ids[model_name])
    verb = "bought" if trade.side is Side.BUY else "sold"
    part = parts.risk[row]
    name = told.name(trade.security_id)
    sentence = f"{name} is {verb} to go back to {back_to}, the name of the model; the risk that it takes away counts"
    return f"{sentence} {told.worth(part)}.", part


def _replacement(told: Told, trade: ProposedTrade, row: int) -> Said:
    name, model_name = told.name(trade.security_id), told.stands_in_for(row)
    factor, risk = told.parts.factor[row], told.parts.risk[row]
    if model_name is not None:
        for_what = _stood_in_for(told, trade, model_name)
        return f"{name} stands in for {for_what}; the risk that it takes away counts {told.worth(risk)}.", risk
    return (
        f"{name} stands in for names of its class that are sold at a loss or may not be bought; "
        f"the common risk that it restores counts {told.worth(factor)}."
    ), factor


def _stood_in_for(told: Told, trade: ProposedTrade, model_name: int) -> str:
    """The model name, and why a substitute is bought instead of it."""
    held, incumbent = told.data.securities, told.request.snapshot.incumbent
    name = told.name(held.ids[model_name])
    if held.ids[model_name] in told.sold_at_a_loss:
        return f"{name}, which is sold at a loss"
    if held.buy_limit[model_name] == 0:
        return f"{name}, which may not be bought today"
    if incumbent is not None and incumbent.net_trades.get(trade.security_id, ZERO) > 0:
        return f"{name}, as it did last time"
    return f"{name}, which costs more to buy"


def _risk(told: Told, trade: ProposedTrade, row: int) -> Said:
    factor, name = told.parts.factor[row], told.name(trade.security_id)
    return f"Trading {name} offsets common risk of other holdings, which counts {told.worth(factor)}.", factor


def _tilt(told: Told, trade: ProposedTrade, row: int) -> Said:
    part, name = told.parts.tilt[row], told.name(trade.security_id)
    tilt, what = told.data.securities.tilt[row], "more" if trade.side is Side.BUY else "less"
    expected = f"{percent(abs(tilt))} a year {'more' if tilt > 0 else 'less'}"
    return f"{name} is expected to return {expected}; to hold {what} of it counts {told.worth(part)}.", part


def _minimum_holding(told: Told, trade: ProposedTrade, row: int) -> Said:
    held, part = told.data.securities, told.parts.total[row]
    smallest, name = of_account(told.data, float(held.minimum_holding[row])), told.name(trade.security_id)
    return f"{name} is sold whole: a position at its target would be smaller than {smallest}.", part


_SENTENCES: Mapping[ReasonCode, Callable[[Told, ProposedTrade, int], Said]] = {
    ReasonCode.LOSS_HARVEST: _harvest,
    ReasonCode.CASH_NEED: _cash_need,
    ReasonCode.CASH_EXCESS: _cash_excess,
    ReasonCode.DRIFT: _drift,
    ReasonCode.MODEL_CHANGE: _model_change,
    ReasonCode.TRANSITION: _transition,
    ReasonCode.SUBSTITUTE_BACK: _substitute_back,
    ReasonCode.REPLACEMENT: _replacement,
    ReasonCode.RISK: _risk,
    ReasonCode.TILT: _tilt,
    ReasonCode.MINIMUM_HOLDING: _minimum_holding,
}
