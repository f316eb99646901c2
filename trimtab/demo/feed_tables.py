"""The demo firm's thirteen feed tables of one day, in the columns that docs/feeds.md gives."""

from collections.abc import Iterator

from trimtab.demo.drop import Cell, FeedFile
from trimtab.demo.firm import DemoFirm
from trimtab.demo.roster import DemoAccount
from trimtab.domain.lots import TaxLot
from trimtab.domain.money import to_cents
from trimtab.domain.securities import SecurityId

CUSTODIAN = "DEMO-CUSTODIAN"
PRICE_VENDOR = "DEMO-PRICES"
RISK_VENDOR = "DEMO-RISK"
HEAD_OFFICE = "DEMO-HEAD-OFFICE"

_CUSTODIAN_NAMES = ("security_id", "symbol", "cusip", "isin")


def feed_files(firm: DemoFirm) -> Iterator[FeedFile]:
    """Every file of the firm's business date."""
    for table in _TABLES:
        yield table(firm)


def _securities(firm: DemoFirm) -> FeedFile:
    columns = (
        "security_id", "symbol", "cusip", "isin", "figi", "name", "kind", "asset_class", "sector", "currency",
        "tradable", "whole_shares", "wash_group", "half_spread_bps",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            one.id, one.symbol, one.cusip, one.isin, one.figi, one.name, one.kind, one.asset_class, one.sector,
            one.currency, one.tradable, one.whole_shares, one.wash_group, one.half_spread_bps,
        )
        for one in firm.securities
    ]  # fmt: skip
    return FeedFile("securities", HEAD_OFFICE, columns, rows)


def _accounts(firm: DemoFirm) -> FeedFile:
    columns = (
        "account_id", "household_id", "advisor_id", "programme", "registration", "model_id", "discretionary",
        "standing", "approved_for_trading", "tier", "tracking", "tax_sensitivity", "harvesting",
        "short_term_rate", "long_term_rate", "cash_target", "cash_reserve", "minimum_trade", "commission",
        "suspension", "suspension_reason",
    )  # fmt: skip
    return FeedFile("accounts", HEAD_OFFICE, columns, [_account_row(entry) for entry in firm.accounts])


def _account_row(entry: DemoAccount) -> tuple[Cell, ...]:
    account, wants = entry.account, entry.settings
    return (
        account.id, account.household_id, account.advisor_id, account.programme, account.registration,
        account.model_id, account.discretionary, account.standing, account.approved_for_trading, account.tier,
        wants.tracking, wants.tax_sensitivity, wants.harvesting, wants.short_term_rate, wants.long_term_rate,
        wants.cash_target, wants.cash_reserve, wants.minimum_trade, wants.commission,
        entry.suspension, entry.suspension_reason,
    )  # fmt: skip


def _restrictions(firm: DemoFirm) -> FeedFile:
    columns = ("account_id", "rule", "security_id", "symbol", "minimum", "maximum", "reason")
    symbols = {security.id: security.symbol for security in firm.securities}
    rows: list[tuple[Cell, ...]] = []
    for entry in firm.accounts:
        for rule in entry.settings.restrictions:
            name = symbols[rule.security_id]
            rows.append((entry.id, rule.kind, rule.security_id, name, None, None, rule.reason))
        for security_id, band in entry.settings.weight_bands.items():
            name = symbols[security_id]
            rows.append((entry.id, "BAND", security_id, name, band.minimum, band.maximum, ""))
    return FeedFile("restrictions", HEAD_OFFICE, columns, rows)


def _cash_needs(firm: DemoFirm) -> FeedFile:
    rows = [(entry.id, need.amount, need.due_on) for entry in firm.accounts for need in entry.settings.cash_needs]
    return FeedFile("cash_needs", HEAD_OFFICE, ("account_id", "amount", "due_on"), rows)


def _positions(firm: DemoFirm) -> FeedFile:
    columns = ("account_id", *_CUSTODIAN_NAMES, "quantity", "market_value")
    names = _custodian_names(firm)
    rows = [
        (
            held.account_id,
            *names[held.security_id],
            held.quantity,
            to_cents(held.quantity * firm.price_of(held.security_id)),
        )
        for held in firm.book.holdings
    ]
    return FeedFile("positions", CUSTODIAN, columns, rows)


