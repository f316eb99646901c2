"""What an account can do at most: which wash keys may go either way, and how much cash can be raised."""

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.problem import OptimizerData


def contested_securities(data: OptimizerData) -> Flags:
    """Securities of keys in which one lot may be sold at a loss and one security may be bought, (n,)."""
    held, lots = data.securities, data.lots
    if not data.taxable:
        return np.zeros(len(held.ids), dtype=np.bool_)
    losing = sum_by(held.wash_key[lots.security], lots.at_loss & (lots.limit > 0), held.keys) > 0
    buyable = sum_by(held.wash_key, held.buy_limit > 0, held.keys) > 0
    contested: Flags = (losing & buyable)[held.wash_key]
    return contested


def most_cash_raised(data: OptimizerData) -> float:
    """The most cash that trading can bring after the purchases that rules demand, fraction of account value.

    Each contested wash key is on the side that brings more; minus infinity when one key's rules demand both sides.
    """
    return float(np.maximum(*_cash_by_key(data, contested_securities(data))).sum())


def impossible_keys(data: OptimizerData) -> Flags:
    """Wash keys that would have to be sold at a loss and bought on one day, (n_keys,)."""
    selling, keeping = _cash_by_key(data, contested_securities(data))
    impossible: Flags = np.isinf(selling) & np.isinf(keeping)
    return impossible


def _cash_by_key(data: OptimizerData, contested: Flags) -> tuple[Floats, Floats]:
    """Most cash by wash key, (n_keys,): when it is not bought, and when it is not sold at a loss."""
    held, lots = data.securities, data.lots
    gains = np.minimum(sum_by(lots.security, lots.limit * ~lots.at_loss, len(held.ids)), held.sell_limit)
    spent = (1 + held.half_spread) * held.buy_minimum
    sold = np.where(contested & (held.buy_minimum > 0), -np.inf, (1 - held.half_spread) * held.sell_limit - spent)
    short = contested & (held.sell_minimum > gains + 1e-9)
    kept = np.where(short, -np.inf, (1 - held.half_spread) * np.where(contested, gains, held.sell_limit) - spent)
    return sum_by(held.wash_key, sold, held.keys), sum_by(held.wash_key, kept, held.keys)
