"""The year's tax in exact decimals: netting of short- and long-term gains, budgets, losses to be harvested.

TL-11; IRC 1222 (netting), 1211(b) (deduction against ordinary income), 1212(b) (losses carried on).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings, ForcedHarvest
from trimtab.domain.lots import HoldingPeriod
from trimtab.domain.money import CENT, ZERO, to_cents
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_rules import mandated_gain
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.snapshots import TaxYear

_ENDS_INSIDE_THE_RULES = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


@dataclass(frozen=True, slots=True)
class Netted:
    """What a year's gains and losses come to; dollars, zero or more."""

    taxed_short: Decimal
    taxed_long: Decimal
    deducted: Decimal  # from ordinary income
    carried_short: Decimal  # losses that go on to later years, keeping their character
    carried_long: Decimal


def netted(short: Decimal, long: Decimal, deduction_limit: Decimal) -> Netted:
    """Net the year's short- and long-term results, losses carried in included, against each other (IRC 1222).

    Of a net loss up to `deduction_limit` is deducted, short-term losses first; the rest is carried on (IRC 1212(b)).
    """
    total = short + long
    if total >= 0:
        if long < 0:
            return Netted(total, ZERO, ZERO, ZERO, ZERO)
        if short < 0:
            return Netted(ZERO, total, ZERO, ZERO, ZERO)
        return Netted(short, long, ZERO, ZERO, ZERO)
    lost_short = min(max(-short, ZERO), -total)
    deducted = min(-total, deduction_limit)
    from_short = min(lost_short, deducted)
    return Netted(ZERO, ZERO, deducted, lost_short - from_short, -total - lost_short - (deducted - from_short))


def year_tax(short: Decimal, long: Decimal, year: TaxYear, settings: AccountSettings) -> Decimal:
    """Dollars of tax on the year's realised `short` and `long`, before what was carried in; negative when it saves.

    A loss carried to later years counts at what a dollar of it is worth today.
    """
    net = netted(short - year.short_term_carried, long - year.long_term_carried, year.deduction_limit)
    saved = net.deducted * year.ordinary_rate + (net.carried_short + net.carried_long) * year.carried_loss_value
    return net.taxed_short * settings.short_term_rate + net.taxed_long * settings.long_term_rate - saved


def tax_of_trades(account: CheckedAccount) -> Decimal:
    """Dollars that the trades add to the year's tax; without a tax year each gain at the rate of its own term."""
    short = account.gain(HoldingPeriod.SHORT_TERM, taxed=True)
    long = account.gain(HoldingPeriod.LONG_TERM, taxed=True)
    settings, year = account.settings, account.snapshot.tax_year
    if year is None or not account.taxable:
        return to_cents(short * settings.short_term_rate + long * settings.long_term_rate)
    before = year_tax(year.short_term_realised, year.long_term_realised, year, settings)
    after = year_tax(year.short_term_realised + short, year.long_term_realised + long, year, settings)
    return to_cents(after - before)


def tax_violations(account: CheckedAccount) -> Iterator[str]:
    """Budgets that the trades overrun, and gains realised while losses are to be harvested."""
    settings = account.settings
    short = to_cents(account.gain(HoldingPeriod.SHORT_TERM, taxed=True))
    total = to_cents(short + account.gain(HoldingPeriod.LONG_TERM, taxed=True))
    tax = tax_of_trades(account)
    if settings.gain_budget is not None and total > max(settings.gain_budget, ZERO):
        yield f"its net gain of {total} is above the gain budget of {settings.gain_budget}"
    if settings.short_term_gain_budget is not None and short > max(settings.short_term_gain_budget, ZERO):
        yield f"its short-term gain of {short} is above the budget of {settings.short_term_gain_budget}"
    if settings.tax_budget is not None and tax > max(settings.tax_budget, ZERO):
        yield f"its tax of {tax} is above the tax budget of {settings.tax_budget}"
    if settings.forced_harvest is not None and account.taxable:
        yield from _forced_harvest(account, settings.forced_harvest)


def _forced_harvest(account: CheckedAccount, harvest: ForcedHarvest) -> Iterator[str]:
    """Until its date no net gain but what rules demand; losses that could not be found are noted."""
    if account.snapshot.business_date > harvest.preserve_until:
        return
    short = account.gain(HoldingPeriod.SHORT_TERM, taxed=True)
    gain = short if harvest.short_term_only else short + account.gain(HoldingPeriod.LONG_TERM, taxed=True)
    if gain > mandated_gain(account):
        yield f"a net gain of {gain} is realised while losses are preserved until {harvest.preserve_until}"
    year = account.snapshot.tax_year or TaxYear()
    before = year.short_term_realised + (ZERO if harvest.short_term_only else year.long_term_realised)
    missing = before + gain + harvest.losses
    if missing > CENT and account.proposal.outcome in _ENDS_INSIDE_THE_RULES and not account.proposal.note:
        yield f"a shortfall of {missing} of the losses to be harvested is not noted"
