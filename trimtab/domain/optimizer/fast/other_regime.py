"""What is known of one regime of a tax year says of the other: the same rates on gains, as far as the other has them.

Where both tax alike (the year ends in a loss that is carried on, without a short-term gain) their duals are equal
there: what one has proved is proved of the other without a Newton step.
"""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.netting import NET, NET_SHORT, TAX, TAX_SHORT
from trimtab.domain.optimizer.problem import OptimizerData


def carried_over(prices: Prices, source: OptimizerData, other: OptimizerData) -> Prices:
    """Prices of the `source`, an account in one regime, as those of the account in the `other`; not yet in range.

    The account's own rows keep theirs. A form of a tax budget has no counterpart in the other regime, and no price.
    """
    known = dict(zip(source.rows.names, prices.rows.tolist(), strict=True))
    on_long = source.regimes[0].base + known.get(NET, 0.0)
    on_short = on_long + known.get(NET_SHORT, 0.0)
    base, names = other.regimes[0].base, other.rows.names
    if NET_SHORT in names:
        known[NET] = min(on_long - base, 0.0)
        known[NET_SHORT] = on_short - base - known[NET]
    else:
        known[NET] = on_short - base
    rows = [0.0 if _of_a_budget(name) else known.get(name, 0.0) for name in names]
    return replace(prices, rows=np.array(rows))


def _of_a_budget(name: str) -> bool:
    return name.partition(":")[0] in (TAX, TAX_SHORT)
