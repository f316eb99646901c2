"""What an account's last proposal leaves for the next analysis: the sides of its trades and its prices."""

from trimtab.domain.orders import Side
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.snapshots import Incumbent


def incumbent_of(proposal: RebalanceProposal) -> Incumbent:
    """Net trades in shares, positive bought, and the certificate's prices: factors, cash, rows, then the regime's."""
    net_trades = {
        each.security_id: each.quantity if each.side is Side.BUY else -each.quantity for each in proposal.trades
    }
    proof = proposal.certificate
    if proof is None:
        return Incumbent(net_trades)
    own = next(iter(proof.regime.values()), {})
    return Incumbent(net_trades, (*proof.factor, proof.cash, *proof.rows.values(), *own.values()))
