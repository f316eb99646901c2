"""The invented securities of the demo firm: 20 funds and 160 companies, none of which exists.

Symbols of companies contain a digit, as no real one does. CUSIPs have an issuer number that ends in
three letters, a range from which none is handed out to shares, and check digits that are right.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from stdnum import cusip, isin

from trimtab.domain.securities import Security, SecurityId, SecurityKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FACTORS = ("MARKET", "SIZE", "VALUE", "MOMENTUM", "QUALITY", "GROWTH", "ENERGY", "RATES", "CREDIT", "GOLD")
FUND_COUNT = 20
COMPANY_COUNT = 160
INDEX_COUNT = 120  # companies of the direct index: the first ones
SLEEVE_COUNT = 30  # the next ones: the income sleeve of the open-architecture model; the last ten are in no model

_CREATURES = (
    "Gryphon", "Basilisk", "Kraken", "Phoenix", "Unicorn", "Yeti", "Chimera", "Wyvern", "Sphinx", "Hydra",
    "Minotaur", "Pegasus", "Cyclops", "Leviathan", "Banshee", "Goblin", "Selkie", "Troll", "Manticore", "Djinn",
)  # fmt: skip
_TRADES = (
    ("Calculators", "Information Technology"),
    ("Apothecaries", "Health Care"),
    ("Banking", "Financials"),
    ("Lanterns", "Consumer Discretionary"),
    ("Broadsheets", "Communication Services"),
    ("Railways", "Industrials"),
    ("Teahouses", "Consumer Staples"),
    ("Oilworks", "Energy"),
    ("Waterworks", "Utilities"),
    ("Ironworks", "Materials"),
    ("Castles", "Real Estate"),
)
_SECTOR_TILTS = {  # mean exposure to (GROWTH, ENERGY, RATES, CREDIT, GOLD)
    "Information Technology": (0.9, 0.0, 0.0, 0.0, 0.0),
    "Health Care": (0.2, 0.0, 0.1, 0.0, 0.0),
    "Financials": (-0.3, 0.0, -0.5, 0.6, 0.0),
    "Consumer Discretionary": (0.4, 0.0, 0.0, 0.2, 0.0),
    "Communication Services": (0.5, 0.0, 0.0, 0.0, 0.0),
    "Industrials": (0.0, 0.1, -0.1, 0.2, 0.0),
    "Consumer Staples": (-0.4, 0.0, 0.3, 0.0, 0.0),
    "Energy": (-0.3, 1.0, -0.2, 0.2, 0.0),
    "Utilities": (-0.4, 0.1, 0.7, 0.1, 0.0),
    "Materials": (-0.1, 0.2, -0.1, 0.2, 0.4),
    "Real Estate": (-0.1, 0.0, 0.7, 0.3, 0.0),
}


@dataclass(frozen=True, slots=True)
class _Fund:
    """An asset class with two funds. `same_index`: both track one index, so they are substantially identical."""

    prefix: str
    name: str
    asset_class: str
    exposures: tuple[float, ...]  # to FACTORS
    specific_risk: float  # annualised
    first_price: float
    same_index: bool


_FUNDS = (
    _Fund("LCX", "Large Company", "US_LARGE", (1.0, -0.1, 0, 0, 0.1, 0.1, 0, 0, 0, 0), 0.012, 210, True),
    _Fund("SCX", "Small Company", "US_SMALL", (1.1, 0.9, 0.2, 0, -0.1, 0, 0, 0, 0.1, 0), 0.03, 95, False),
    _Fund("DVX", "Developed Markets", "DEVELOPED", (0.85, 0, 0.3, 0, 0, -0.2, 0.1, 0, 0.1, 0), 0.05, 55, False),
    _Fund("EMX", "Emerging Markets", "EMERGING", (0.9, 0.2, 0.2, 0, -0.1, 0, 0.2, 0, 0.3, 0.1), 0.08, 48, False),
    _Fund("REX", "Property", "REAL_ESTATE", (0.8, 0.3, 0.2, 0, 0, -0.2, 0, 0.8, 0.3, 0), 0.06, 80, False),
    _Fund("AGX", "Aggregate Bond", "US_BOND", (0.02, 0, 0, 0, 0, 0, 0, 1.0, 0.2, 0), 0.006, 98, True),
    _Fund("IBX", "World Bond", "INTL_BOND", (0.02, 0, 0, 0, 0, 0, 0, 0.7, 0.2, 0.05), 0.02, 52, False),
    _Fund("HYX", "High Yield Bond", "HIGH_YIELD", (0.2, 0, 0, 0, 0, 0, 0.05, 0.3, 1.2, 0), 0.015, 76, False),
    _Fund("STX", "Short Treasury", "SHORT_TREASURY", (0, 0, 0, 0, 0, 0, 0, 0.3, 0, 0), 0.004, 101, False),
    _Fund("GLX", "Bullion", "GOLD", (0, 0, 0, 0, 0, 0, 0, 0.2, 0, 1.1), 0.02, 168, True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """Securities in the order of the arrays' rows; `risk` numbers are annualised fractions."""

    securities: tuple[Security, ...]
    exposures: "Floats"  # (n_securities, n_factors)
    specific_risk: "Floats"  # (n_securities,)
    first_prices: "Floats"  # (n_securities,), dollars on the first day of the history
    shares_out: "Floats"  # (n_securities,), what the direct index weighs by

    def index(self, symbol: str) -> int:
        return next(i for i, security in enumerate(self.securities) if security.symbol == symbol)


