"""The market in columns as the checker keeps it, and what the checker may know of the optimizer: nothing."""

import ast
from pathlib import Path

import numpy as np
import pytest

from tests.optimizer.accounts import a_market
from trimtab.domain import optimizer
from trimtab.domain.optimizer.checked_market import checked_market


def test_a_market_is_read_once_and_another_of_the_same_names_has_its_own_prices():
    today, tomorrow = a_market({"AAA": "100", "BBB": "50"}), a_market({"AAA": "101", "BBB": "50"})

    assert checked_market(today) is checked_market(today)
    assert checked_market(tomorrow).close.tolist() == [101.0, 50.0]
    assert checked_market(today).close.tolist() == [100.0, 50.0]


def test_of_three_markets_the_last_two_are_kept():
    first, second, third = (a_market({"AAA": price}) for price in ("1", "2", "3"))
    read = [checked_market(each) for each in (first, second, third)]

    assert checked_market(second) is read[1]
    assert checked_market(third) is read[2]
    assert checked_market(first) is not read[0]
    assert checked_market(first).close.tolist() == [1.0]


def test_no_account_can_change_the_market_of_the_others():
    market = checked_market(a_market({"AAA": "100"}))

    with pytest.raises(ValueError, match="read-only"):
        market.close[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        market.may_trade &= np.array([False])


def test_the_checker_imports_nothing_of_the_optimizer_that_is_not_the_checkers():
    folder = "trimtab.domain.optimizer."
    files = list(Path(optimizer.__path__[0]).glob("check*.py"))
    imported = {
        statement.module.removeprefix(folder)
        for file in files
        for statement in ast.walk(ast.parse(file.read_text()))
        if isinstance(statement, ast.ImportFrom) and statement.module and statement.module.startswith(folder)
    }

    assert len(files) > 20
    assert imported - {file.stem for file in files} == {"errors"}
