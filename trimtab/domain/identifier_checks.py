"""Identifiers that contradict each other, or that have come to name another security (cases 21 to 23).

trimtab's own id of a security is the key. What a custodian's file says is found by its CUSIP, ISIN, FIGI or ticker,
so one that changed its owner would book a holding on the wrong company.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from trimtab.domain.data_codes import DataCode
from trimtab.domain.securities import Security, SecurityId

_CUSIP_COUNTRIES: Final = ("US", "CA")
"""Their ISINs are the country, the nine characters of the CUSIP and a check digit (ISO 6166)."""


@dataclass(frozen=True, slots=True)
class PastIdentifier:
    """A security's names in an earlier master of the last weeks."""

    security_id: SecurityId
    symbol: str | None
    cusip: str | None


def isin_disagrees(isin: str | None, cusip: str | None) -> bool:
    """True when an American or Canadian ISIN contains another CUSIP than the one beside it."""
    return bool(isin and cusip) and isin[:2] in _CUSIP_COUNTRIES and isin[2:11] != cusip  # type: ignore[index]


def identifier_faults(
    master: Mapping[SecurityId, Security], past: Iterable[PastIdentifier], explained: Set[SecurityId] = frozenset()
) -> dict[SecurityId, DataCode]:
    """Securities of today's master whose identifiers must not be trusted, each with why.

    `past`: what masters of the last weeks said; `explained`: securities whose change a corporate action or a person
    accounts for. A changed CUSIP is ID_CHANGED, a ticker that was another security's is TICKER_REUSED.
    """
    faults = {
        name: DataCode.ID_CONFLICT for name, each in sorted(master.items()) if isin_disagrees(each.isin, each.cusip)
    }
    by_symbol = {each.symbol: name for name, each in master.items() if each.symbol}
    for was in past:
        now = master.get(was.security_id)
        if now is not None and was.cusip and now.cusip and was.cusip != now.cusip and now.id not in explained:
            faults.setdefault(now.id, DataCode.ID_CHANGED)
        owner = by_symbol.get(was.symbol or "")
        if owner is not None and owner != was.security_id and not {owner, was.security_id} & explained:
            faults.setdefault(owner, DataCode.TICKER_REUSED)
    return faults
