"""The demo firm on one business day: its master, accounts, models, market and what its custodian holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from trimtab.demo.book import Book
from trimtab.demo.history import History
from trimtab.demo.holdings import UNLISTED_PRICE, build_book
from trimtab.demo.market import CorporateAction, Market, SimulatedMarket, simulated_market
from trimtab.demo.roster import Case, Choices, DemoAccount, build_roster
from trimtab.demo.sessions import require_session
from trimtab.demo.universe import COMPANY_COUNT, FUND_COUNT, INDEX_COUNT, SLEEVE_COUNT, unlisted_security
from trimtab.domain.accounts import AccountId, FirmId, ModelId
from trimtab.domain.market import RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.securities import Security, SecurityId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEMO_FIRM_ID = FirmId("demo")
DEFAULT_BUSINESS_DATE = date(2026, 11, 20)
DEFAULT_ACCOUNTS = 200
DEFAULT_SEED = 20

_LEGACY_COLUMNS = tuple(range(FUND_COUNT + INDEX_COUNT + SLEEVE_COUNT, FUND_COUNT + COMPANY_COUNT))


@dataclass(frozen=True, slots=True)
class DemoFirm:
    """What there is to deliver for one business date. Holdings, lots, prices and volumes are those of `as_of`.

    A firm is made again from (accounts, seed, founded_on, business_date, book): nothing else is kept.
    """

    id: FirmId
    seed: int
    founded_on: date  # the first business date; the special cases and the split are of that day
    business_date: date  # the session on which orders may trade
    as_of: date  # the session before it
    securities: tuple[Security, ...]  # the master
    unlisted: Mapping[SecurityId, tuple[Security, Decimal]]  # held, with a price, and in no master
    accounts: tuple[DemoAccount, ...]
    models: tuple[ModelPortfolio, ...]
    risk_model: RiskModel
    prices: Mapping[SecurityId, Decimal]  # closes of as_of, before the actions with ex-date business_date
    volumes: Mapping[SecurityId, int]  # shares traded on as_of
    actions: tuple[CorporateAction, ...]  # with ex-date business_date
    market_closes: Mapping[SecurityId, Decimal]  # closes of business_date: what the paper broker fills at
    book: Book
    remarks: tuple[str, ...] = ()  # what a reader should know about how the firm was made
    market: Market = field(repr=False, compare=False, kw_only=True)

    @property
    def held_securities(self) -> Mapping[SecurityId, Security]:
        """Everything that may be held: the master, and what is in no master."""
        return {security.id: security for security in self.securities} | {
            security.id: security for security, _ in self.unlisted.values()
        }

    def price_of(self, security_id: SecurityId) -> Decimal:
        """The custodian's price of as_of, dollars a share."""
        if security_id in self.unlisted:
            return self.unlisted[security_id][1]
        return self.prices[security_id]

    def with_case(self, case: Case) -> tuple[AccountId, ...]:
        """The accounts that are special in this way."""
        return tuple(entry.id for entry in self.accounts if case in entry.cases)


def build_firm(
    accounts: int = DEFAULT_ACCOUNTS, seed: int = DEFAULT_SEED, business_date: date = DEFAULT_BUSINESS_DATE
) -> DemoFirm:
    """The firm on its first business date. Equal arguments give an equal firm.

    Raises NotASession when the exchange is closed on `business_date`, TooFewAccounts below twenty accounts.
    """
    require_session(business_date)
    market = simulated_market(seed, business_date)
    securities = market.universe.securities
    choices = Choices(
        companies=tuple(security.id for security in securities[FUND_COUNT : FUND_COUNT + INDEX_COUNT]),
        legacy=tuple(securities[column].id for column in _LEGACY_COLUMNS),
    )
    plans = build_roster(accounts, seed, business_date, choices)
    unlisted = unlisted_security()
    book = build_book(plans, _history(market, unlisted, business_date))
    return firm_on(
        business_date,
        market=market,
        firm_id=DEMO_FIRM_ID,
        seed=seed,
        founded_on=business_date,
        securities=securities,
        unlisted={unlisted.id: (unlisted, UNLISTED_PRICE)},
        accounts=tuple(plan.entry for plan in plans),
        book=book,
    )


def firm_on(
    business_date: date,
    *,
    market: Market,
    firm_id: FirmId,
    seed: int,
    founded_on: date,
    securities: tuple[Security, ...],
    unlisted: Mapping[SecurityId, tuple[Security, Decimal]],
    accounts: tuple[DemoAccount, ...],
    book: Book,
    remarks: tuple[str, ...] = (),
) -> DemoFirm:
    """A firm with the day's prices, events, models and risk model taken from its market."""
    as_of = market.previous_session(business_date)
    return DemoFirm(
        id=firm_id,
        seed=seed,
        founded_on=founded_on,
        business_date=business_date,
        as_of=as_of,
        securities=securities,
        unlisted=unlisted,
        accounts=accounts,
        models=market.models(business_date),
        risk_model=market.risk_model(as_of),
        prices=market.closes(as_of),
        volumes=market.volumes(as_of),
        actions=market.actions(business_date),
        market_closes=market.closes(business_date),
        book=book,
        remarks=remarks,
        market=market,
    )


def _history(market: SimulatedMarket, unlisted: Security, business_date: date) -> History:
    import numpy as np

    as_of = market.previous_session(business_date)
    securities = market.universe.securities
    closes = market.history(as_of) / 100
    first_rows = np.zeros(len(securities), dtype=np.int64)
    return History(
        sessions=market.sessions(as_of),
        securities=securities,
        closes=closes,
        prices=closes,
        splits={},
        first_rows=first_rows,
        purchase_rows=np.arange(len(closes)),
        dividends_due=np.zeros(len(securities)),
        fund_count=FUND_COUNT,
        legacy=_LEGACY_COLUMNS,
        targets=target_weights(market.models(business_date), securities),
        unlisted=unlisted,
        business_date=business_date,
        seed=market.seed,
    )


def target_weights(
    models: tuple[ModelPortfolio, ...], securities: tuple[Security, ...]
) -> "dict[ModelId, NDArray[np.float64]]":
    """Each model's weights as an array in the order of `securities`."""
    import numpy as np

    return {
        model.id: np.array([float(model.weights.get(security.id, 0)) for security in securities]) for model in models
    }
