"""The rule that asks for a trade, in a sentence; what rules ask for comes before what counts most."""

from trimtab.domain.account_settings import GroupBand, GroupKind
from trimtab.domain.optimizer.reason_sentences import Told
from trimtab.domain.optimizer.security_rows import band_tolerance
from trimtab.domain.optimizer.wording import percent
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade
from trimtab.domain.securities import SecurityId

_GROUP_WORDS = {GroupKind.ASSET_CLASS: "The class", GroupKind.SECTOR: "The sector"}


def demanded(told: Told, trade: ProposedTrade, row: int) -> str | None:
    """Why the account's rules ask for the trade, None when they do not."""
    if not told.has_rules:
        return None
    return _of_the_name(told, trade, row) or _of_its_groups(told, trade) or _of_the_account(told, trade, row)


def _of_the_name(told: Told, trade: ProposedTrade, row: int) -> str | None:
    held, selling = told.data.securities, trade.side is Side.SELL
    never_held = selling and trade.security_id in told.never_held
    if not never_held and (held.sell_minimum if selling else held.buy_minimum)[row] <= 0:
        return None
    name, weight = told.name(trade.security_id), percent(held.holding[row])
    if never_held:
        return f"{name} must never be held: its {weight} of the account is sold."
    band = told.request.snapshot.settings.weight_bands.get(trade.security_id)
    if band is None:  # beside an overdraft: a name whose money is borrowed
        return f"{name} is {weight} of the account, more than the whole of it."
    if selling:
        return f"{name} is {weight} of the account, above its largest weight of {percent(band.maximum)}."
    return f"{name} is {weight} of the account, below its smallest weight of {percent(band.minimum)}."


def _of_its_groups(told: Told, trade: ProposedTrade) -> str | None:
    """A class or sector outside its band by more than the tolerance, which the trade brings back."""
    settings = told.request.snapshot.settings
    if not settings.group_bands:
        return None
    tolerance = band_tolerance(settings, told.data.account_value)
    for band in settings.group_bands:
        if not in_group(told, trade.security_id, band):
            continue
        weight, who = weight_of_group(told, band), f"{_GROUP_WORDS[band.kind]} {band.name} is"
        if trade.side is Side.SELL and weight > float(band.maximum) + tolerance:
            return f"{who} {percent(weight)} of the account, above its largest weight of {percent(band.maximum)}."
        if trade.side is Side.BUY and weight < float(band.minimum) - tolerance:
            return f"{who} {percent(weight)} of the account, below its smallest weight of {percent(band.minimum)}."
    return None


def in_group(told: Told, security_id: SecurityId, band: GroupBand) -> bool:
    security = told.request.market.securities.get(security_id)
    if security is None:
        return False
    return band.name == (security.asset_class if band.kind is GroupKind.ASSET_CLASS else security.sector)


def weight_of_group(told: Told, band: GroupBand) -> float:
    """Weight of the group before any trade."""
    held = told.data.securities
    members = (row for row, security_id in enumerate(held.ids) if in_group(told, security_id, band))
    return float(sum(held.holding[row] for row in members))


def _of_the_account(told: Told, trade: ProposedTrade, row: int) -> str | None:
    """A tracking error above its limit that the trade lowers; too many names, of which the sale takes one."""
    data, limit = told.data, told.data.tracking_limit
    if limit is None and data.most_names is None:
        return None
    risk = data.squared_tracking_error(data.active) ** 0.5
    if limit is not None and risk > limit and told.parts.risk[row] > 0:
        return f"Tracking error is {percent(risk)}, above its limit of {percent(limit)}; the trade lowers it."
    names = int((data.securities.holding > data.crumb).sum())
    sold = sum(float(sale.quantity) for sale in trade.lot_sales) * float(data.securities.share[row])
    closes = trade.side is Side.SELL and sold >= data.securities.holding[row] - data.crumb[row]
    if data.most_names is not None and names > data.most_names and closes:
        name = told.name(trade.security_id)
        return f"The account holds {names} securities and may hold {data.most_names}: {name} is sold whole."
    return None
