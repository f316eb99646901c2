"""What people add to the security master and the risk model, so that a new security can be held, and then bought (D11).

A security is complete when it has an asset class, a stock a sector too, and risk exposures of its own, or by a proxy
that two persons have let be bought. Until then it is held, and never bought.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from trimtab.domain.market import RiskExposure, RiskModel
from trimtab.domain.securities import Security, SecurityId, SecurityKind


@dataclass(frozen=True, slots=True)
class RiskProxy:
    """A mix of covered securities whose risk stands for another's, and why."""

    members: Mapping[SecurityId, Decimal]  # weights above zero that sum to one
    because: str
    buyable: bool = False  # False: it makes the security holdable, not yet buyable

    def problem(self) -> str:
        """Why it cannot be used; '' when it can."""
        if not self.members or any(weight <= 0 for weight in self.members.values()):
            return "a proxy needs securities with weights above zero"
        total = sum(self.members.values(), Decimal(0))
        if abs(total - 1) > Decimal("0.000001"):
            return f"the proxy's weights sum to {total}, not 1"
        return "" if self.because.strip() else "a proxy needs its reason"


def with_proxies(model: RiskModel, proxies: Mapping[SecurityId, RiskProxy]) -> tuple[RiskModel, dict[SecurityId, str]]:
    """The model with exposures for proxied securities that it does not cover itself, and where each came from.

    Exposures are the members' weighted mean. Specific risk is the weighted mean of the members' and not that of their
    mix: one security is not diversified. A proxy with a member that has no exposures is left out.
    """
    added, origin = {}, {}
    for name, proxy in sorted(proxies.items()):
        members = {each: model.securities.get(each) for each in proxy.members}
        if name in model.securities or proxy.problem() or not all(members.values()):
            continue
        added[name] = _mixed(proxy, {each: row for each, row in members.items() if row is not None}, len(model.factors))
        mix = ", ".join(f"{weight} of {each}" for each, weight in sorted(proxy.members.items()))
        origin[name] = f"by proxy, {mix}: {proxy.because}"
    return (replace(model, securities={**model.securities, **added}), origin) if added else (model, origin)


def _mixed(proxy: RiskProxy, members: Mapping[SecurityId, RiskExposure], factors: int) -> RiskExposure:
    weights = {each: float(weight) for each, weight in proxy.members.items()}
    exposures = tuple(
        sum(weights[each] * row.exposures[place] for each, row in members.items()) for place in range(factors)
    )
    return RiskExposure(exposures, sum(weights[each] * row.specific_risk for each, row in members.items()))


def with_additions(
    master: Mapping[SecurityId, Security], additions: Mapping[SecurityId, Security]
) -> dict[SecurityId, Security]:
    """The master with the securities that people added; where the feed has it too, what the feed leaves empty."""
    merged = dict(master)
    for name, added in sorted(additions.items()):
        own = master.get(name)
        merged[name] = added if own is None else replace(
            own, asset_class=own.asset_class or added.asset_class, sector=own.sector or added.sector,
            wash_group=own.wash_group or added.wash_group,
        )  # fmt: skip
    return merged


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A security that must not be bought yet, with what it lacks in words."""

    security_id: SecurityId
    lacks: tuple[str, ...]


def incomplete(
    master: Mapping[SecurityId, Security],
    covered: Mapping[SecurityId, object],
    proxies: Mapping[SecurityId, RiskProxy],
    origin: Mapping[SecurityId, str],
) -> Iterator[Incomplete]:
    """Securities of the master that are not complete. `covered`: those with exposures; `origin`: those by proxy."""
    for name, security in sorted(master.items()):
        lacks = []
        if not security.asset_class:
            lacks.append("an asset class")
        if security.kind is SecurityKind.STOCK and not security.sector:
            lacks.append("a sector")
        if name not in covered:
            lacks.append("risk exposures")
        elif name in origin and not proxies[name].buyable:
            lacks.append("approval of its risk proxy for buying")
        if lacks:
            yield Incomplete(name, tuple(lacks))
