"""Settings are inherited from the firm down to the account, and each layer stores only what it alters."""

from datetime import date

import pytest

from trimtab.domain.account_settings import AccountSettings, Restriction, RestrictionKind
from trimtab.domain.profile.errors import LockedSetting, WrongLevel
from trimtab.domain.profile.levels import (
    EXEMPT,
    Layer,
    LayerKey,
    LayerVersion,
    Said,
    effective,
    layer_of,
    read_changes,
    require_allowed,
    stored,
)
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.stated import stated_by_file
from trimtab.domain.profile.statements import Level, Statement
from trimtab.domain.securities import SecurityId

FIRM = LayerKey(Level.FIRM)
ADVISOR = LayerKey(Level.ADVISOR, "anna")
HOUSEHOLD = LayerKey(Level.HOUSEHOLD, "H1")
ACCOUNT = LayerKey(Level.ACCOUNT, "A1")
MARCH = date(2026, 3, 2)
APRIL = date(2026, 4, 1)


def layer(key: LayerKey, *sentences: str) -> Layer:
    said = [LANGUAGE.parse(sentence) for sentence in sentences]
    return Layer(key, {LANGUAGE.place(each): Said(each, 1) for each in said})


def told(layers: list[Layer], key: str, file: AccountSettings | None = None) -> tuple[str, Level]:
    held = effective(layers, stated_by_file(file))[key]
    return LANGUAGE.render(held.statement), held.level


@pytest.mark.covers("X1")
def test_the_narrowest_layer_that_says_something_holds_and_is_named():
    firm, advisor = layer(FIRM, "Keep 2 % in cash."), layer(ADVISOR, "Keep 3 % in cash.")
    account = layer(ACCOUNT, "Keep 4 % in cash.")

    assert told([], "cash_target") == ("Keep 1 % in cash.", Level.DEFAULT)
    assert told([firm], "cash_target") == ("Keep 2 % in cash.", Level.FIRM)
    assert told([advisor, firm], "cash_target") == ("Keep 3 % in cash.", Level.ADVISOR)
    assert told([account, advisor, firm], "cash_target") == ("Keep 4 % in cash.", Level.ACCOUNT)
    assert told([account, firm], "minimum_trade")[1] is Level.DEFAULT


def test_what_the_accounts_file_states_lies_below_every_decision():
    file = AccountSettings(restrictions=(Restriction(RestrictionKind.NEVER_BUY, SecurityId("IBM")),))

    assert told([], "never_buy|IBM", file) == ("Never buy IBM.", Level.FILE)
    assert told([layer(ACCOUNT, "Allow buying IBM.")], "never_buy|IBM", file) == ("Allow buying IBM.", Level.ACCOUNT)


def test_rules_about_two_securities_stand_beside_each_other():
    held = effective([layer(FIRM, "Never buy IBM."), layer(ACCOUNT, "Never buy AAPL.")])

    assert {place for place in held if place.startswith("never_buy")} == {"never_buy|IBM", "never_buy|AAPL"}


def test_the_firms_own_ban_is_not_lifted_for_one_account():
    firm, account = layer(FIRM, "Never buy IBM."), layer(ACCOUNT, "Allow buying IBM.")

    assert told([firm, account], "never_buy|IBM") == ("Never buy IBM.", Level.FIRM)
    with pytest.raises(LockedSetting, match="exempt the account"):
        require_allowed(ACCOUNT, LANGUAGE.parse("Allow buying IBM."), effective([firm]))
    require_allowed(FIRM, LANGUAGE.parse("Allow buying IBM."), effective([firm]))


def test_an_exempt_account_has_what_it_would_have_without_the_firm():
    firm = layer(FIRM, "Never buy IBM.", "Keep 5 % in cash.")
    exempt = Layer(ACCOUNT, {"never_buy|IBM": Said(EXEMPT, 2), "cash_target": Said(EXEMPT, 2)})

    held = effective([firm, exempt], stated_by_file(AccountSettings()))

    assert "never_buy|IBM" not in held
    assert (LANGUAGE.render(held["cash_target"].statement), held["cash_target"].level) == (
        "Keep 1 % in cash.",
        Level.FILE,
    )


def test_a_setting_is_made_only_where_it_makes_sense():
    with pytest.raises(WrongLevel, match="payment is not made for the firm: make it for one account"):
        require_allowed(FIRM, LANGUAGE.parse("Pay out $2,000 on 2026-04-15."), {})
    price = LANGUAGE.parse("Pay $5 for each order of a stock in tier GOLD at custodian ANY.")
    with pytest.raises(WrongLevel, match="ticket is not made for one account: make it for the firm or a programme"):
        require_allowed(ACCOUNT, price, {})


def version(seq: int, on: date, changes: dict[str, Statement | str | None]) -> LayerVersion:
    return LayerVersion(ACCOUNT, seq, on, changes)


def test_a_change_for_a_later_day_takes_nothing_else_with_it():
    """2 % from March; 3 % planned for April; then a minimum trade from March: in April it is 3 % and the minimum."""
    cash = [Statement("cash_target", values={"weight": weight}) for weight in ("0.02", "0.03")]
    trade = Statement("minimum_trade", values={"amount": "500"})
    versions = [
        version(1, MARCH, {"cash_target": cash[0]}),
        version(2, APRIL, {"cash_target": cash[1]}),
        version(3, MARCH, {"minimum_trade": trade}),
    ]

    in_march = layer_of(ACCOUNT, [each for each in versions if each.effective_from <= MARCH])
    in_april = layer_of(ACCOUNT, versions)

    assert in_march.says == {"cash_target": Said(cash[0], 1), "minimum_trade": Said(trade, 3)}
    assert in_april.says == {"cash_target": Said(cash[1], 2), "minimum_trade": Said(trade, 3)}


def test_a_setting_given_back_is_inherited_again():
    layers = [layer(FIRM, "Keep 2 % in cash."), Layer(ACCOUNT, {"cash_target": Said(None, 3)})]

    assert told(layers, "cash_target") == ("Keep 2 % in cash.", Level.FIRM)


def test_changes_are_stored_and_read_back():
    changes: dict[str, Statement | str | None] = {
        "cash_target": LANGUAGE.parse("Keep 2 % in cash."),
        "never_buy|IBM": EXEMPT,
        "pause": None,
    }

    assert read_changes(stored(changes)) == changes
    assert LayerKey.of(HOUSEHOLD.text) == HOUSEHOLD
    assert LayerKey.of(FIRM.text) == FIRM
