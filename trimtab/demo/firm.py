"""The demo firm on one business day: its master, accounts, models, market and what its custodian holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from trimtab.demo.book import Book
from trimtab.demo.holdings import UNLISTED_PRICE, History, build_book
from trimtab.demo.market import CorporateAction, Market, SimulatedMarket, simulated_market
from trimtab.demo.roster import Case, DemoAccount, build_roster
from trimtab.demo.sessions import require_session
from trimtab.demo.universe import FUND_COUNT, unlisted_security
from trimtab.domain.accounts import AccountId, FirmId
from trimtab.domain.market import RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.securities import Security, SecurityId

DEMO_FIRM_ID = FirmId("demo")
DEFAULT_BUSINESS_DATE = date(2026, 11, 20)
DEFAULT_ACCOUNTS = 200
DEFAULT_SEED = 20


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
    market: Market = field(repr=False, compare=False)

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
    plans = build_roster(accounts, seed, business_date, securities[FUND_COUNT:])
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
        market=market,
    )


def _history(market: SimulatedMarket, unlisted: Security, business_date: date) -> History:
    import numpy as np

    as_of = market.previous_session(business_date)
    securities = market.universe.securities
    targets = {
        model.id: np.array([float(model.weights.get(security.id, 0)) for security in securities])
        for model in market.models(business_date)
    }
    return History(
        sessions=market.sessions(as_of),
        cents=market.history(as_of),
        securities=securities,
        unlisted=unlisted,
        targets=targets,
        business_date=business_date,
        seed=market.seed,
    )
