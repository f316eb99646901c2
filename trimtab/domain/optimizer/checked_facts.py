"""What the checker reads of one ordinary account before many are looked at together: plain lists, one a column."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from trimtab.domain.lots import TaxLot, first_long_term_sale_date
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_market import CheckedMarket, as_floats
from trimtab.domain.optimizer.checked_target import Spread, spread_of
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """One account; securities by id, lots as the snapshot lists them."""

    account: CheckedAccount
    ids: tuple[SecurityId, ...]
    place: dict[SecurityId, int]  # among `ids`
    rows: list[int]  # of the market
    shares: list[float]
    weights: list[float]  # of the model
    spread: Spread
    never_bought: Sequence[int]  # places
    never_sold: Sequence[int]
    lots: Sequence[TaxLot]
    lot_place: list[int]
    quantity: list[float]
    cost: list[float]
    wait: list[int]  # days to long-term


class Reader:
    """Reads the ordinary accounts of one market."""

    def __init__(self, market: CheckedMarket) -> None:
        self._market = market
        self._days: dict[date, dict[date, int]] = {}  # to long-term, by business date and the day held from

    def facts(self, account: CheckedAccount) -> Facts | None:
        """None for an account that is not ordinary: then its legs tell."""
        if not _is_ordinary(account):
            return None
        spread, quantity = spread_of(account), account.quantity
        ids = tuple(sorted({each for each, shares in quantity.items() if shares} | spread.weights.keys()))
        rows = [self._market.row.get(each, -1) for each in ids]
        place = {each: at for at, each in enumerate(ids)}
        lots = account.snapshot.lots
        lot_place = [place.get(each.security_id, -1) for each in lots]
        if not ids or -1 in rows or -1 in lot_place:
            return None
        return Facts(
            account=account,
            ids=ids,
            place=place,
            rows=rows,
            shares=as_floats([quantity.get(each, ZERO) for each in ids]),
            weights=as_floats([spread.weights.get(each, ZERO) for each in ids]),
            spread=spread,
            never_bought=list(self._never_bought(account, ids, rows, place)),
            never_sold=_places(account.never_sell | account.never_trade | account.snapshot.frozen.keys(), place),
            lots=lots,
            lot_place=lot_place,
            quantity=as_floats([each.quantity for each in lots]),
            cost=as_floats([each.cost for each in lots]),
            wait=self._waits(lots, account.snapshot.business_date),
        )

    def _never_bought(
        self, account: CheckedAccount, ids: Sequence[SecurityId], rows: Sequence[int], place: dict[SecurityId, int]
    ) -> Iterator[int]:
        rules = account.never_buy | account.never_hold | account.never_trade | account.snapshot.frozen.keys()
        yield from _places(rules, place)
        if account.barred_keys:
            keys, barred = self._market.keys, account.barred_keys
            yield from [at for at, row in enumerate(rows) if keys[row] in barred]

    def _waits(self, lots: Sequence[TaxLot], on: date) -> list[int]:
        days = self._days.setdefault(on, {})
        held_from = [each.holding_start or each.acquired_on for each in lots]
        for day in set(held_from) - days.keys():
            days[day] = (first_long_term_sale_date(day) - on).days
        return [days[day] for day in held_from]


def _places(names: Iterable[SecurityId], place: dict[SecurityId, int]) -> list[int]:
    return [place[each] for each in names if each in place]


def _is_ordinary(account: CheckedAccount) -> bool:
    settings = account.settings
    ruled = settings.weight_bands or settings.group_bands or settings.minimum_holding_days
    harvested = settings.forced_harvest is not None or settings.maximum_names is not None
    elsewhere = account.target.substitutes or account.away
    owed = account.cash_before < account.cash_required
    held = any(account.quantity.get(each, ZERO) for each in account.never_hold)
    unfit = account.calibration.full_credit_loss[settings.harvesting] <= 0
    return not (ruled or harvested or elsewhere or owed or held or unfit)
