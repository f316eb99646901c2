"""A small book of accounts, and faults to plant in it: each says whom it concerns and with which code.

The book has six accounts. A1 to A4 hold VTI and BND, A5 holds GLD alone, A6 holds cash; A1 to A3 follow model M, the
others model N, which targets GLD.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from tests.domain.factories import (
    AS_OF,
    DAY,
    a_delivered_lot,
    a_market,
    a_model,
    a_position,
    an_account,
    sound_holdings,
)
from trimtab.domain.account_settings import AccountSettings, WeightBand
from trimtab.domain.accounts import CashBalance, ModelId
from trimtab.domain.delivered import AccountHoldings, DeliveredPosition, MarketFacts
from trimtab.domain.findings import DataVerdict, Finding, PriceFaultPolicy, verdict
from trimtab.domain.lots import LotId
from trimtab.domain.price_checks import JudgedPrice, PriceStatus
from trimtab.domain.securities import SecurityId
from trimtab.domain.validation import validate_account

VTI, BND, GLD = SecurityId("VTI"), SecurityId("BND"), SecurityId("GLD")


@dataclass(frozen=True)
class Night:
    """What every account of the book was delivered as, and the market."""

    accounts: Mapping[str, AccountHoldings]
    market: MarketFacts
    concerned: Mapping[str, frozenset[str]] = field(default_factory=dict)  # account to the codes planted in it

    def holders(self, name: SecurityId) -> set[str]:
        return {
            account_id
            for account_id, holdings in self.accounts.items()
            if any(each.security_id == name for each in holdings.positions)
        }

    def hurt(self, account_ids: set[str], code: str) -> "Night":
        more = {name: self.concerned.get(name, frozenset()) | {code} for name in account_ids}
        return replace(self, concerned={**self.concerned, **more})

    def with_account(self, account_id: str, code: str, **changes: object) -> "Night":
        changed = replace(self.accounts[account_id], **changes)  # type: ignore[arg-type]
        return replace(self, accounts={**self.accounts, account_id: changed}).hurt({account_id}, code)

    def with_market(self, **changes: object) -> "Night":
        return replace(self, market=replace(self.market, **changes))  # type: ignore[arg-type]

    def judged(self, policy: PriceFaultPolicy) -> dict[str, tuple[tuple[Finding, ...], DataVerdict]]:
        found = {name: validate_account(each, self.market, DAY, policy) for name, each in self.accounts.items()}
        return {name: (findings, verdict(findings)) for name, findings in found.items()}


def a_night() -> Night:
    of_m = {f"A{place}": replace(sound_holdings(), account=an_account(f"A{place}")) for place in (1, 2, 3, 4)}
    lots = {
        name: replace(
            each,
            lots=(a_delivered_lot(f"{name}-1", "VTI", "10"), a_delivered_lot(f"{name}-2", "BND", "10")),
        )
        for name, each in of_m.items()
    }
    n = replace(a_model({"GLD": "0.99"}, "0.01"), id=ModelId("N"))
    gold = replace(
        sound_holdings(an_account("A5", model="N")),
        model=n,
        positions=(a_position("GLD", "10", "2000.00"),),
        lots=(a_delivered_lot("A5-1", "GLD", "10"),),
    )
    saver = replace(gold, account=an_account("A6", model="N"), positions=(), lots=())
    accounts = {
        **{name: each for name, each in lots.items() if name != "A4"},
        "A4": replace(lots["A4"], model=n, account=an_account("A4", model="N")),
        "A5": gold,
        "A6": saver,
    }
    return Night(accounts, a_market(GLD="200"))


# --- faults ---------------------------------------------------------------------------------------------------------

Fault = Callable[[Night, str], Night]
"""Plants a fault in the night; the word picks an account or a security where the fault is of one."""


def _priced(status: PriceStatus, code: str) -> Fault:
    def plant(night: Night, who: str) -> Night:
        name = (VTI, BND, GLD)[int(who[1:]) % 3]
        prices = {**night.market.prices, name: JudgedPrice(status, Decimal(1), AS_OF)}
        return _security_fault(night.with_market(prices=prices), name, code)

    return plant


def _security_fault(night: Night, name: SecurityId, code: str) -> Night:
    """Holders are concerned; so are those whose model wants more than 5 % of what they do not hold."""
    holders = night.holders(name)
    wanting = {
        account_id
        for account_id, each in night.accounts.items()
        if each.model is not None
        and each.model.weights.get(name, Decimal(0)) > Decimal("0.05")
        and account_id not in holders
    }
    return night.hurt(holders, code).hurt(wanting, "MODEL_COVERAGE")


def _mastered(code: str, **changes: object) -> Fault:
    def plant(night: Night, who: str) -> Night:
        name = (VTI, BND, GLD)[int(who[1:]) % 3]
        changed = replace(night.market.securities[name], **changes)  # type: ignore[arg-type]
        return _security_fault(night.with_market(securities={**night.market.securities, name: changed}), name, code)

    return plant


def _lots(code: str, **changes: object) -> Fault:
    def plant(night: Night, who: str) -> Night:
        each = night.accounts[who]
        if not each.lots:
            return night
        return night.with_account(who, code, lots=(replace(each.lots[0], **changes), *each.lots[1:]))  # type: ignore[arg-type]

    return plant


def _of(code: str, **changes: object) -> Fault:
    return lambda night, who: night.with_account(who, code, **changes)


def _positions(code: str, **changes: object) -> Fault:
    def plant(night: Night, who: str) -> Night:
        each = night.accounts[who]
        if not each.positions:
            return night
        first = replace(each.positions[0], **changes)  # type: ignore[arg-type]
        return night.with_account(who, code, positions=(first, *each.positions[1:]))

    return plant


def _unknown(night: Night, who: str) -> Night:
    each = night.accounts[who]
    stranger = DeliveredPosition(None, "939EXC988", Decimal(1), Decimal(10))
    lot = replace(a_delivered_lot(f"{who}-9", "?", "1"), security_id=None, security_key="939EXC988")
    return night.with_account(who, "UNKNOWN_SECURITY", positions=(*each.positions, stranger), lots=(*each.lots, lot))


def _shared_lot(night: Night, who: str) -> Night:
    other = "A1" if who != "A1" else "A2"
    mine, theirs = night.accounts[who].lots, night.accounts[other].lots
    if not mine or not theirs:
        return night
    shared = LotId(theirs[0].lot_id)
    night = night.with_account(who, "LOT_DUP", lots=(replace(mine[0], lot_id=shared), *mine[1:]))
    return night.with_market(duplicate_lots=night.market.duplicate_lots | {shared}).hurt({other}, "LOT_DUP")


def _bad_model(night: Night, who: str) -> Night:
    model = night.accounts[who].model
    if model is None:
        return night
    broken = replace(model, weights=dict.fromkeys(model.weights, Decimal("0.3")), cash_weight=None)
    followers = {name for name, each in night.accounts.items() if each.model is not None and each.model.id == model.id}
    for name in followers:
        night = night.with_account(name, "MODEL_INVALID", model=broken)
    return night


def _vanished(night: Night, who: str) -> Night:
    return night.with_market(missing_accounts=night.market.missing_accounts | {who}).hurt({who}, "ACCOUNT_MISSING")


def _jumped(night: Night, who: str) -> Night:
    return night.with_market(value_jumps={**night.market.value_jumps, who: "it doubled"}).hurt({who}, "VALUE_JUMP")


FAULTS: Mapping[str, Fault] = {
    "01": _priced(PriceStatus.ZERO, "PRICE_ZERO"),
    "02": _priced(PriceStatus.NEGATIVE, "PRICE_NEG"),
    "03": _priced(PriceStatus.MISSING, "PRICE_MISSING"),
    "04": _priced(PriceStatus.STALE, "PRICE_STALE"),
    "06": _priced(PriceStatus.SPIKE, "PRICE_SPIKE"),
    "07": _priced(PriceStatus.SPLIT_SUSPECTED, "SPLIT_SUSPECTED"),
    "08": _priced(PriceStatus.UNIT, "PRICE_UNIT"),
    "09": _priced(PriceStatus.OTHER_CURRENCY, "PRICE_CCY"),
    "10": _priced(PriceStatus.UNREADABLE, "PRICE_PARSE"),
    "11": _priced(PriceStatus.CONFLICT, "PRICE_CONFLICT"),
    "17": _unknown,
    "27": _mastered("UNCLASSIFIED", asset_class=""),
    "57": _vanished,
    "65": _positions("SHORT_POSITION", quantity=Decimal(-10)),
    "66": _lots("LOT_MISMATCH", quantity=Decimal(9)),
    "68": _lots("BASIS_UNKNOWN", cost=None),
    "69": _lots("LOT_DATE", acquired_on=date(1899, 1, 1)),
    "71": _positions("QTY_RANGE", quantity=Decimal(10) ** 12),
    "72": _positions("VALUE_MISMATCH", market_value=Decimal(5)),
    "73": _jumped,
    "74": _positions("RESTRICTED_SHARES", restricted=True),
    "76": _shared_lot,
    "77": _of("CASH_NEGATIVE", cash=CashBalance(Decimal(-1))),
    "85": _mastered("FX_MISSING", currency="EUR"),
    "92": _of("SETTINGS_INVALID", settings=AccountSettings(weight_bands={VTI: WeightBand(Decimal(1), Decimal(0))})),
    "93": _of("NO_MODEL", model=None),
    "94": _bad_model,
}

FOLLOWS: Mapping[str, frozenset[str]] = {
    "SHORT_POSITION": frozenset({"LOT_MISMATCH", "VALUE_MISMATCH"}),
    "QTY_RANGE": frozenset({"LOT_MISMATCH", "VALUE_MISMATCH"}),
    "VALUE_MISMATCH": frozenset({"RISK_COVERAGE"}),
    "ACCOUNT_MISSING": frozenset(),
}
"""What a fault brings with it: a short position does not fit its lots either."""
