"""The checker's rules on one trade: may it be, is it large enough, do its lots and its arithmetic add up."""

from collections.abc import Iterator

from trimtab.domain.lots import holding_period
from trimtab.domain.money import CENT, ZERO, to_cents
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_securities import LOT_TOLERANCE
from trimtab.domain.orders import Side
from trimtab.domain.proposals import LotSale, ProposedTrade


def trade_violations(account: CheckedAccount, trade: ProposedTrade) -> Iterator[str]:
    """One sentence for each rule that the trade breaks by itself."""
    yield from _arithmetic(account, trade)
    yield from _permission(account, trade)
    yield from _size(account, trade)
    yield from _lots(account, trade)


def _arithmetic(account: CheckedAccount, trade: ProposedTrade) -> Iterator[str]:
    security_id, whole = trade.security_id, account.whole_shares(trade.security_id)
    price = account.market.prices.get(security_id)
    if trade.quantity <= 0:
        yield f"{security_id}: the quantity {trade.quantity} is not above zero"
    if whole and trade.quantity != trade.quantity.to_integral_value():
        yield f"{security_id}: {trade.quantity} is not a whole number of shares"
    elif whole and trade.quantity % account.round_lot(security_id) != 0 and not _closes(account, trade):
        yield f"{security_id}: {trade.quantity} is no multiple of its round lot of {account.round_lot(security_id)}"
    if price is not None and trade.price != price.close:
        yield f"{security_id}: the price {trade.price} is not the close {price.close}"
    if trade.notional != to_cents(trade.quantity * trade.price):
        yield f"{security_id}: the notional {trade.notional} is not quantity times price"
    if not trade.reasons:
        yield f"{security_id}: the trade has no reason"


def _permission(account: CheckedAccount, trade: ProposedTrade) -> Iterator[str]:
    security_id = trade.security_id
    if security_id in account.snapshot.frozen:
        yield f"{security_id}: it is frozen ({account.snapshot.frozen[security_id]})"
    elif account.untouchable(security_id):
        yield f"{security_id}: it is not tradable, or has no price or no risk exposures"
    if security_id in account.never_trade:
        yield f"{security_id}: it must never be traded"
    if trade.side is Side.SELL:
        if security_id in account.never_sell:
            yield f"{security_id}: it must never be sold"
        return
    if security_id in account.never_buy:
        yield f"{security_id}: it must never be bought"
    if security_id in account.never_hold:
        yield f"{security_id}: it must never be held"
    if not account.wanted(security_id):
        held_only = security_id in account.substitutes
        because = "though it is a substitute that is only held" if held_only else "without being in the model"
        yield f"{security_id}: it is bought {because}"


def _size(account: CheckedAccount, trade: ProposedTrade) -> Iterator[str]:
    if trade.side is Side.SELL:
        held = account.quantity.get(trade.security_id, ZERO)
        if trade.quantity > held + LOT_TOLERANCE:
            yield f"{trade.security_id}: {trade.quantity} shares are sold, {held} are held"
    minimum = account.settings.minimum_trade
    if trade.notional >= minimum - CENT:
        return
    if not (_closes(account, trade) or (trade.side is Side.SELL and trade.security_id in account.never_hold)):
        yield f"{trade.security_id}: {trade.notional} is below the minimum trade of {minimum}"


def _closes(account: CheckedAccount, trade: ProposedTrade) -> bool:
    """True for a sale that leaves nothing, or less than a share."""
    left = account.quantity.get(trade.security_id, ZERO) - trade.quantity
    return trade.side is Side.SELL and left < account.least(trade.security_id)


def _lots(account: CheckedAccount, trade: ProposedTrade) -> Iterator[str]:
    if trade.side is Side.BUY:
        if trade.lot_sales:
            yield f"{trade.security_id}: a purchase names lots to sell"
        return
    if sum([sale.quantity for sale in trade.lot_sales], ZERO) != trade.quantity:
        yield f"{trade.security_id}: the lots do not sum to {trade.quantity} shares"
    if sum([sale.proceeds for sale in trade.lot_sales], ZERO) != trade.notional:
        yield f"{trade.security_id}: the proceeds of the lots do not sum to {trade.notional}"
    if len({sale.lot_id for sale in trade.lot_sales}) != len(trade.lot_sales):
        yield f"{trade.security_id}: a lot is sold twice"
    for sale in trade.lot_sales:
        yield from _lot_sale(account, trade, sale)


def _lot_sale(account: CheckedAccount, trade: ProposedTrade, sale: LotSale) -> Iterator[str]:
    lot = account.lots.get(sale.lot_id)
    if lot is None or lot.security_id != trade.security_id:
        yield f"{trade.security_id}: lot {sale.lot_id} is not one of its lots"
        return
    if not 0 < sale.quantity <= lot.quantity:
        yield f"lot {sale.lot_id}: {sale.quantity} shares are sold of {lot.quantity}"
    if abs(sale.proceeds - sale.quantity * trade.price) > CENT:
        yield f"lot {sale.lot_id}: the proceeds {sale.proceeds} are not its share of the sale"
    basis = lot.cost if sale.quantity == lot.quantity else to_cents(lot.cost * sale.quantity / lot.quantity)
    if sale.basis != basis:
        yield f"lot {sale.lot_id}: the basis is {basis}, not {sale.basis}"
    if sale.gain != sale.proceeds - sale.basis:
        yield f"lot {sale.lot_id}: the gain {sale.gain} is not proceeds less basis"
    young = account.too_young(lot)
    if young is not None:
        yield f"lot {sale.lot_id}: {young}"
    if sale.term is not holding_period(lot, account.snapshot.business_date):
        yield f"lot {sale.lot_id}: its term is not {sale.term}"