@lru_cache(maxsize=4)
def build_universe(seed: int) -> Universe:
    """The 180 securities of one seed: names are the same for every seed, their numbers are not."""
    import numpy as np

    rng = np.random.default_rng([seed, 1])
    companies = [_company(i) for i in range(COMPANY_COUNT)]
    fund_exposures = [fund.exposures for fund in _FUNDS for _ in range(2)]
    fund_risk = [fund.specific_risk for fund in _FUNDS for _ in range(2)]
    fund_prices = [fund.first_price * scale for fund in _FUNDS for scale in (1.0, 0.8)]
    company_exposures = np.array([_company_exposures(rng, company.sector or "") for company in companies])
    company_risk = np.clip(np.exp(rng.normal(np.log(0.24), 0.3, len(companies))), 0.12, 0.5)
    company_prices = np.exp(rng.uniform(np.log(25), np.log(260), len(companies)))
    caps = (np.arange(len(companies)) + 8.0) ** -0.9 * 1e12
    return Universe(
        securities=(*_funds(), *companies),
        exposures=np.vstack([np.array(fund_exposures, dtype=float), company_exposures]).round(4),
        specific_risk=np.concatenate([fund_risk, company_risk]).round(4),
        first_prices=np.concatenate([fund_prices, company_prices]),
        shares_out=np.concatenate([np.full(FUND_COUNT, 4e8), caps / company_prices]),
    )


def unlisted_security() -> Security:
    """A security that accounts can hold and the firm's master does not know. Its identifiers are well formed."""
    code = invented_cusip(899)
    return Security(
        id=SecurityId("UNLISTED-1"),
        name="Will-o-the-Wisp Provisions",
        kind=SecurityKind.STOCK,
        asset_class="US_SMALL",
        symbol="WIS1",
        cusip=code,
        isin=cusip.to_isin(code),
    )


def _funds() -> list[Security]:
    funds: list[Security] = []
    for fund in _FUNDS:
        for number, house in enumerate(("Lodestar", "Quillfeather"), start=1):
            code = invented_cusip(100 + len(funds))
            funds.append(
                Security(
                    id=SecurityId(f"S{len(funds) + 1:04d}"),
                    name=f"{house} {fund.name} ETF",
                    kind=SecurityKind.ETF,
                    asset_class=fund.asset_class,
                    symbol=f"{fund.prefix}{number}",
                    cusip=code,
                    isin=cusip.to_isin(code),
                    wash_group=f"INDEX-{fund.prefix}" if fund.same_index else "",
                    half_spread_bps=Decimal("1.0") if number == 1 else Decimal("1.5"),
                )
            )
    return funds


def _company(index: int) -> Security:
    trade, sector = _TRADES[index % len(_TRADES)]
    creature = _CREATURES[index % len(_CREATURES)]
    code = invented_cusip(200 + index)
    return Security(
        id=SecurityId(f"S{FUND_COUNT + index + 1:04d}"),
        name=f"{creature} {trade}, Inc.",
        kind=SecurityKind.STOCK,
        asset_class="US_LARGE" if index < INDEX_COUNT else "US_SMALL",
        symbol=f"{creature[:3].upper()}{index % len(_TRADES) + 1}",
        cusip=code,
        isin=cusip.to_isin(code),
        sector=sector,
        half_spread_bps=Decimal("2.0") if index < INDEX_COUNT else Decimal("4.0"),
    )


def _company_exposures(rng: "np.random.Generator", sector: str) -> list[float]:
    market = min(max(rng.normal(1.0, 0.22), 0.4), 1.8)
    styles = rng.normal(0.0, 0.5, 4)
    spread = rng.normal(0.0, 1.0, 5) * (0.2, 0.04, 0.15, 0.15, 0.05)
    return [market, *styles, *(tilt + noise for tilt, noise in zip(_SECTOR_TILTS[sector], spread, strict=True))]


def invented_cusip(issuer: int) -> str:
    """A CUSIP of issuer number `issuer` (three digits) and three letters, first share class, with its check digit."""
    body = f"{issuer:03d}XZX10"
    code = body + cusip.calc_check_digit(body)
    isin.validate(cusip.to_isin(cusip.validate(code)))
    return code
