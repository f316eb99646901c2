"""The main reason of each trade of a household, in a sentence whose figures come from the attribution."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.households import HouseholdInput
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.household.build import Household
from trimtab.domain.optimizer.household.legs import Leg
from trimtab.domain.optimizer.measures import bps_decimal
from trimtab.domain.optimizer.wording import bps, dollars, name_of, percent
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade, Reason, ReasonCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput


def with_household_reasons(
    request: HouseholdInput, household: Household, leg_request: AnalysisInput, leg: Leg
) -> tuple[ProposedTrade, ...]:
    """The leg's trades, each with its main reason, and why in this account where that is one."""
    teller = _Teller(request, household, leg_request, leg)
    return tuple(replace(trade, reasons=(teller.reason(trade), *teller.location(trade))) for trade in leg.booked.trades)


class _Teller:
    def __init__(self, request: HouseholdInput, household: Household, leg_request: AnalysisInput, leg: Leg) -> None:
        self._request, self._household, self._leg_request, self._leg = request, household, leg_request, leg
        self._row = {each: row for row, each in enumerate(household.ids)}
        self._own = {each: row for row, each in enumerate(leg.data.securities.ids)}

    def reason(self, trade: ProposedTrade) -> Reason:
        row = self._own[trade.security_id]
        code, sentence, part = self._main(trade, row)
        total = float(self._leg.parts.total[row])
        in_all = f"In all the trade counts {bps(total)} of the household ({dollars(self._worth(total))})."
        return Reason(code, f"{sentence} {in_all}", bps_decimal(part), self._worth(part))

    def _worth(self, fraction: float) -> Decimal:
        """Dollars of a fraction of the household's value."""
        return to_cents(Decimal(repr(fraction)) * self._household.value)

    def location(self, trade: ProposedTrade) -> Iterator[Reason]:
        """Where holding its class costs less: bought here rather than there, or sold here rather than there."""
        here, row = self._leg_request.snapshot.account, self._row[trade.security_id]
        name, asset_class = name_of(self._leg_request, trade.security_id), self._class_of(trade.security_id)
        own = self._cost(asset_class, here.tax_status)
        dearer = trade.side is Side.SELL
        for number, other in enumerate(self._request.accounts):
            cost = self._cost(asset_class, other.account.tax_status)
            held = self._household.data.parts[number].securities
            able = bool((held.sell_limit if dearer else held.buy_limit)[row] > 0)
            if able and (own > cost if dearer else own < cost):
                verb, sign = ("sold", "less") if dearer else ("bought", "more")
                sentence = (
                    f"{name} is {verb} in account {here.id} rather than in {other.account.id}, where holding "
                    f"{asset_class} costs {bps(float(abs(cost - own)) / 1e4)} a year {sign}."
                )
                worth = float(self._leg.parts.tilt[self._own[trade.security_id]])
                yield Reason(ReasonCode.LOCATION, sentence, bps_decimal(worth), self._worth(worth))
                return

    def _class_of(self, security_id: SecurityId) -> str:
        security = self._request.market.securities.get(security_id)
        return security.asset_class if security else ""

    def _cost(self, asset_class: str, status: TaxStatus) -> Decimal:
        """Bp a year of holding the class in an account of that tax status."""
        costs = {(each.asset_class, each.tax_status): each.bps for each in self._request.location}
        return costs.get((asset_class, status), ZERO)

    def _main(self, trade: ProposedTrade, row: int) -> tuple[ReasonCode, str, float]:
        """The code, its sentence, and the contribution that it tells, a fraction of the household's value."""
        parts, held, name = self._leg.parts, self._leg.data.securities, name_of(self._leg_request, trade.security_id)
        account = self._leg_request.snapshot.account
        if (held.sell_minimum[row] > 0 or held.buy_minimum[row] > 0) and self._has_rule(trade.security_id):
            return ReasonCode.RESTRICTION, self._demanded(trade, name), float(parts.total[row])
        if trade.side is Side.SELL and self._makes_room(row):
            return ReasonCode.RESTRICTION, self._fewer_names(name), float(parts.total[row])
        risk = max(float(parts.factor[row] + parts.specific[row]), 0.0)
        if parts.tax[row] > max(risk, 0.0) and trade.side is Side.SELL:
            gain = dollars(abs(sum((sale.gain for sale in trade.lot_sales), ZERO)))
            saved = bps(float(parts.tax[row]))
            return (
                ReasonCode.LOSS_HARVEST,
                f"Selling {name} in account {account.id} realises a loss of {gain}; "
                f"the tax that it saves counts {saved}.",
                float(parts.tax[row]),
            )
        settings = self._leg_request.snapshot.settings
        if trade.side is Side.SELL and self._leg.data.cash < self._leg.data.cash_required:
            return (
                ReasonCode.CASH_NEED,
                f"{name} is sold in account {account.id}, whose cash of "
                f"{dollars(self._leg_request.snapshot.cash.trade_date_total)} must be "
                f"{dollars(settings.cash_reserve + settings.cash_needed)} at least.",
                float(parts.cash[row]),
            )
        return self._risk(trade, name, float(parts.factor[row]), float(parts.specific[row]))

    def _has_rule(self, security_id: SecurityId) -> bool:
        settings = self._leg_request.snapshot.settings
        return security_id in settings.weight_bands or security_id in settings.restricted(RestrictionKind.NEVER_HOLD)

    def _makes_room(self, row: int) -> bool:
        """True when the sale leaves nothing of a name, and the account holds more names than it may."""
        data, sold = self._leg.data, float(self._leg.lot_sells[self._leg.data.lots.security == row].sum())
        closes = sold >= data.securities.holding[row] - data.crumb[row]
        return closes and data.most_names is not None and self._names_held > data.most_names

    @property
    def _names_held(self) -> int:
        return int((self._leg.data.securities.holding > self._leg.data.crumb).sum())

    def _fewer_names(self, name: str) -> str:
        account = self._leg_request.snapshot.account
        return (
            f"Account {account.id} holds {self._names_held} securities and may hold {self._leg.data.most_names}: "
            f"{name} is sold whole."
        )

    def _demanded(self, trade: ProposedTrade, name: str) -> str:
        settings, account = self._leg_request.snapshot.settings, self._leg_request.snapshot.account
        if trade.security_id in settings.restricted(RestrictionKind.NEVER_HOLD):
            return f"{name} must never be held in account {account.id}."
        band = settings.weight_bands[trade.security_id]
        return f"{name} must be between {percent(band.minimum)} and {percent(band.maximum)} of account {account.id}."

    def _risk(self, trade: ProposedTrade, name: str, factor: float, specific: float) -> tuple[ReasonCode, str, float]:
        data, row = self._household.data, self._row[trade.security_id]
        active, target = float(data.active[row]), float(data.held_target[row])
        where = _where(self._leg_request)
        side = "above" if active > 0 else "below"
        towards = (active > 0) == (trade.side is Side.SELL)
        if towards and specific > 0:
            return (
                ReasonCode.DRIFT,
                f"{name} is {percent(active + target)} of the household, {side} its target of {percent(target)}; "
                f"to bring it nearer in {where} counts {bps(specific)}.",
                specific,
            )
        return (
            ReasonCode.RISK,
            f"Trading {name} in {where} offsets common risk of other holdings, which counts {bps(factor)}.",
            factor,
        )


def _where(request: AnalysisInput) -> str:
    account = request.snapshot.account
    if account.tax_status is TaxStatus.TAXABLE:
        return f"account {account.id}"
    return f"account {account.id}, where no tax is due"
