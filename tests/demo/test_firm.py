"""The firm on its first day: its roster, special cases and lots."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from trimtab.demo.errors import NotASession, TooFewAccounts
from trimtab.demo.firm import DemoFirm, build_firm
from trimtab.demo.roster import Case
from trimtab.domain.accounts import Standing, TaxStatus
from trimtab.domain.lots import HoldingPeriod, holding_period

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def firm() -> DemoFirm:
    return build_firm()


@pytest.fixture(scope="module")
def small() -> DemoFirm:
    return build_firm(20)


def values(firm: DemoFirm) -> dict[str, Decimal]:
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for holding in firm.book.holdings:
        held[holding.account_id] += holding.quantity * firm.price_of(holding.security_id)
    return {entry.id: held[entry.id] + firm.book.cash[entry.id].trade_date_total for entry in firm.accounts}


def half_l1_drift(firm: DemoFirm) -> list[float]:
    """Per open account, half the sum of |weight - target|."""
    total, models = values(firm), {model.id: model.weights for model in firm.models}
    weights: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for holding in firm.book.holdings:
        value = holding.quantity * firm.price_of(holding.security_id)
        weights[holding.account_id][holding.security_id] = float(value / total[holding.account_id])
    drifts = []
    for entry in firm.accounts:
        if entry.account.standing is Standing.OPEN:
            target, held = models[entry.account.model_id], weights[entry.id]
            every = set(target) | set(held)
            drifts.append(sum(abs(held.get(one, 0.0) - float(target.get(one, 0))) for one in every) / 2)
    return sorted(drifts)


def test_200_accounts_stand_in_80_households_under_6_advisors_and_2_programmes(firm):
    accounts = [entry.account for entry in firm.accounts]
    assert len(accounts) == 200
    assert len({account.household_id for account in accounts}) == 80
    assert len({account.advisor_id for account in accounts}) == 6
    assert {account.programme for account in accounts} == {"CORE", "PREMIER"}
    assert len({account.registration for account in accounts}) == 5
    assert len({account.model_id for account in accounts}) == 4


def test_equal_arguments_give_an_equal_firm_and_another_seed_another(small):
    assert build_firm(20) == small
    assert build_firm(20, seed=7).book != small.book


def test_the_first_twenty_accounts_are_the_same_in_a_larger_firm(small, firm):
    assert firm.accounts[:20] == small.accounts
    assert [lot for lot in firm.book.lots if lot.account_id <= "A00020"] == list(small.book.lots)


def test_twenty_accounts_hold_every_special_case(small):
    assert all(small.with_case(case) for case in Case)
    assert {case: len(small.with_case(case)) for case in Case if case is not Case.NON_DISCRETIONARY} == {
        case: 1 for case in Case if case is not Case.NON_DISCRETIONARY
    }


def test_fewer_than_twenty_accounts_are_refused():
    with pytest.raises(TooFewAccounts, match="at least 20 accounts, not 19"):
        build_firm(19)


def test_a_holiday_is_refused_as_business_date():
    with pytest.raises(NotASession):
        build_firm(20, business_date=date(2026, 12, 25))


def test_account_values_lie_between_50_000_and_5_million_dollars(firm):
    closed = set(firm.with_case(Case.CLOSED))
    odd = set(firm.with_case(Case.LOT_MISMATCH)) | set(firm.with_case(Case.UNKNOWN_SECURITY))
    for account, value in values(firm).items():
        if account in closed:
            assert value == 0
        elif account not in odd:
            assert Decimal("49999.99") <= value <= 5_000_001


def test_some_accounts_are_nearly_on_target_and_some_far_off(firm):
    drifts = half_l1_drift(firm)
    assert drifts[len(drifts) // 4] < 0.01
    assert drifts[len(drifts) // 2] < 0.06
    assert drifts[-10] > 0.10


def test_every_lot_was_bought_at_the_close_of_its_day(small):
    closes = {}
    symbols = {security.id: security for security in small.securities}
    for lot in small.book.lots:
        if lot.security_id in symbols:
            closes.setdefault(lot.acquired_on, small.market.closes(lot.acquired_on))
            assert lot.original_cost == lot.quantity * closes[lot.acquired_on][lot.security_id]


def test_gains_losses_and_both_terms_occur(firm):
    seen = Counter(
        (lot.cost > lot.quantity * firm.price_of(lot.security_id), holding_period(lot, DAY)) for lot in firm.book.lots
    )
    for is_loss in (True, False):
        for term in HoldingPeriod:
            assert seen[is_loss, term] > 300


def test_lots_sum_to_positions_but_for_the_one_account_with_bad_data(firm):
    lots: Counter[tuple[str, str]] = Counter()
    for lot in firm.book.lots:
        lots[lot.account_id, lot.security_id] += lot.quantity
    wrong = {
        (held.account_id, held.quantity - lots[held.account_id, held.security_id])
        for held in firm.book.holdings
        if held.quantity != lots[held.account_id, held.security_id]
    }
    assert wrong == {(firm.with_case(Case.LOT_MISMATCH)[0], Decimal(3))}


def test_lot_ids_are_unique_and_no_lot_is_of_the_business_date_or_later(firm):
    assert len({lot.id for lot in firm.book.lots}) == len(firm.book.lots)
    assert max(lot.acquired_on for lot in firm.book.lots) <= firm.as_of == date(2026, 11, 19)


def test_one_account_holds_what_no_master_knows(small):
    (account,) = small.with_case(Case.UNKNOWN_SECURITY)
    known = {security.id for security in small.securities}
    strangers = [held for held in small.book.holdings if held.security_id not in known]
    assert [(held.account_id, held.quantity) for held in strangers] == [(account, Decimal(150))]


def test_the_settings_of_one_account_contradict_themselves(small):
    (account,) = small.with_case(Case.CONTRADICTORY_SETTINGS)
    settings = next(entry.settings for entry in small.accounts if entry.id == account)
    (band,) = settings.weight_bands.values()
    assert (band.minimum, band.maximum) == (Decimal("0.05"), Decimal("0.03"))


def test_what_must_never_be_sold_is_held(firm):
    held = {(holding.account_id, holding.security_id) for holding in firm.book.holdings}
    for entry in firm.accounts:
        if Case.NEVER_SELL in entry.cases:
            (rule,) = (rule for rule in entry.settings.restrictions if rule.kind == "NEVER_SELL")
            assert (entry.id, rule.security_id) in held


def test_a_sale_at_a_loss_left_an_open_window_on_a_company_of_the_accounts_model(firm):
    models = {model.id: model for model in firm.models}
    accounts = {entry.id: entry.account for entry in firm.accounts}
    held = {(holding.account_id, holding.security_id) for holding in firm.book.holdings}
    assert {sale.account_id for sale in firm.book.sales} == set(firm.with_case(Case.LOSS_SALE))
    for sale in firm.book.sales:
        assert sale.proceeds < sale.basis
        assert (sale.account_id, sale.security_id) not in held
        assert DAY - timedelta(days=30) <= sale.sold_on < DAY
        assert sale.security_id in models[accounts[sale.account_id].model_id].weights
        assert accounts[sale.account_id].tax_status is TaxStatus.TAXABLE


def test_an_ira_bought_what_another_member_of_the_household_holds_at_a_loss(small):
    (taxable,), (ira,) = small.with_case(Case.LOSS_TO_HARVEST), small.with_case(Case.SPOUSE_PURCHASE)
    accounts = {entry.id: entry.account for entry in small.accounts}
    assert accounts[taxable].household_id == accounts[ira].household_id
    bought = {
        lot.security_id
        for lot in small.book.lots
        if lot.account_id == ira and lot.acquired_on >= DAY - timedelta(days=30)
    }
    losses = {
        lot.security_id: 1 - lot.quantity * small.price_of(lot.security_id) / lot.cost
        for lot in small.book.lots
        if lot.account_id == taxable
    }
    assert max(losses[security] for security in bought) > Decimal("0.2")


def test_the_company_that_splits_today_is_held_and_its_close_is_of_before(small):
    (split,) = small.actions
    assert split.ex_on == DAY
    assert sum(holding.security_id == split.security_id for holding in small.book.holdings) >= 3
    assert small.market_closes[split.security_id] < small.prices[split.security_id] * Decimal("0.6")


def test_some_lots_carry_a_wash_adjustment_and_an_earlier_holding_start(small):
    adjusted = [lot for lot in small.book.lots if lot.wash_adjustment]
    assert [lot.account_id for lot in adjusted] == ["A00002", "A00012"]
    assert all(lot.holding_start == lot.acquired_on - timedelta(days=40) for lot in adjusted)


def test_the_risk_model_covers_the_whole_master(small):
    assert set(small.risk_model.securities) == {security.id for security in small.securities}
    assert len(small.risk_model.factors) == 10
