"""The columns of trimtab's CSV feeds, by kind (docs/feeds.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.account_settings import Harvesting, RestrictionKind, TaxSensitivity, Tracking
from trimtab.domain.accounts import Registration, Standing
from trimtab.domain.corporate_actions import ActionKind, ActionStatus
from trimtab.domain.corporate_actions_events import Treatment
from trimtab.domain.hub.provider_models import WeightsKind
from trimtab.domain.restriction_lists import ListRule
from trimtab.domain.securities import SecurityKind
from trimtab.feeds.identifiers import read_cusip, read_figi, read_isin, read_symbol
from trimtab.feeds.values import (
    Reader,
    decimal_reader,
    enum_reader,
    read_basis,
    read_basis_points,
    read_boolean,
    read_currency,
    read_date,
    read_dollars,
    read_id,
    read_instant,
    read_money,
    read_price,
    read_quantity,
    read_statistic,
    read_text,
    read_weight,
    read_whole,
    word_reader,
)


class FeedKind(StrEnum):
    """In the order in which a day's files are loaded: later ones refer to earlier ones."""

    SECURITIES = "securities"
    ACCOUNTS = "accounts"
    RESTRICTIONS = "restrictions"
    RESTRICTION_LISTS = "restriction_lists"
    CASH_NEEDS = "cash_needs"
    CORPORATE_ACTIONS = "corporate_actions"
    PRICES = "prices"
    RISK_COVARIANCE = "risk_covariance"
    RISK_EXPOSURES = "risk_exposures"
    MODELS = "models"
    PROVIDER_MODELS = "provider_models"
    POSITIONS = "positions"
    LOTS = "lots"
    CASH = "cash"
    SALES = "sales"
    TRANSACTIONS = "transactions"
    ANCILLARY = "ancillary"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. An empty cell gives `default` when it has one; a required cell may not be empty.

    A file may leave an `omissible` column out altogether.
    """

    name: str
    read: Reader
    required: bool = True
    default: object = None
    omissible: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file.

    `identified`: rows name a security by the first present of security_id, cusip, isin, figi, symbol, and the
    rows that are read end with (scheme, key) in place of those columns. `row_code` is the reason code of an
    unreadable row whose value has none of its own. `floats`: every further column is one of a risk model's
    factors, and rows end with the tuple of them in the order of the factors' names.
    """

    kind: FeedKind
    columns: tuple[Column, ...]
    identified: bool = False
    control: str | None = None
    row_code: str = "ROW_UNREADABLE"
    may_be_empty: bool = False
    floats: bool = False
    may_be_nameless: bool = False  # a row may be of no security: a transfer of cash
    adds_up: bool = False  # a further file of the day is one more delivery, not a contradiction

    @property
    def of_accounts(self) -> bool:
        return self.columns[0].name == "account_id"

    @property
    def owned(self) -> bool:
        """Rows are of an account, a model or a list, which is told of its unreadable rows."""
        return self.columns[0].name in ("account_id", "model_id", "list_id")

    @property
    def names(self) -> tuple[str, ...]:
        """What the values of a row that was read stand for."""
        own = tuple(column.name for column in self.columns)
        return own + (("scheme", "security_key") if self.identified else ()) + (("factors",) if self.floats else ())


IDENTIFIERS: Mapping[str, Reader] = {
    "security_id": read_id,
    "cusip": read_cusip,
    "isin": read_isin,
    "figi": read_figi,
    "symbol": read_symbol,
}
"""The first that is present decides, in this order."""


def _optional(name: str, read: Reader, default: object = None) -> Column:
    return Column(name, read, required=False, default=default)


def _omissible(name: str, read: Reader, default: object) -> Column:
    return Column(name, read, required=False, default=default, omissible=True)


_ACCOUNT = Column("account_id", read_id)
_RATE = decimal_reader(1, 8)

