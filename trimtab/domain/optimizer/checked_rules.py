"""The checker's rules on the account as it ends: bands, cash, turnover, risk, positions and names."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from trimtab.domain.account_settings import GroupBand, GroupKind
from trimtab.domain.calibration import BAND_TOLERANCE, CASH_FLOOR_SHARE
from trimtab.domain.money import CENT, ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_cures import Cures
from trimtab.domain.optimizer.checked_rows import is_member
from trimtab.domain.orders import Side
from trimtab.domain.securities import SecurityId


def ending_violations(account: CheckedAccount) -> Iterator[str]:
    """One sentence for each rule that the account breaks after the trades."""
    yield from _never_hold(account)
    yield from _bands(account)
    for band in account.settings.group_bands:
        yield from _group_band(account, band)
    yield from _cash(account)
    yield from _turnover(account)
    yield from _minimum_holding(account)
    yield from _maximum_names(account)


def _never_hold(account: CheckedAccount) -> Iterator[str]:
    for security_id in sorted(account.never_hold):
        left = _sellable_shares(account, security_id) + account.traded.get(security_id, ZERO)
        if left >= account.least(security_id) and not account.closed(security_id):
            yield f"{security_id}: {left} shares stay of a security that must never be held"


# Bands.


def _bands(account: CheckedAccount) -> Iterator[str]:
    """A band may be missed by its tolerance, the minimum trade and a share, or where nothing may cure it today."""
    for security_id, band in sorted(account.settings.weight_bands.items()):
        if account.closed(security_id) or account.value <= 0:
            continue
        weight, slack = account.weight_after(security_id), _slack(account, [security_id])
        trade = account.traded.get(security_id, ZERO)
        if weight > band.maximum + slack and (trade > 0 or _more_to_sell(account, security_id)):
            yield f"{security_id}: its weight of {weight:.4f} is above its largest of {band.maximum}"
        if weight < band.minimum - slack and (trade < 0 or account.wash_key(security_id) not in account.barred_keys):
            yield f"{security_id}: its weight of {weight:.4f} is below its smallest of {band.minimum}"


def _group_band(account: CheckedAccount, band: GroupBand) -> Iterator[str]:
    """A band that held must hold on; one that was broken is mended as far as other rules let.

    It may be missed as that of one security: by its tolerance or the minimum trade, and a share of a member.
    """
    members = [each for each in account.names if is_member(account, band, each)]
    if account.value <= 0:
        return
    before = sum((account.worth(each) for each in members), ZERO) / account.value
    after = sum((account.weight_after(each) for each in members), ZERO)
    slack, tolerance = _slack(account, members), _tolerance(account)
    floor = max(min(_cash_floor(account), account.cash_before), account.cash_required)
    cures = Cures(account, floor, tolerance, slack)
    kind = "asset class" if band.kind is GroupKind.ASSET_CLASS else "sector"
    held = band.minimum - tolerance <= before <= band.maximum + tolerance
    if after > band.maximum + slack and (held or cures.can_fall(members, band)):
        yield f"{kind} {band.name}: its weight of {after:.4f} is above its largest of {band.maximum}"
    if after < band.minimum - slack and (held or cures.can_rise(members, band)):
        yield f"{kind} {band.name}: its weight of {after:.4f} is below its smallest of {band.minimum}"


def _slack(account: CheckedAccount, members: Iterable[SecurityId]) -> Decimal:
    """By how much a band may be missed: its tolerance or the minimum trade, and a share or round lot of a member."""
    unit = max((account.unit_dollars(each) for each in members), default=ZERO)
    return _tolerance(account) + unit / account.value


def _tolerance(account: CheckedAccount) -> Decimal:
    return max(BAND_TOLERANCE, account.settings.minimum_trade / account.value)


def _more_to_sell(account: CheckedAccount, security_id: SecurityId) -> bool:
    """True when a whole share and a minimum trade are left in lots that no rule locks."""
    if account.closed(security_id) or security_id in account.never_sell:
        return False
    free = _sellable_shares(account, security_id) - max(-account.traded.get(security_id, ZERO), ZERO)
    return free >= 1 and free * account.close(security_id) >= account.settings.minimum_trade


def _sellable_shares(account: CheckedAccount, security_id: SecurityId) -> Decimal:
    """Shares in lots that no rule on lots locks, before the trades."""
    return sum((lot.quantity for lot in account.lots_of(security_id) if not account.locked(lot)), ZERO)


# Cash, turnover.


def _cash(account: CheckedAccount) -> Iterator[str]:
    before, after, required = account.cash_before, account.cash_after, account.cash_required
    if after < required:
        yield f"cash of {after} ends below the reserve and withdrawals of {required}"
    floor = _cash_floor(account)
    # Purchases that a band demands may go below the floor, never below what is required.
    demanded = any(band.minimum > 0 for band in account.settings.weight_bands.values())
    if account.proposal.trades and after < min(floor, before) - CENT and not demanded:
        yield f"cash of {after} ends below its floor of {floor:.2f}"


def _cash_floor(account: CheckedAccount) -> Decimal:
    """Dollars at which purchases stop: half way from what is required to what is wanted."""
    required, model = account.cash_required, account.target
    model_cash = model.cash_weight if model.cash_weight is not None else 1 - model.invested_weight
    wanted = max(account.settings.cash_target, model_cash, ZERO) * (account.value - required)
    return required + CASH_FLOOR_SHARE * max(wanted, ZERO)


def _turnover(account: CheckedAccount) -> Iterator[str]:
    """Half of all that is traded is at most the limit's share of account value, to the cent."""
    limit = account.settings.turnover_limit
    traded = sum((trade.notional for trade in account.proposal.trades), ZERO)
    if limit is not None and traded / 2 > limit * account.value + CENT:
        yield f"half of the {traded} traded is above the turnover limit of {limit} of {account.value}"


