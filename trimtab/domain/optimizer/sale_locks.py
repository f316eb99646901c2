"""Lots that are too young to be sold: the account's minimum holding days, and the redemption fees of funds."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.proposals import WhyNotCode
from trimtab.domain.snapshots import AnalysisInput


def too_young(request: AnalysisInput, lots: Sequence[TaxLot]) -> Flags:
    """Which lots may not be sold today, (m,)."""
    master = (request.market.securities.get(each.security_id) for each in request.snapshot.positions)
    if request.snapshot.settings.minimum_holding_days == 0 and not any(
        each and each.redemption_days for each in master
    ):
        return np.zeros(len(lots), dtype=np.bool_)
    return np.array([too_young_until(request, lot) is not None for lot in lots], dtype=np.bool_)


def too_young_until(request: AnalysisInput, lot: TaxLot) -> date | None:
    """The first day on which a lot may be sold when today is too early for it, else None.

    Days count from the real trade date: those the account asks for (`minimum_holding_days`) and those of the
    security's redemption fee (`redemption_days`), whichever are more.
    """
    days = max(request.snapshot.settings.minimum_holding_days, _redemption_days(request, lot))
    first = lot.acquired_on + timedelta(days=days)
    return first if days > 0 and first > request.snapshot.business_date else None


def why_too_young(request: AnalysisInput, lots: Sequence[TaxLot]) -> tuple[WhyNotCode, str] | None:
    """The rule that holds back the one of `lots` that is free first, naming that day; None when none is too young."""
    waits = [(first, lot) for lot in lots if (first := too_young_until(request, lot)) is not None]
    if not waits:
        return None
    first, lot = min(waits, key=lambda each: (each[0], each[1].id))
    days = request.snapshot.settings.minimum_holding_days
    if _redemption_days(request, lot) > days:
        fee = f"lots younger than {_redemption_days(request, lot)} days would pay a redemption fee"
        return WhyNotCode.REDEMPTION_WINDOW, f"{fee}; the first may be sold from {first.isoformat()}"
    rule = f"the account sells no lot younger than {days} days"
    return WhyNotCode.HOLDING_PERIOD, f"{rule}; the first may be sold from {first.isoformat()}"


def _redemption_days(request: AnalysisInput, lot: TaxLot) -> int:
    security = request.market.securities.get(lot.security_id)
    return security.redemption_days if security else 0