_LAYOUTS = (
    Layout(
        FeedKind.SECURITIES,
        (
            Column("security_id", read_id),
            _optional("symbol", read_symbol),
            _optional("cusip", read_cusip),
            _optional("isin", read_isin),
            _optional("figi", read_figi),
            Column("name", read_text),
            Column("kind", enum_reader(SecurityKind)),
            _optional("asset_class", read_text, ""),
            _optional("sector", read_text),
            Column("currency", read_currency),
            Column("tradable", read_boolean),
            Column("whole_shares", read_boolean),
            _optional("wash_group", read_text, ""),
            Column("half_spread_bps", read_basis_points),
        ),
        control="half_spread_bps",
    ),
    Layout(
        FeedKind.ACCOUNTS,
        (
            _ACCOUNT,
            Column("household_id", read_id),
            Column("advisor_id", read_id),
            Column("programme", read_id),
            Column("registration", enum_reader(Registration)),
            _optional("model_id", read_id),
            Column("discretionary", read_boolean),
            Column("standing", enum_reader(Standing)),
            Column("approved_for_trading", read_boolean),
            Column("tier", read_id),
            Column("tracking", enum_reader(Tracking)),
            Column("tax_sensitivity", enum_reader(TaxSensitivity)),
            Column("harvesting", enum_reader(Harvesting)),
            Column("short_term_rate", _RATE),
            Column("long_term_rate", _RATE),
            Column("cash_target", _RATE),
            Column("cash_reserve", read_money),
            Column("minimum_trade", read_money),
            Column("commission", read_money),
            _optional("suspension", word_reader("CLOSING", "PAPERWORK", "FLOW_EXPECTED", "COMPLIANCE", "ADVISOR")),
            _optional("suspension_reason", read_text, ""),
        ),
        control="cash_reserve",
        row_code="SETTINGS_INVALID",
    ),
    Layout(
        FeedKind.RESTRICTIONS,
        (
            _ACCOUNT,
            Column("rule", word_reader(*RestrictionKind, "BAND")),
            _optional("minimum", read_weight, Decimal(0)),
            _optional("maximum", read_weight, Decimal(1)),
            _optional("reason", read_text, ""),
        ),
        identified=True,
        row_code="SETTINGS_INVALID",
        may_be_empty=True,
    ),
    Layout(
        FeedKind.RESTRICTION_LISTS,
        (
            Column("list_id", read_id),
            Column("version", read_whole),
            Column("as_of", read_date),
            _omissible("rule", enum_reader(ListRule), ListRule.NEVER_BUY.value),
            _omissible("binds", word_reader("EVERYBODY", "BY_CHOICE"), "BY_CHOICE"),
            _omissible("reason", read_text, ""),
        ),
        identified=True,
        row_code="SETTINGS_INVALID",
        may_be_empty=True,
    ),
    Layout(
        FeedKind.CASH_NEEDS,
        (_ACCOUNT, Column("amount", read_money), Column("due_on", read_date)),
        control="amount",
        row_code="SETTINGS_INVALID",
        may_be_empty=True,
    ),
    Layout(
        FeedKind.CORPORATE_ACTIONS,
        (
            Column("event_id", read_id),
            Column("version", read_whole),
            Column("kind", enum_reader(ActionKind)),
            Column("ex_on", read_date),
            _optional("new_shares", read_quantity),
            _optional("old_shares", read_quantity),
            _optional("cash_per_share", read_price),
            Column("status", enum_reader(ActionStatus)),
            _omissible("new_cusip", read_cusip, None),
            _omissible("new_isin", read_isin, None),
            _omissible("new_symbol", read_symbol, None),
            _omissible("mandatory", read_boolean, True),
            _omissible("treatment", enum_reader(Treatment), None),
            _omissible("basis_percent", decimal_reader(3, 6), None),
            _omissible("basis_source", read_text, None),
            _omissible("fair_value", read_price, None),
            _omissible("pay_on", read_date, None),
            _omissible("fraction_price", read_price, None),
            _omissible("source", read_id, None),
        ),
        identified=True,
        may_be_empty=True,
    ),
    Layout(
        FeedKind.PRICES,
        (
            Column("as_of", read_date),
            Column("close", read_price),
            _optional("currency", read_currency, ""),
            _optional("volume", decimal_reader(18, 2)),
            _omissible("source", read_id, ""),
        ),
        identified=True,
        control="close",
        row_code="PRICE_PARSE",
    ),
    Layout(FeedKind.RISK_COVARIANCE, (Column("factor", read_id),), floats=True),
    Layout(FeedKind.RISK_EXPOSURES, (Column("specific_risk", read_statistic),), identified=True, floats=True),
    Layout(
        FeedKind.MODELS,
        (
            Column("model_id", read_id),
            Column("version", read_whole),
            Column("effective_on", read_date),
            Column("weight", read_weight),
        ),
        identified=True,
        control="weight",
        row_code="MODEL_INVALID",
    ),
    Layout(
        FeedKind.PROVIDER_MODELS,
        (
            Column("model_id", read_id),
            Column("provider_id", read_id),
            Column("version", read_whole),
            Column("as_of", read_date),
            Column("effective_at", read_instant),
            _optional("release_at", read_instant),
            Column("weights_kind", enum_reader(WeightsKind)),
            _optional("expected_turnover", read_weight),
            Column("weight", read_weight),
            _omissible("rotation", read_text, ""),
        ),
        identified=True,
        control="weight",
        row_code="MODEL_INVALID",
        adds_up=True,
    ),
    Layout(
        FeedKind.POSITIONS,
        (
            _ACCOUNT,
            Column("quantity", read_quantity),
            Column("market_value", read_money),
            _omissible("restricted", read_boolean, False),
        ),
        identified=True,
        control="quantity",
    ),
    Layout(
        FeedKind.LOTS,
        (
            _ACCOUNT,
            Column("lot_id", read_id),
            Column("quantity", read_quantity),
            Column("acquired_on", read_date),
            _optional("holding_start", read_date),
            _optional("cost", read_basis),
            _optional("wash_adjustment", read_basis, Decimal(0)),
            _optional("purchase_id", read_id, ""),
            Column("covered", read_boolean),
            _omissible("gift_or_inheritance", read_boolean, False),
            _omissible("restricted", read_boolean, False),
        ),
        identified=True,
        control="cost",
    ),
    Layout(
        FeedKind.CASH,
        (
            _ACCOUNT,
            Column("settled", read_money),
            Column("unsettled", read_money),
            _omissible("currency", read_dollars, "USD"),
        ),
        control="settled",
    ),
    Layout(
        FeedKind.SALES,
        (
            _ACCOUNT,
            Column("sold_on", read_date),
            Column("quantity", read_quantity),
            Column("proceeds", read_money),
            Column("basis", read_basis),
        ),
        identified=True,
        control="proceeds",
        may_be_empty=True,
    ),
    Layout(
        FeedKind.TRANSACTIONS,
        (
            _ACCOUNT,
            Column("traded_on", read_date),
            Column("action", read_text),
            _optional("quantity", read_quantity),
            _optional("price", read_price),
            _optional("fees", read_money),
            _optional("amount", read_money),
        ),
        identified=True,
        control="amount",
        may_be_empty=True,
        may_be_nameless=True,
    ),
    Layout(
        FeedKind.ANCILLARY,
        (_ACCOUNT, Column("field", read_id), _optional("value", read_text)),
        row_code="SETTINGS_INVALID",
        may_be_empty=True,
    ),
)

LAYOUTS: Mapping[FeedKind, Layout] = {layout.kind: layout for layout in _LAYOUTS}

OPTIONAL_KINDS = frozenset(
    {FeedKind.ANCILLARY, FeedKind.PROVIDER_MODELS, FeedKind.RESTRICTION_LISTS, FeedKind.TRANSACTIONS}
)
"""What comes when there is news, and no run waits for. Restriction lists that came and were refused bar a day."""
KINDS: tuple[FeedKind, ...] = tuple(kind for kind in FeedKind if kind not in OPTIONAL_KINDS)
"""What every day needs."""
