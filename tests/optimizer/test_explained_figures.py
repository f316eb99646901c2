"""Every figure in every sentence is one of the attribution, of the account, or of its rules; every code is reached."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from tests.optimizer.accounts import (
    AS_OF,
    BUSINESS_DATE,
    LAST_YEAR,
    a_lot,
    a_market,
    a_model,
    a_rule,
    a_security,
    an_input,
)
from tests.optimizer.random_accounts import a_random_ruled_account
from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    ForcedHarvest,
    GroupBand,
    GroupKind,
    Harvesting,
    RestrictionKind,
    Tracking,
    WeightBand,
)
from trimtab.domain.accounts import Registration
from trimtab.domain.lots import TaxLot
from trimtab.domain.model_portfolios import Substitute
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.attribution import Contributions, attribute
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.optimizer.wording import bps, dollars, of_account
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, ProposedTrade, ReasonCode, RebalanceProposal, WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

ROTH = Registration.ROTH_IRA
BASIS_POINTS, AMOUNTS = re.compile(r"-?[\d.]+ bp"), re.compile(r"-?\$[\d,]+\.\d\d")


def attributed(request: AnalysisInput, proposal: RebalanceProposal) -> tuple[OptimizerData, Contributions]:
    """The contributions of the proposal's list, from its shares."""
    value = account_value(request)
    data = build_data(request, prepare_target(request, value), MarketArrays.from_snapshot(request.market), value)
    shares = {sale.lot_id: float(sale.quantity) for trade in proposal.trades for sale in trade.lot_sales}
    bought = {trade.security_id: float(trade.quantity) for trade in proposal.trades if trade.side is Side.BUY}
    held = data.securities
    sold = np.array([shares.get(lot.id, 0.0) for lot in data.lots.lots]) * held.share[data.lots.security]
    return data, attribute(data, sold, np.array([bought.get(each, 0.0) for each in held.ids]) * held.share)


def parts_of(parts: Contributions, row: int) -> list[float]:
    """Everything that a sentence may say of one trade's contribution."""
    both = parts.factor[row] + parts.specific[row]
    named = (parts.factor, parts.specific, parts.tilt, parts.tax, parts.cash, parts.rules, parts.total)
    return [float(both), *(float(part[row]) for part in named)]


def account_amounts(request: AnalysisInput, trade: ProposedTrade) -> Iterable[str]:
    """Dollars that are no contribution: what is realised, asked for, or the least that may be held."""
    own = request.snapshot.settings
    yield dollars(abs(sum((sale.gain for sale in trade.lot_sales), Decimal(0))))
    yield dollars(own.cash_needed)
    yield dollars(own.minimum_holding)
    if own.forced_harvest:
        yield dollars(own.forced_harvest.losses)


@pytest.mark.covers("N4", "V3", "X13")
@pytest.mark.parametrize("seed", range(40))
def test_every_basis_point_and_dollar_in_a_reason_equals_the_attribution(seed: int):
    request = a_random_ruled_account(seed)
    proposal = analyze(request)
    if proposal.outcome is not AnalysisOutcome.OPTIMAL or request.snapshot.cash.trade_date_total < 0:
        return
    data, parts = attributed(request, proposal)
    for trade in proposal.trades:
        (reason,) = trade.reasons
        counted = parts_of(parts, data.securities.ids.index(trade.security_id))
        of_trade = {bps(each) for each in counted}
        washed = "washed by shares" in reason.sentence  # what is washed is checked where washes are
        known = {of_account(data, each) for each in counted} | set(account_amounts(request, trade))
        assert set(BASIS_POINTS.findall(reason.sentence)) <= of_trade, reason.sentence
        assert washed or set(AMOUNTS.findall(reason.sentence)) <= known, reason.sentence
        assert any(abs(float(reason.counts_bps) - each * 1e4) < 0.001 for each in counted)
        assert any(
            reason.counts == Decimal(of_account(data, each).replace("$", "").replace(",", "")) for each in counted
        )


@pytest.mark.covers("N4")
@pytest.mark.parametrize("seed", range(40))
def test_what_is_left_above_its_threshold_is_told_once_with_its_own_drift(seed: int):
    request = a_random_ruled_account(seed)
    proposal = analyze(request)
    if account_value(request) <= 0:
        return
    data, _ = attributed(request, proposal)
    held = data.securities
    net = {
        trade.security_id: float(trade.quantity) * (1 if trade.side is Side.BUY else -1) for trade in proposal.trades
    }
    moved = np.array([net.get(each, 0.0) for each in held.ids]) * held.share
    drift = held.pooled(data.active + moved)

    named = [each.security_id for each in proposal.why_nots]
    assert len(named) == len(set(named))
    for why_not in proposal.why_nots:
        said = re.search(r"stays? ([\d.]+) % (above|below)", why_not.sentence)
        if said:
            row = held.ids.index(why_not.security_id)
            assert f"{abs(drift[row]) * 100:.2f}" == said[1]
            assert (drift[row] > 0) == (said[2] == "above")


# Each code, by hand.


