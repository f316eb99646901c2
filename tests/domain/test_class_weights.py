"""Weights by asset class, before and after trades."""

from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import ModelId, Position
from trimtab.domain.class_weights import ClassWeight, class_targets, class_weights
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.orders import Side
from trimtab.domain.proposals import Measures, ProposedTrade
from trimtab.domain.securities import SecurityId

VTI, BND = SecurityId("VTI"), SecurityId("BND")
CLASSES = {VTI: "US_LARGE", BND: "BONDS"}


def measures(cash: str) -> Measures:
    return Measures(Decimal(10_000), Decimal(cash), Decimal(0), Decimal(0), Decimal(0))


def a_trade(security_id: SecurityId, side: Side, quantity: str, price: str) -> ProposedTrade:
    shares, each = Decimal(quantity), Decimal(price)
    return ProposedTrade(security_id, side, shares, each, shares * each, (), ())


def test_a_sale_of_shares_and_a_purchase_of_bonds_move_both_classes_towards_the_target():
    # 10,000 dollars: 80 % shares, 10 % bonds, 10 % cash; 2,000 go from shares to bonds.
    told = class_weights(
        [Position(VTI, Decimal(40), Decimal(8_000)), Position(BND, Decimal(10), Decimal(1_000))],
        [a_trade(VTI, Side.SELL, "10", "200"), a_trade(BND, Side.BUY, "20", "100")],
        (measures("1000"), measures("1000")),
        {"US_LARGE": Decimal("0.6"), "BONDS": Decimal("0.3"), "CASH": Decimal("0.1")},
        CLASSES,
    )
    assert told == [
        ClassWeight("BONDS", Decimal("0.3"), Decimal("0.1"), Decimal("0.3")),
        ClassWeight("US_LARGE", Decimal("0.6"), Decimal("0.8"), Decimal("0.6")),
        ClassWeight("CASH", Decimal("0.1"), Decimal("0.1"), Decimal("0.1")),
    ]
    assert [(one.drift_before, one.drift_after) for one in told[:2]] == [
        (Decimal("-0.2"), Decimal(0)),
        (Decimal("0.2"), Decimal(0)),
    ]


def test_a_class_that_is_sold_off_or_newly_bought_is_listed_too():
    told = class_weights(
        [Position(VTI, Decimal(50), Decimal(10_000))],
        [a_trade(VTI, Side.SELL, "50", "200"), a_trade(BND, Side.BUY, "100", "100")],
        (measures("0"), measures("0")),
        {"BONDS": Decimal(1)},
        {BND: "BONDS"},
    )
    assert [(one.asset_class, one.before, one.after) for one in told] == [
        ("BONDS", Decimal(0), Decimal(1)),
        ("UNCLASSIFIED", Decimal(1), Decimal(0)),
        ("CASH", Decimal(0), Decimal(0)),
    ]


def test_the_target_leaves_room_for_the_reserve_and_the_cash_target():
    # 10,000 dollars, 2,000 held back, 5 % of the other 8,000 in cash: 2,400 in cash, 7,600 invested 75 to 25.
    model = ModelPortfolio(ModelId("m"), 1, date(2026, 1, 1), {VTI: Decimal("0.75"), BND: Decimal("0.25")}, Decimal(0))
    settings = AccountSettings(cash_reserve=Decimal(2_000), cash_target=Decimal("0.05"))
    assert class_targets(model, settings, Decimal(10_000), CLASSES) == {
        "US_LARGE": Decimal("0.57"),
        "BONDS": Decimal("0.19"),
        "CASH": Decimal("0.24"),
    }


def test_an_account_worth_nothing_has_cash_as_its_target_and_no_weights():
    model = ModelPortfolio(ModelId("m"), 1, date(2026, 1, 1), {VTI: Decimal(1)})
    target = class_targets(model, AccountSettings(), Decimal(0), CLASSES)
    empty = Measures(Decimal(0), Decimal(0), Decimal(0), Decimal(0), Decimal(0))
    assert class_weights([], [], (empty, empty), target, CLASSES) == [
        ClassWeight("CASH", Decimal(1), Decimal(0), Decimal(0))
    ]
