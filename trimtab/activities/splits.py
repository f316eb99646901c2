"""The splits that take effect on a business date, and the securities whose action must not be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import log
from typing import Final

from trimtab.db.inputs import DeliveredAction
from trimtab.domain.corporate_actions import (
    ActionKind,
    ActionStatus,
    CorporateAction,
    NotASplit,
    effective_splits,
    exact_ratio,
    times,
)
from trimtab.domain.data_codes import DataCode
from trimtab.domain.price_checks import JudgedPrice
from trimtab.domain.securities import SecurityId

_LIKENESS: Final = 0.15  # |ln(move / ratio)| below which a move is the split's (CA-7)
_JUDGED_HERE: Final = (ActionKind.SPLF, ActionKind.SPLR, ActionKind.DVCA)
_SMALLEST: Final = 0.2  # |ln ratio|: smaller ones drown in a day's move


@dataclass(frozen=True, slots=True)
class Split:
    """A split in whole numbers. `close_before` is dollars an old share, None when the day's price is bad."""

    event_id: str
    version: int
    kind: ActionKind
    security_id: SecurityId
    ex_on: date
    new_shares: int
    old_shares: int
    cash_per_share: Decimal | None
    close_before: Decimal | None = None

    @property
    def action(self) -> CorporateAction:
        """The split as the domain's event."""
        return CorporateAction(
            event_id=self.event_id,
            version=self.version,
            kind=self.kind,
            security_id=self.security_id,
            ex_on=self.ex_on,
            ratio=exact_ratio(Decimal(self.new_shares), Decimal(self.old_shares)),
            cash_per_share=self.cash_per_share,
        )


@dataclass(frozen=True, slots=True)
class JudgedActions:
    """`today` and `earlier` may be applied; holders of a `barred` security are suspended."""

    today: tuple[Split, ...]
    earlier: tuple[Split, ...]
    barred: Mapping[SecurityId, DataCode]


def judge_actions(
    delivered: Sequence[DeliveredAction],
    business_date: date,
    prices: Mapping[SecurityId, JudgedPrice],
    unread: frozenset[SecurityId] = frozenset(),
) -> JudgedActions:
    """Sort the delivered actions with ex-dates up to the business date.

    Barred: a split without a readable ratio, one that is no small rational or against its kind (CA-7), two of one day
    with different ratios (case 36), and securities with an action that could not be read at all (`unread`).
    """
    delivered = [row for row in delivered if row.kind in _JUDGED_HERE]
    unusable = {row.security_id for row in delivered if row.ex_on == business_date and _unusable(row)}
    actions = [_event(row) for row in delivered if not _unusable(row)]
    today, doubtful = effective([action for action in actions if action.ex_on == business_date], prices)
    earlier, _ = effective([action for action in actions if action.ex_on < business_date], {})
    barred = {**dict.fromkeys(unread, DataCode.CA_INCOMPLETE), **doubtful}
    return JudgedActions(today, earlier, barred | dict.fromkeys(unusable, DataCode.CA_UNSYNCED))


def splits_of(delivered: Sequence[DeliveredAction]) -> tuple[Split, ...]:
    """The splits among them that may be applied, whatever their dates."""
    return effective([_event(row) for row in delivered if row.kind in _JUDGED_HERE and not _unusable(row)], {})[0]


def effective(
    actions: Sequence[CorporateAction], prices: Mapping[SecurityId, JudgedPrice]
) -> tuple[tuple[Split, ...], dict[SecurityId, DataCode]]:
    """The splits that may be applied, one for a security and day, and the securities of doubtful ones."""
    found: list[Split] = []
    barred: dict[SecurityId, DataCode] = {}
    for day in sorted({action.ex_on for action in actions}):
        splits = effective_splits(actions, day)
        found += [_split(action, prices) for action in splits.applicable]
        barred |= {action.security_id: DataCode.CA_UNSYNCED for action in splits.doubtful}
    terms: dict[tuple[SecurityId, date], set[tuple[int, int]]] = {}
    for split in found:
        terms.setdefault((split.security_id, split.ex_on), set()).add((split.new_shares, split.old_shares))
    barred |= {name: DataCode.CA_CONFLICT for (name, _), ratios in terms.items() if len(ratios) > 1}
    unique = {(split.security_id, split.ex_on): split for split in found if split.security_id not in barred}
    return tuple(unique.values()), barred


def already_in_prices(splits: Sequence[Split], before: Mapping[SecurityId, Decimal]) -> dict[SecurityId, DataCode]:
    """Securities whose closes look divided on the evening before the split takes effect (case 30).

    `before`: the closes of the price file before, dollars.
    """
    return {
        split.security_id: DataCode.CA_UNSYNCED
        for split in splits
        if split.close_before is not None
        and before.get(split.security_id, Decimal(0)) > 0
        and abs(_log_ratio(split)) > _SMALLEST
        and abs(log(float(before[split.security_id] / split.close_before)) - _log_ratio(split)) < _LIKENESS
    }


def _log_ratio(split: Split) -> float:
    return log(split.new_shares / split.old_shares)


def _unusable(row: DeliveredAction) -> bool:
    """A split without a ratio of its shares."""
    if row.kind == ActionKind.DVCA:
        return False
    try:
        exact_ratio(row.new_shares or Decimal(0), row.old_shares or Decimal(0))
    except NotASplit:
        return True
    return False


def _event(row: DeliveredAction) -> CorporateAction:
    ratio = None if row.new_shares is None or row.old_shares is None else exact_ratio(row.new_shares, row.old_shares)
    return CorporateAction(
        event_id=row.event_id,
        version=row.version,
        kind=ActionKind(row.kind),
        security_id=row.security_id,
        ex_on=row.ex_on,
        ratio=ratio,
        cash_per_share=row.cash_per_share,
        status=ActionStatus(row.status),
    )


def _split(action: CorporateAction, prices: Mapping[SecurityId, JudgedPrice]) -> Split:
    price, ratio = prices.get(action.security_id), action.split_ratio
    return Split(
        event_id=action.event_id,
        version=action.version,
        kind=action.kind,
        security_id=action.security_id,
        ex_on=action.ex_on,
        new_shares=ratio.numerator,
        old_shares=ratio.denominator,
        cash_per_share=action.cash_per_share,
        close_before=price.close if price is not None and price.is_good else None,
    )


def in_units_of_today(quantity: Decimal, security_id: SecurityId, on: date, splits: Sequence[Split]) -> Decimal:
    """Shares counted on the day `on` in shares of the business date."""
    for split in splits:
        if split.security_id == security_id and on < split.ex_on:
            quantity = times(quantity, split.action.split_ratio)
    return quantity