def codes(request: AnalysisInput) -> dict[str, ReasonCode]:
    return {trade.security_id: trade.reasons[0].code for trade in analyze(request).trades}


def sentence(request: AnalysisInput, security_id: str) -> str:
    return next(each.reasons[0].sentence for each in analyze(request).trades if each.security_id == security_id)


def an_ira(lots: tuple[TaxLot, ...], weights: dict[str, str], **own: object) -> AnalysisInput:
    """$100,000 with $1,000 of cash; names at $100; CCC and DDD are bonds."""
    known = {each: a_security(each, asset_class="BOND") for each in ("CCC", "DDD")}
    market = a_market(dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), "100"), securities=known)
    changed = AccountSettings(**own)  # type: ignore[arg-type]
    return an_input(market, a_model(weights), lots=lots, cash="1000", settings=changed, registration=ROTH)


OFF_TARGET = (a_lot("AAA", "600", "100"), a_lot("BBB", "390", "100"))
EVEN = {"AAA": "0.5", "BBB": "0.5"}


def test_a_model_that_holds_from_today_is_the_reason_of_its_drift():
    request = an_ira(OFF_TARGET, EVEN)
    changed = replace(request, target=replace(request.target, version=7, effective_on=BUSINESS_DATE))

    assert AS_OF < BUSINESS_DATE
    assert codes(request)["AAA"] is ReasonCode.DRIFT
    assert codes(changed)["AAA"] is ReasonCode.MODEL_CHANGE
    assert sentence(changed, "AAA").startswith(
        "Version 7 of the model holds from 2026-03-03. AAA is 60.00 % of the account"
    )


def test_what_is_not_in_the_model_is_sold_in_transition():
    request = an_ira(OFF_TARGET, {"BBB": "1"})

    assert codes(request)["AAA"] is ReasonCode.TRANSITION
    assert sentence(request, "AAA").startswith(
        "AAA, 60.00 % of the account, is not in the model; to hold less of it counts "
    )


def test_both_legs_of_going_back_to_the_model_name_say_so():
    """DDD stood in for CCC: it may be at most 30 % of the account from now on, and CCC can be had again."""
    request = an_ira(
        (a_lot("DDD", "590", "100"), a_lot("AAA", "400", "100")),
        {"CCC": "0.6", "AAA": "0.4"},
        weight_bands={SecurityId("DDD"): WeightBand(maximum=Decimal("0.3"))},
    )
    held = (Substitute(SecurityId("DDD"), Decimal(0)),)
    request = replace(request, target=replace(request.target, substitutes={SecurityId("CCC"): held}))

    told = codes(request)
    assert (told["DDD"], told["CCC"]) == (ReasonCode.RESTRICTION, ReasonCode.SUBSTITUTE_BACK)
    assert sentence(request, "CCC").startswith("CCC is bought to go back to CCC, the name of the model; ")


def test_a_tilt_is_the_reason_of_what_it_moves():
    request = an_ira(
        (a_lot("AAA", "495", "100"), a_lot("BBB", "495", "100")), EVEN, tilts={SecurityId("AAA"): Decimal("0.05")}
    )

    assert codes(request)["AAA"] is ReasonCode.TILT
    assert sentence(request, "AAA").startswith(
        "AAA is expected to return 5.00 % a year more; to hold more of it counts "
    )


def test_a_class_above_its_band_is_the_reason_to_sell_its_names():
    bands = (GroupBand(GroupKind.ASSET_CLASS, "BOND", maximum=Decimal("0.2")),)
    request = an_ira(
        (a_lot("AAA", "590", "100"), a_lot("CCC", "400", "100")), {"AAA": "0.6", "CCC": "0.4"}, group_bands=bands
    )

    assert codes(request)["CCC"] is ReasonCode.RESTRICTION
    assert sentence(request, "CCC").startswith(
        "The class BOND is 40.00 % of the account, above its largest weight of 20.00 %."
    )


def test_a_tracking_error_above_its_limit_is_the_reason_of_trades_that_lower_it():
    request = an_ira(OFF_TARGET, EVEN, tracking=Tracking.LOOSE, tracking_error_limit=Decimal("0.005"))

    # 10.5 % over and 10.5 % under with 20 % of specific risk each: 0.2 * 0.105 * sqrt(2).
    assert sentence(request, "AAA").startswith("Tracking error is 2.97 %, ")
    assert "above its limit of 0.50 %; the trade lowers it." in sentence(request, "AAA")


THREE_NAMES = (a_lot("AAA", "500", "100"), a_lot("BBB", "490", "100"), a_lot("CCC", "10", "100"))


def test_one_name_too_many_is_the_reason_to_sell_it_whole_with_no_limit_of_tracking_error():
    request = an_ira(THREE_NAMES, {"AAA": "0.5", "BBB": "0.49", "CCC": "0.01"}, maximum_names=2)

    assert codes(request)["CCC"] is ReasonCode.RESTRICTION
    assert sentence(request, "CCC").startswith("The account holds 3 securities and may hold 2: CCC is sold whole.")


