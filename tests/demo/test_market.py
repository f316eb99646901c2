"""The simulated market."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from trimtab.demo.errors import NotASession
from trimtab.demo.market import SPLIT_SYMBOL, factor_covariance, simulated_market
from trimtab.demo.sessions import require_session, session_after, session_before, sessions_between

FOUNDED = date(2026, 11, 20)


def test_thanksgiving_and_the_weekend_are_no_sessions():
    assert session_after(date(2026, 11, 25)) == date(2026, 11, 27)
    assert session_before(date(2026, 11, 23)) == date(2026, 11, 20)
    with pytest.raises(NotASession, match="the next one is 2026-11-27"):
        require_session(date(2026, 11, 26))


def test_sessions_can_be_asked_for_across_decades():
    assert sessions_between(date(2029, 12, 31), date(2030, 1, 2)) == (date(2029, 12, 31), date(2030, 1, 2))


def test_a_longer_history_begins_with_the_shorter_one():
    market = simulated_market(20, FOUNDED)
    short = market.history(date(2026, 11, 19))
    assert len(short) == 766  # sessions from 2023-11-01 on
    assert (market.history(date(2026, 12, 10))[: len(short)] == short).all()


def test_other_seeds_give_other_prices():
    day = date(2026, 11, 19)
    assert simulated_market(1, FOUNDED).closes(day) != simulated_market(2, FOUNDED).closes(day)


def test_the_split_halves_the_close_on_its_ex_date_and_not_before():
    market = simulated_market(20, FOUNDED)
    column = market.universe.index(SPLIT_SYMBOL)
    closes = market.history(date(2026, 11, 20))[-2:, column]
    assert 0.45 < closes[1] / closes[0] < 0.55
    (split,) = market.actions(FOUNDED)
    assert (split.new_shares, split.old_shares, split.kind) == (2, 1, "SPLF")
    assert market.actions(date(2026, 11, 23)) == ()


def test_the_split_does_not_change_the_companys_weight_in_the_index():
    market = simulated_market(20, FOUNDED)
    security = market.universe.securities[market.universe.index(SPLIT_SYMBOL)]
    before, after = (market.models(day)[2].weights[security.id] for day in (FOUNDED, date(2026, 11, 23)))
    assert abs(after / before - 1) < Decimal("0.1")


def test_simulated_volatility_is_that_of_the_risk_model():
    market = simulated_market(20, FOUNDED)
    returns = np.diff(np.log(market.history(date(2026, 11, 19))), axis=0)
    model = market.risk_model(date(2026, 11, 19))
    rows = [model.securities[security.id] for security in market.universe.securities]
    exposures = np.array([row.exposures for row in rows])
    specific = np.array([row.specific_risk for row in rows])
    expected = np.sqrt(np.einsum("ij,jk,ik->i", exposures, factor_covariance(), exposures) + specific**2)
    ratio = returns.std(axis=0) * np.sqrt(252) / expected
    assert ratio.min() > 0.9
    assert ratio.max() < 1.1


def test_models_sum_to_one_with_the_cash_that_they_declare():
    for model in simulated_market(20, FOUNDED).models(FOUNDED):
        assert model.invested_weight + model.cash_weight == 1
        assert min(model.weights.values()) > 0


def test_the_direct_index_is_published_anew_each_day_and_the_others_stay():
    market = simulated_market(20, FOUNDED)
    first, second = market.models(FOUNDED), market.models(date(2026, 11, 23))
    assert [len(model.weights) for model in first] == [9, 9, 120, 44]
    assert [model.version for model in first] == [1, 1, 1, 1]
    assert [model.version for model in second] == [1, 1, 2, 1]
    assert second[2].effective_on == date(2026, 11, 23)
    assert first[0] == second[0]


def test_the_factor_covariance_is_positive_definite():
    assert np.linalg.eigvalsh(factor_covariance()).min() > 0
