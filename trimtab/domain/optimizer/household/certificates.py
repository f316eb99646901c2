"""The prices of a household's answer, by name: from them and the input anybody can compute the bound again."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from trimtab.domain.households import HouseholdCertificate, HouseholdPrices, HouseholdSideProof
from trimtab.domain.optimizer.household.blocks import JointBlocks, JointPrices, within_caps
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.side_proofs import told_apart
from trimtab.domain.securities import SecurityId

_PLACES = 6


def joint_certificate(
    data: HouseholdData,
    ids: Sequence[SecurityId],
    accounts: Sequence[str],
    tried: Sequence[Sequence[JointPrices]],
    objective: float,
) -> HouseholdCertificate:
    """`tried` prices by regime, in the order of `data.regimes`; `objective` a fraction of household value.

    `ids` (n,) and `accounts` (A,) are named in it. Its bound is the least of the regimes', each at the best of its
    prices or, where that proves more, at several of them, told apart by the sides of securities.
    """
    by_regime: dict[str, HouseholdPrices] = {}
    sides: dict[str, HouseholdSideProof] = {}
    values = []
    for regime, every in zip(data.regimes, tried, strict=True):
        one = data.under(regime)
        blocks = JointBlocks(one)
        inside = [within_caps(one, prices) for prices in every]
        cuts = [blocks.bound(prices).branches for prices in inside]
        best = max(range(len(cuts)), key=lambda place: cuts[place].value)
        values.append(cuts[best].value)
        by_regime[regime.name] = _named(one, accounts, inside[best])
        told = told_apart(cuts)
        if told is not None and told.value > values[-1]:
            values[-1] = told.value
            members = tuple(ids[int(np.argmax(blocks.group == key))] for key in told.keys)
            sides[regime.name] = HouseholdSideProof(
                members, tuple(_named(one, accounts, inside[place]) for place in told.kept)
            )
    return HouseholdCertificate(by_regime, sides, _bps(min(values)), _bps(objective))


def gap_of(proof: HouseholdCertificate | None) -> float:
    """A fraction of household value; zero of an answer that certifies nothing."""
    return 0.0 if proof is None else float(proof.objective_bps - proof.bound_bps) * 1e-4


def _named(data: HouseholdData, accounts: Sequence[str], prices: JointPrices) -> HouseholdPrices:
    """In the one regime of `data`: the rows after those of the accounts are the taxpayer's."""
    rows: dict[str, dict[str, float]] = {account: {} for account in accounts}
    own: dict[str, float] = {}
    for name, number, price in zip(data.rows.names, data.row_account.tolist(), prices.rows.tolist(), strict=True):
        (own if number < 0 else rows[accounts[number]])[name] = price
    return HouseholdPrices(
        factor=tuple(prices.factor.tolist()),
        cash=dict(zip(accounts, prices.cash.tolist(), strict=True)),
        rows=rows,
        own_rows=own,
        cap=float(prices.cap),
        names={account: price for account, price in zip(accounts, prices.names.tolist(), strict=True) if price > 0},
    )


def _bps(value: float) -> Decimal:
    return Decimal(f"{value * 1e4:.{_PLACES}f}") + 0
