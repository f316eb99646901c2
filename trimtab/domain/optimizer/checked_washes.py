"""Which losses the purchases of the last 30 days wash, share by share, in exact decimals (WS-1, WS-3, WS-4).

Sales of one day are matched in the order in which the shares sold were acquired, each with the purchases in theirs; a
share bought replaces one share sold, and no purchase replaces its own shares (Reg. 1.1091-1(b) to (e), RR 56-602).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import WashWindow

_ORDER = attrgetter("opened_on", "account_id", "purchase_id")


class Losing(NamedTuple):
    """A lot at a loss that counts, and what keeps it from being sold."""

    lot: TaxLot
    key: str  # wash key
    closed: bool  # it is not sold for a reason other than the wash sale rule
    forced: bool  # it is sold although all of its loss is washed
    barred: bool = False  # another account of the household has bought its key today: it is not sold at all


class CheckedWashes:
    """The purchases of the household, and what they do to the losing lots of one account."""

    def __init__(self, account_id: str, purchases: Sequence[WashWindow], losing: Sequence[Losing]) -> None:
        self._account_id = account_id
        self._purchases = sorted(purchases, key=_ORDER)
        self._places: dict[str, list[int]] = {}
        for place, bought in enumerate(self._purchases):
            if bought.quantity > 0:
                self._places.setdefault(bought.wash_key, []).append(place)
        self._losing = self._replaced(losing)
        self.if_sold: dict[LotId, Decimal] = {}  # shares washed of a lot that is sold whole, with all others
        self.locked: set[LotId] = set()  # not sold: every share would be washed
        self._sell_everything()

    def _replaced(self, losing: Sequence[Losing]) -> list[tuple[Losing, list[int]]]:
        """Lots whose shares some purchases may replace, in the order of their acquisition, with those purchases."""
        order = sorted(losing, key=lambda each: (each.lot.acquired_on, each.lot.id)) if self._places else []
        return [(each, places) for each in order if (places := self._replacing(each))]

    def _sell_everything(self) -> None:
        bought = [each.quantity for each in self._purchases]
        for each, places in self._losing:
            lot = each.lot
            at_hand = sum([bought[place] for place in places], ZERO)
            whole = each.barred or 0 < at_hand >= lot.quantity
            if whole:
                self.if_sold[lot.id] = lot.quantity
            if each.barred or (whole and not each.forced):
                self.locked.add(lot.id)
            elif not each.closed:
                self.if_sold[lot.id] = _match(lot.quantity, places, bought)

    def matched(self, sold: Mapping[LotId, Decimal]) -> dict[LotId, Decimal]:
        """Shares washed of each losing lot in a list of sales that purchases may replace, by lot."""
        bought = [each.quantity for each in self._purchases]
        return {
            each.lot.id: _match(sold[each.lot.id], places, bought)
            for each, places in self._losing
            if each.lot.id in sold
        }

    def alone(self) -> Iterator[tuple[SecurityId, dict[LotId, Decimal]]]:
        """Securities of which purchases wash lots in part, and no other's: the lots in order, with what was bought."""
        by_security: dict[SecurityId, list[tuple[TaxLot, list[int]]]] = {}
        for each, places in self._losing:
            if each.lot.id not in self.locked and not each.closed:
                by_security.setdefault(each.lot.security_id, []).append((each.lot, places))
        users = Counter(place for lots in by_security.values() for place in {at for _, places in lots for at in places})
        for security_id, lots in by_security.items():
            own = all(users[place] == 1 for _, places in lots for place in places)
            if own and all(self.if_sold[lot.id] < lot.quantity for lot, _ in lots):
                yield (
                    security_id,
                    {lot.id: sum((self._purchases[at].quantity for at in places), ZERO) for lot, places in lots},
                )

    def _replacing(self, losing: Losing) -> list[int]:
        return [
            place
            for place in self._places.get(losing.key, ())
            if not self._is_its_own(losing.lot, self._purchases[place])
        ]

    def _is_its_own(self, lot: TaxLot, bought: WashWindow) -> bool:
        if (bought.account_id, bought.opened_on) != (self._account_id, lot.acquired_on):
            return False
        return not (bought.purchase_id and lot.purchase_id) or bought.purchase_id == lot.purchase_id


def _match(shares: Decimal, places: Sequence[int], bought: list[Decimal]) -> Decimal:
    """Shares washed of so many sold; what replaces them is taken from `bought`."""
    washed = ZERO
    for place in places:
        pair = min(shares - washed, bought[place])
        bought[place] -= pair
        washed += pair
    return washed
