"""What an account's last proposal leaves for the next analysis: the sides of its trades and its prices."""

from collections.abc import Mapping
from decimal import Decimal

from trimtab.domain.orders import Side
from trimtab.domain.proposals import Certificate, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import Incumbent


def incumbent_of(proposal: RebalanceProposal) -> Incumbent:
    """Net trades in shares, positive bought, and the prices of the certificate's regime with the lowest bound."""
    net_trades = {
        each.security_id: each.quantity if each.side is Side.BUY else -each.quantity for each in proposal.trades
    }
    return incumbent_after(net_trades, proposal.certificate)


def incumbent_after(net_trades: Mapping[SecurityId, Decimal], proof: Certificate | None) -> Incumbent:
    """What is left of a proposal: the trades that nobody made, and the prices of its proof."""
    if proof is None:
        return Incumbent(net_trades)
    return Incumbent(net_trades, (*proof.factor, proof.cash), {**proof.rows, **_own_rows(proof)})


def _own_rows(proof: Certificate) -> dict[str, float]:
    """Prices of the rows that only the regime with the lowest bound has."""
    lowest = (proof.factor, proof.cash)
    return next(
        (dict(each.own_rows) for each in proof.by_regime.values() if (each.factor, each.cash) == lowest),
        {},
    )
