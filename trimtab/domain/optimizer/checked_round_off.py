"""How far two roads of floats to one number may be apart: what is looked at all at once, and leg by leg.

A sum of n terms, each the outcome of k roundings of exact inputs, differs from the exact sum by at most gamma(n + k)
times its magnitude, in whatever order it is taken: gamma(m) = m u / (1 - m u) with u = 2^-53 (Higham, Accuracy and
Stability of Numerical Algorithms, 2002, sections 3.1 and 4.2). The magnitude is the sum of the absolute values of all
that is added, differences counted as sums, so that nothing is lost where terms cancel. Two roads are at most twice that
apart. The least of a function over an interval moves by no more than the function does anywhere in it, and a norm by no
more than the norm of what is added to its vector, so both obey the same law.
"""

from typing import Final

from trimtab.domain.optimizer.checked_market import Floats, Ints

OPERATIONS: Final = 64
"""More roundings than any term sees beside the sums in it: a lot's tax, the longest, is counted to 30."""

_UNIT: Final = 2.0**-53


def apart(terms: Floats | Ints, magnitude: Floats, operations: int = OPERATIONS) -> Floats:
    """The most by which two such sums differ; `terms` counts the sums within a term as well.

    Twice for two roads, and twice again for 1 / (1 - m u) and the roundings of this figure itself.
    """
    allowed: Floats = 4 * _UNIT * (terms + operations) * magnitude
    return allowed