def _lots(firm: DemoFirm) -> FeedFile:
    columns = (
        "account_id", *_CUSTODIAN_NAMES, "lot_id", "quantity", "acquired_on", "holding_start", "cost",
        "wash_adjustment", "purchase_id", "covered",
    )  # fmt: skip
    names = _custodian_names(firm)
    return FeedFile("lots", CUSTODIAN, columns, (_lot_row(lot, names[lot.security_id]) for lot in firm.book.lots))


def _lot_row(lot: TaxLot, names: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return (
        lot.account_id, *names, lot.id, lot.quantity, lot.acquired_on, lot.holding_start, lot.cost,
        lot.wash_adjustment, lot.purchase_id, lot.covered,
    )  # fmt: skip


def _cash(firm: DemoFirm) -> FeedFile:
    rows = [(account_id, balance.settled, balance.unsettled) for account_id, balance in firm.book.cash.items()]
    return FeedFile("cash", CUSTODIAN, ("account_id", "settled", "unsettled"), rows)


def _sales(firm: DemoFirm) -> FeedFile:
    columns = ("account_id", *_CUSTODIAN_NAMES, "sold_on", "quantity", "proceeds", "basis")
    names = _custodian_names(firm)
    rows = [
        (
            sale.account_id,
            *names[sale.security_id],
            sale.sold_on,
            sale.quantity,
            sale.proceeds,
            sale.basis,
        )
        for sale in firm.book.sales
    ]
    return FeedFile("sales", CUSTODIAN, columns, rows)


def _prices(firm: DemoFirm) -> FeedFile:
    rows = [
        (None, one.symbol, firm.as_of, firm.prices[one.id], one.currency, firm.volumes.get(one.id))
        for one in firm.securities
        if one.id in firm.prices
    ]
    return FeedFile("prices", PRICE_VENDOR, ("security_id", "symbol", "as_of", "close", "currency", "volume"), rows)


def _corporate_actions(firm: DemoFirm) -> FeedFile:
    columns = (
        "event_id", "version", "kind", "security_id", "symbol", "ex_on", "new_shares", "old_shares",
        "cash_per_share", "status",
    )  # fmt: skip
    symbols = {security.id: security.symbol for security in firm.securities}
    rows = [
        (
            event.event_id, event.version, event.kind, None, symbols[event.security_id], event.ex_on,
            event.new_shares, event.old_shares, event.cash_per_share, event.status,
        )
        for event in firm.actions
    ]  # fmt: skip
    return FeedFile("corporate_actions", CUSTODIAN, columns, rows)


def _models(firm: DemoFirm) -> FeedFile:
    return FeedFile(
        "models",
        HEAD_OFFICE,
        ("model_id", "version", "effective_on", "security_id", "symbol", "weight"),
        list(_model_rows(firm)),
    )


def _model_rows(firm: DemoFirm) -> Iterator[tuple[Cell, ...]]:
    symbols = {security.id: security.symbol for security in firm.securities}
    for model in firm.models:
        for security_id, weight in model.weights.items():
            yield model.id, model.version, model.effective_on, security_id, symbols[security_id], weight
        if model.cash_weight is not None:
            yield model.id, model.version, model.effective_on, "CASH", None, model.cash_weight


def _risk_exposures(firm: DemoFirm) -> FeedFile:
    symbols = {security.id: security.symbol for security in firm.securities}
    columns = ("security_id", "symbol", "specific_risk", *firm.risk_model.factors)
    rows: list[tuple[Cell, ...]] = [
        (None, symbols[security_id], exposure.specific_risk, *exposure.exposures)
        for security_id, exposure in firm.risk_model.securities.items()
    ]
    return FeedFile("risk_exposures", RISK_VENDOR, columns, rows)


def _risk_covariance(firm: DemoFirm) -> FeedFile:
    factors = firm.risk_model.factors
    rows: list[tuple[Cell, ...]] = [
        (factor, *row) for factor, row in zip(factors, firm.risk_model.factor_covariance, strict=True)
    ]
    return FeedFile("risk_covariance", RISK_VENDOR, ("factor", *factors), rows)


def _custodian_names(firm: DemoFirm) -> dict[SecurityId, tuple[Cell, ...]]:
    """A custodian names securities by market identifiers; it has never heard of the firm's own ids."""
    return {
        security_id: (None, security.symbol, security.cusip, security.isin)
        for security_id, security in firm.held_securities.items()
    }


_TABLES = (
    _securities,
    _accounts,
    _restrictions,
    _cash_needs,
    _positions,
    _lots,
    _cash,
    _sales,
    _prices,
    _corporate_actions,
    _models,
    _risk_exposures,
    _risk_covariance,
)