# Positions.


def _minimum_holding(account: CheckedAccount) -> Iterator[str]:
    """What a trade leaves of a security is nothing, or worth the minimum holding.

    Less may be left by a sale that a rule on the name demands when locked lots keep it from being whole.
    """
    least = account.settings.minimum_holding
    for security_id, traded in account.traded.items():
        left = account.quantity.get(security_id, ZERO) + traded
        worth = left * account.close(security_id)
        if worth >= least - CENT or left < account.least(security_id):
            continue
        if traded >= 0 or not must_be_sold(account, security_id) or _may_be_closed(account, security_id):
            yield f"{security_id}: a position of {worth:.2f} is left, below the minimum holding of {least}"


def _maximum_names(account: CheckedAccount) -> Iterator[str]:
    """No more names than the most, unless so many cannot be closed today, or are demanded by bands."""
    most = account.settings.maximum_names
    if most is None:
        return
    names = account.quantity.keys() | account.traded.keys() | account.settings.weight_bands.keys()
    after = sum(
        account.quantity.get(each, ZERO) + account.traded.get(each, ZERO) >= account.least(each) for each in names
    )
    stuck = sum(_must_be_held(account, each) for each in names)
    if after > max(most, stuck):
        yield f"{after} names are held, more than {most}"


def _must_be_held(account: CheckedAccount, security_id: SecurityId) -> bool:
    """True for what cannot be sold whole today, and for what a band demands."""
    if account.band(security_id).minimum > 0:
        return True
    return account.quantity.get(security_id, ZERO) >= account.least(security_id) and not _may_be_closed(
        account, security_id
    )


def _may_be_closed(account: CheckedAccount, security_id: SecurityId) -> bool:
    """True when all of it, or all but less than a share, could have been sold today."""
    if account.closed(security_id) or security_id in account.never_sell:
        return False
    held = account.quantity.get(security_id, ZERO)
    return held - _sellable_shares(account, security_id) < account.least(security_id)


# Mandates.


def mandated_gain(account: CheckedAccount) -> Decimal:
    """The most net gain that rules demand, dollars: of names never to be held and of names above their band.

    Without limit when cash is owed, when a band demands a purchase that sales must pay for, or where a rule on the
    whole account may have demanded the sale.
    """
    settings = account.settings
    shared = settings.group_bands or settings.maximum_names is not None or settings.tracking_error_limit is not None
    trades = account.proposal.trades
    pays = any(each.side is Side.BUY and account.band(each.security_id).minimum > 0 for each in trades)
    if account.cash_before < account.cash_required or shared or pays:
        return Decimal("Infinity")
    sold = [trade for trade in account.proposal.trades if trade.side is Side.SELL]
    due = [sale for trade in sold if must_be_sold(account, trade.security_id) for sale in trade.lot_sales]
    return sum((max(sale.gain, ZERO) for sale in due), ZERO)


def must_be_sold(account: CheckedAccount, security_id: SecurityId) -> bool:
    """True when a rule on this one name demands a sale: it is never to be held, or above its band."""
    weight = account.worth(security_id) / account.value
    return security_id in account.never_hold or weight > account.band(security_id).maximum + BAND_TOLERANCE
