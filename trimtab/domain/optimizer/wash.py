"""Which losses a recent purchase voids (WS-1, WS-4, WS-12)."""

from collections.abc import Sequence

import numpy as np

from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.security_rows import wash_key
from trimtab.domain.snapshots import AnalysisInput, WashWindow


def losses_void(request: AnalysisInput, lots: Sequence[TaxLot]) -> Flags:
    """True for each lot whose loss, realised today, a purchase of the last 30 days would wash.

    A purchase does not wash the sale of its own shares (Rev. Rul. 56-602).
    """
    windows: dict[str, list[WashWindow]] = {}
    for window in request.snapshot.wash_windows.purchases:
        windows.setdefault(window.wash_key, []).append(window)
    account_id = request.snapshot.account.id
    of_security = {each: windows.get(wash_key(request, each), ()) for each in {lot.security_id for lot in lots}}
    return np.array([_washes(of_security[lot.security_id], lot, account_id) for lot in lots], dtype=np.bool_)


def _washes(windows: Sequence[WashWindow], lot: TaxLot, account_id: str) -> bool:
    return bool(windows) and any(not _own_purchase(window, lot, account_id) for window in windows)


def _own_purchase(window: WashWindow, lot: TaxLot, account_id: str) -> bool:
    """The window was opened by the purchase that the lot came from; without ids, account and day tell."""
    same_day = window.account_id == account_id and window.opened_on == lot.acquired_on
    known = bool(window.purchase_id and lot.purchase_id)
    return same_day and (window.purchase_id == lot.purchase_id or not known)
