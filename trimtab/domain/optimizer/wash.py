"""Which losses recent purchases wash, and how much of a lot (WS-1, WS-3, WS-4, WS-12).

Of the lots at a loss that are sold on one day the longest held are matched first, each with the purchases of the last
30 days in their order; r shares bought wash r shares sold, once. So of a larger lot only the first r shares sold lose
their credit: its tax is concave in the shares sold. The problem has its chord, from nothing sold to all, which is
nowhere above it: a bound stays a bound. `washed_excess` is what the true tax of a trade list is above that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.lots import TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, floats_of
from trimtab.domain.optimizer.problem import Lots, Replacements
from trimtab.domain.optimizer.security_rows import wash_key
from trimtab.domain.snapshots import AnalysisInput, WashWindow
from trimtab.domain.wash_sales import in_order_of_acquisition, is_own_purchase, replaced

_DUST = 1e-9  # shares


@dataclass(frozen=True, slots=True, eq=False)
class Washed:
    """What a day's sales of lots would lose to the wash sale rule; (m,) in the order of the lots given."""

    shares: Floats  # at least so many of a lot that is sold whole, and of a part as many as are sold, up to these
    void: Flags  # a purchase would wash every share of it
    replacements: Replacements | None


def bought_today_by_others(request: AnalysisInput) -> frozenset[str]:
    """Wash keys that other accounts of the household have bought today: no loss in them is sold (WS-8, WS-12)."""
    snapshot = request.snapshot
    return frozenset(
        window.wash_key
        for window in snapshot.wash_windows.purchases
        if window.opened_on == snapshot.business_date and window.account_id != snapshot.account.id
    )


def recent_purchases(request: AnalysisInput) -> list[WashWindow]:
    """The household's purchases of the last 30 days in the order in which they replace shares."""
    return sorted(
        request.snapshot.wash_windows.purchases,
        key=lambda each: (each.opened_on, each.account_id, each.purchase_id, each.wash_key),
    )


def washed_lots(
    request: AnalysisInput, lots: Sequence[TaxLot], *, losing: Flags, closed: Flags, forced: Flags
) -> Washed:
    """How far recent purchases would wash each lot.

    `losing` lots are at a loss that counts; `closed` ones are not sold for another reason; a lot that would be washed
    whole is sold only when `forced`. Lots that are not sold use up no purchase.
    """
    windows = recent_purchases(request)
    rows = {lots[row].id: row for row in np.flatnonzero(losing).tolist()} if windows else {}
    shares, void = np.zeros(len(lots)), np.zeros(len(lots), dtype=np.bool_)
    order: list[int] = []
    purchases: list[tuple[int, ...]] = []
    left = [window.quantity for window in windows]
    by_key: dict[str, list[tuple[int, WashWindow]]] = {}
    for number, window in enumerate(windows):
        if window.quantity > 0:
            by_key.setdefault(window.wash_key, []).append((number, window))
    for lot in in_order_of_acquisition(lots[row] for row in rows.values()):
        row = rows[lot.id]
        own = _replacing(by_key.get(wash_key(request, lot.security_id), ()), lot)
        available = sum([left[each] for each in own], ZERO)
        void[row] = 0 < available >= lot.quantity
        if not own or closed[row] or (void[row] and not forced[row]):
            continue
        shares[row] = float(replaced(lot.quantity, own, left))
        order.append(int(row))
        purchases.append(own)
    if not order:
        return Washed(shares, void, None)
    bought = floats_of([window.quantity for window in windows])
    return Washed(shares, void, Replacements(np.array(order, dtype=np.int64), tuple(purchases), bought))


def _replacing(windows: Iterable[tuple[int, WashWindow]], lot: TaxLot) -> tuple[int, ...]:
    """Of purchases in the lot's wash key those whose shares may replace the lot's, by number."""
    return tuple([number for number, window in windows if not is_own_purchase(window, lot)])


def in_rows(replacements: Replacements | None, order: Ints) -> Replacements | None:
    """The same after lots have been put into `order`."""
    if replacements is None:
        return None
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return replace(replacements, lots=place[replacements.lots])


def washed_weight(lots: Lots, share: Floats, lot_sells: Floats) -> Floats:
    """Weight of each lot's sale whose loss is washed, (m,), when `lot_sells` (m,) are sold; `share` is by security."""
    washed = np.zeros(len(lot_sells))
    known = lots.replacements
    if known is not None and lot_sells[known.lots].any():
        unit = share[lots.security[known.lots]]
        left: list[float] = known.bought.tolist()
        sold: list[float] = (lot_sells[known.lots] / unit).tolist()
        shares = [replaced(each, own, left) for each, own in zip(sold, known.purchases, strict=True)]
        washed[known.lots] = np.array(shares) * unit
    return washed


def washed_excess(lots: Lots, share: Floats, lot_sells: Floats) -> Floats:
    """Tax cost of each lot's sale above its chord, (m,), never negative.

    A lot loses at least as many shares as `Lots.washed` says: selling less of the lots before it leaves no fewer
    purchases to be matched with it. And the chord of a concave tax lies below it.
    """
    excess: Floats = lots.wash_cost * washed_above_chord(lots, share, lot_sells)
    return excess


def washed_above_chord(lots: Lots, share: Floats, lot_sells: Floats) -> Floats:
    """Weight washed of each lot's sale beyond the mean over the whole lot, (m,): the first shares sold are washed."""
    if lots.replacements is None:
        return np.zeros(len(lot_sells))
    chord = lots.washed_share * lot_sells
    above: Floats = np.maximum(washed_weight(lots, share, lot_sells) - chord, 0.0)
    return above


def washed_whole(lots: Lots, share: Floats, lot_sells: Floats) -> Flags:
    """Lots of which every share sold is washed, (m,), though that is not what was allowed."""
    if lots.replacements is None:
        return np.zeros(len(lot_sells), dtype=np.bool_)
    left = lot_sells - washed_weight(lots, share, lot_sells)
    whole: Flags = (lot_sells > 0) & (left <= _DUST * share[lots.security]) & ~lots.void & lots.at_loss
    return whole
