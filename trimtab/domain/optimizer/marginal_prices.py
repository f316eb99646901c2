"""What a little more room in a rule is worth by its dual price, without solving again (N2).

Each regime's bound D_r falls by at most |u_r| h when a row with the price u_r gives way by h, so the best list of the
loosened account is below the proposal by at most gap + max_r |u_r| h (weak duality).
"""

from collections.abc import Iterator
from decimal import Decimal

from trimtab.domain.optimizer.account_rules import AccountRule
from trimtab.domain.optimizer.measures import bps_decimal
from trimtab.domain.proposals import Certificate, RebalanceProposal, RegimePrices

ROOM = 0.001
"""The room told of: 10 bp of account value, or of tracking error. Of names it is one."""

_ROWS = {
    "TURNOVER": "TURNOVER",
    "GAIN_BUDGET": "GAIN",
    "SHORT_TERM_GAIN_BUDGET": "SHORT_TERM_GAIN",
    "TAX_BUDGET": "TAX",
}
"""Rules on the whole account, and their rows."""


def marginal_bps(proposal: RebalanceProposal, rule: AccountRule) -> Decimal | None:
    """Basis points of account value that `ROOM` more is worth, gap aside; None for a rule that has no dual price."""
    if proposal.certificate is None or rule.level is None:
        return None
    worth = [each for each in (_worth(prices, rule) for prices in _every(proposal.certificate)) if each is not None]
    return bps_decimal(max(worth)) if worth else None


def _every(proof: Certificate) -> Iterator[RegimePrices]:
    yield from proof.by_regime.values()
    for sides in proof.sides.values():
        yield from sides.prices


def _worth(prices: RegimePrices, rule: AccountRule) -> float | None:
    """Of one regime, a fraction of account value."""
    if rule.key == "TRACKING_ERROR" and rule.level is not None:
        limit = float(rule.level.value)
        return prices.cap * ((limit + ROOM) ** 2 - limit**2)
    if rule.key == "MAXIMUM_NAMES":
        return prices.names
    end, _, group = rule.key.partition(":")
    row = group if end in ("SMALLEST_WEIGHT", "LARGEST_WEIGHT") else _ROWS.get(rule.key)
    price = {**prices.rows, **prices.own_rows}.get(row or "")
    if price is None:
        return None
    return max(-price if end == "SMALLEST_WEIGHT" else price, 0.0) * ROOM
