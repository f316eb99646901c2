"""Which losses a recent purchase voids (WS-1, WS-4, WS-12)."""

import numpy as np

from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.security_rows import wash_key
from trimtab.domain.snapshots import AnalysisInput, WashWindow


def losses_void(request: AnalysisInput, lots: list[TaxLot]) -> Flags:
    """True for each lot whose loss, realised today, a purchase of the last 30 days would wash.

    A purchase does not wash the sale of its own shares (Rev. Rul. 56-602): a lot is spared when it alone is what
    was bought on the window's day.
    """
    windows: dict[str, list[WashWindow]] = {}
    for window in request.snapshot.wash_windows.purchases:
        windows.setdefault(window.wash_key, []).append(window)
    if not windows:
        return np.zeros(len(lots), dtype=np.bool_)
    bought = _purchases_by_day(request, lots)
    return np.array([_is_void(request, lot, windows, bought) for lot in lots], dtype=np.bool_)


def _purchases_by_day(request: AnalysisInput, lots: list[TaxLot]) -> dict[tuple[str, object], set[str]]:
    """The purchases of each wash key and day that are still held; a lot without a purchase id is one of its own."""
    bought: dict[tuple[str, object], set[str]] = {}
    for lot in lots:
        bought.setdefault((wash_key(request, lot.security_id), lot.acquired_on), set()).add(
            lot.purchase_id or f"lot {lot.id}"
        )
    return bought


def _is_void(
    request: AnalysisInput,
    lot: TaxLot,
    windows: dict[str, list[WashWindow]],
    bought: dict[tuple[str, object], set[str]],
) -> bool:
    key = wash_key(request, lot.security_id)
    alone = len(bought[key, lot.acquired_on]) == 1
    account_id = request.snapshot.account.id
    return any(
        not (alone and window.account_id == account_id and window.opened_on == lot.acquired_on)
        for window in windows.get(key, ())
    )