def test_where_the_account_has_no_limit_no_trade_is_demanded_of_it():
    request = an_ira(THREE_NAMES, {"AAA": "0.6", "BBB": "0.4"}, tracking=Tracking.LOOSE)

    assert ReasonCode.RESTRICTION not in codes(request).values()
    assert not any(word in sentence(request, "AAA") for word in ("above its limit", "may hold"))


def a_taxed(lots: tuple[TaxLot, ...], weights: dict[str, str], **own: object) -> AnalysisInput:
    request = an_ira(lots, weights, **own)
    account = replace(request.snapshot.account, registration=Registration.INDIVIDUAL)
    return replace(request, snapshot=replace(request.snapshot, account=account))


def test_a_harvest_that_is_asked_for_counts_towards_it():
    lots = (a_lot("AAA", "495", "110", LAST_YEAR), a_lot("BBB", "495", "100"))
    forced = ForcedHarvest(Decimal(2000), date(2026, 12, 31))
    request = a_taxed(lots, EVEN, harvesting=Harvesting.OFF, forced_harvest=forced)

    assert codes(request)["AAA"] is ReasonCode.LOSS_HARVEST
    assert "towards the losses of $2,000.00 that are to be realised it counts " in sentence(request, "AAA")


def why(request: AnalysisInput) -> dict[str, tuple[WhyNotCode, str]]:
    return {each.security_id: (each.code, each.sentence) for each in analyze(request).why_nots}


@pytest.mark.parametrize(
    ("own", "security_id", "code", "because"),
    [
        (
            {"turnover_limit": "0.02"},
            "AAA",
            WhyNotCode.TURNOVER_LIMIT,
            "the turnover limit of 2.00 %.",
        ),
        ({"gain_budget": "200"}, "AAA", WhyNotCode.GAIN_BUDGET, "the budget of net gains of $200.00."),
        ({"tax_budget": "30"}, "AAA", WhyNotCode.TAX_BUDGET, "the tax budget of $30.00."),
    ],
)
def test_a_drift_that_a_limit_leaves_names_the_limit(
    own: dict[str, str], security_id: str, code: WhyNotCode, because: str
):
    """AAA is 10.5 % above its target with a gain of $20 a share, at the long-term rate of 20 %."""
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "390", "100"))
    limits = {name: Decimal(amount) for name, amount in own.items()}

    told = why(a_taxed(lots, EVEN, tracking=Tracking.TIGHT, **limits))[security_id]

    assert told[0] is code
    assert told[1].endswith(f"above its target because that would break {because}")


def test_a_drift_that_the_names_own_band_leaves_names_the_band():
    bands = {SecurityId("BBB"): WeightBand(maximum=Decimal("0.42"))}

    code, told = why(an_ira(OFF_TARGET, EVEN, weight_bands=bands))["BBB"]

    assert code is WhyNotCode.WEIGHT_BAND
    assert told.endswith("below its target because it may be at most 42.00 % of the account.")


def test_a_drift_that_the_band_of_its_class_leaves_names_the_band():
    bands = (GroupBand(GroupKind.ASSET_CLASS, "BOND", maximum=Decimal("0.25")),)
    lots = (a_lot("AAA", "790", "100"), a_lot("CCC", "200", "100"))

    code, told = why(an_ira(lots, {"AAA": "0.6", "CCC": "0.4"}, group_bands=bands))["CCC"]

    assert code is WhyNotCode.GROUP_BAND
    assert told.endswith("because that would break the band of asset class BOND.")


def test_what_there_is_no_cash_for_is_a_matter_of_cash():
    """AAA must not be sold and BBB lies 10.5 % below its target with half the cash target left to spend."""
    request = an_ira(OFF_TARGET, EVEN, restrictions=(a_rule(RestrictionKind.NEVER_SELL, "AAA"),))

    code, told = why(request)["BBB"]

    assert code is WhyNotCode.CASH_MINIMUM
    assert told.endswith("because cash is at its minimum, and nothing else that may be sold is worth selling for it.")


def test_a_withdrawal_is_the_reason_of_what_is_sold_for_it():
    request = an_ira(
        (a_lot("AAA", "495", "100"), a_lot("BBB", "495", "100")),
        EVEN,
        cash_needs=(CashNeed(Decimal(20000), date(2026, 3, 6)),),
    )

    assert set(codes(request).values()) == {ReasonCode.CASH_NEED}


@pytest.mark.parametrize(
    ("fraction", "said"),
    [
        (2.75e-6, "$0.28"),  # $0.275: half a cent goes to the even cent; as a product of floats it is $0.2749...
        (1.45e-6, "$0.14"),  # $0.145: as a product of floats it is $0.1450...02
        (-2.75e-6, "-$0.28"),
        (0.0123456, "$1,234.56"),
        (-1e-9, "$0.00"),
        (123_456_789.125, "$12,345,678,912,500.00"),
    ],
)
def test_dollars_in_sentences_are_rounded_as_decimals_are(fraction: float, said: str):
    data, _ = attributed(request := an_ira(OFF_TARGET, EVEN), analyze(request))

    assert of_account(replace(data, account_value=Decimal(100_000)), fraction) == said
