"""What each rule of an account costs it today (N2): the account is solved once more without the rule.

The value of a rule's removal is W = P*(with) - P*(without), P* the best objective there is. Neither is known exactly,
but each lies between a certified bound D and the objective P of a list, so W is certain to be in
[D(with) - P(without), P(with) - D(without)]. The point given is the difference of the two lists.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.money import BASIS_POINT, ZERO, to_cents
from trimtab.domain.optimizer.account_rules import AccountRule, rules_of, with_settings
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.marginal_prices import marginal_bps
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.measures import bps_decimal
from trimtab.domain.optimizer.objective import standing_still
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.optimizer.wording import dollars, listing, percent
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

_CERTIFIED = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)

_WIDE_BPS = Decimal("0.1")
"""A list that stays as it was, although its removal might gain more than this, is searched for afresh."""

_TOLD_MARGINAL = Decimal("0.01")

_TOLD_DOLLARS = Decimal(1)
_TOLD_RISK = Decimal("0.00005")
"""Smaller differences are not told: half of what two decimals of a percentage show."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What the removal of a rule is worth."""

    value_bps: Decimal  # W of the two lists, basis points of account value
    least_bps: Decimal  # W is certainly not below this
    most_bps: Decimal  # nor above this
    value: Decimal  # W in dollars


@dataclass(frozen=True, slots=True)
class PriceTag:
    """What one rule costs today. Above zero it makes the account worse; differences are with less without the rule."""

    rule: AccountRule
    worth: Worth
    tax: Decimal  # dollars of tax more
    cost: Decimal  # dollars of spread and commission more
    tracking_error: Decimal  # more of it, annualised, a fraction
    sentence: str
    marginal_bps: Decimal | None = None  # what 10 bp (or one name) more of room is worth by the dual price, gap aside


def price_tags(
    request: AnalysisInput, proposal: RebalanceProposal, market_arrays: MarketArrays | None = None
) -> tuple[PriceTag, ...]:
    """One tag for each rule, dearest first; none when the proposal certifies nothing (a conflict, no answer).

    `proposal` is the one of `request`. Raises what `analyze` raises.
    """
    if proposal.outcome not in _CERTIFIED:
        return ()
    market = market_arrays or MarketArrays.from_snapshot(request.market)
    found = (_tag(request, proposal, rule, market) for rule in rules_of(request))
    return tuple(sorted((tag for tag in found if tag), key=lambda tag: (-tag.worth.value_bps, tag.rule.key)))


def _tag(
    request: AnalysisInput, proposal: RebalanceProposal, rule: AccountRule, market: MarketArrays
) -> PriceTag | None:
    """None when the account has no certified answer without the rule."""
    freed = with_settings(request, rule.without)
    base = _objective_bps(request, proposal, market)
    without = _solved_without(freed, proposal, base, market)
    if without is None:
        return None
    other = _objective_bps(freed, without, market)
    value = base - other
    dollars_of_it = to_cents(value * BASIS_POINT * account_value(request))
    worth = Worth(value, value - proposal.gap_bps, value + without.gap_bps, dollars_of_it)
    marginal = marginal_bps(proposal, rule)
    return PriceTag(
        rule=rule,
        worth=worth,
        tax=proposal.tax - without.tax,
        cost=proposal.cost - without.cost,
        tracking_error=proposal.after.tracking_error - without.after.tracking_error,
        sentence=_sentence(rule, list(_amounts(proposal, without)), worth) + _said(rule, marginal, worth),
        marginal_bps=marginal,
    )


def _solved_without(
    freed: AnalysisInput, proposal: RebalanceProposal, base: Decimal, market: MarketArrays
) -> RebalanceProposal | None:
    """The answer without the rule; the list with it is the incumbent: a rule that does not bind then costs nothing."""
    kept = analyze(_after(freed, proposal), market)
    if kept.outcome not in _CERTIFIED:
        return None
    if _objective_bps(freed, kept, market) >= base and kept.gap_bps > _WIDE_BPS:
        fresh = analyze(freed, market)
        if fresh.outcome in _CERTIFIED and fresh.benefit_bps > kept.benefit_bps:
            return fresh
    return kept


def _after(request: AnalysisInput, proposal: RebalanceProposal) -> AnalysisInput:
    return replace(request, snapshot=replace(request.snapshot, incumbent=incumbent_of(proposal)))


def _objective_bps(request: AnalysisInput, proposal: RebalanceProposal, market: MarketArrays) -> Decimal:
    """The objective of the proposal's list, basis points: that of trading nothing, less the improvement."""
    value = account_value(request)
    if value <= 0:
        return ZERO
    data = build_data(request, prepare_target(request, value), market, value)
    return bps_decimal(standing_still(data).total) - proposal.benefit_bps


def _sentence(rule: AccountRule, differences: list[tuple[bool, str]], worth: Worth) -> str:
    words = f'"{rule.words[0].upper()}{rule.words[1:]}"'
    if not differences and abs(worth.value_bps) < _WIDE_BPS:
        return f"{words} costs this account nothing today."
    more, less = ([said for above, said in differences if above is side] for side in (True, False))
    told = [f"{verb} {listing(said)}" for verb, said in (("costs this account", more), ("saves", less)) if said]
    between = f"certainly between {worth.least_bps:.1f} and {worth.most_bps:.1f} bp"
    in_all = f"in all {worth.value_bps:.1f} bp of the account ({dollars(worth.value)}), {between}"
    return f"{words} {' and '.join(told) or 'changes what is traded'}; {in_all}."


def _said(rule: AccountRule, marginal: Decimal | None, worth: Worth) -> str:
    if marginal is None or marginal < _TOLD_MARGINAL:
        return ""
    room = "One name" if rule.key == "MAXIMUM_NAMES" else "10 bp"
    if marginal > worth.most_bps:  # a dual price holds for a little more; so much is nearly the whole rule
        return f" {room} more would be worth no more than that."
    return f" {room} more would be worth about {marginal:.2f} bp, by its dual price."


def _amounts(proposal: RebalanceProposal, without: RebalanceProposal) -> Iterator[tuple[bool, str]]:
    """What differs with the rule: whether it is more, and how much of what."""
    risk = proposal.after.tracking_error - without.after.tracking_error
    for amount, what in ((proposal.tax - without.tax, "tax"), (proposal.cost - without.cost, "trading cost")):
        if abs(amount) >= _TOLD_DOLLARS:
            yield amount > 0, f"{dollars(abs(amount))} of {what}"
    if abs(risk) >= _TOLD_RISK:
        yield risk > 0, f"{percent(abs(risk))} of tracking error"
