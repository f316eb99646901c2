"""Weights by asset class: what the trades do to the account at a glance."""

from decimal import Decimal
from typing import Any, Final

import strawberry
from pydantic import TypeAdapter
from sqlalchemy import Row

from trimtab.domain import class_weights as rules
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot
from trimtab.graphql.context import Info
from trimtab.graphql.securities import asset_classes_of

_PROPOSALS: Final[TypeAdapter[RebalanceProposal]] = TypeAdapter(RebalanceProposal)


@strawberry.type(
    description="One asset class before and after the trades, fractions of account value. Drift is weight minus "
    "target: positive is too much. CASH comes last."
)
class ClassWeight:
    asset_class: str
    target: Decimal
    before: Decimal
    after: Decimal
    drift_before: Decimal
    drift_after: Decimal

    @classmethod
    def of(cls, weight: rules.ClassWeight) -> "ClassWeight":
        return cls(
            asset_class=weight.asset_class,
            target=weight.target,
            before=weight.before,
            after=weight.after,
            drift_before=weight.drift_before,
            drift_after=weight.drift_after,
        )


async def class_weights(
    info: Info, snapshot: AccountSnapshot, target_hash: str, proposal_row: Row[Any]
) -> list[ClassWeight] | None:
    """Of one proposal; None when the target that it was made for is not stored any more."""
    model = await info.context.loaders.model.load(target_hash)
    if model is None:
        return None
    proposal = _PROPOSALS.validate_python(proposal_row.body, strict=False)
    named = {
        *model.weights,
        *(one.security_id for one in snapshot.positions),
        *(one.security_id for one in proposal.trades),
    }
    classes = {SecurityId(key): name for key, name in (await asset_classes_of(info, sorted(named))).items()}
    target = rules.class_targets(model, snapshot.settings, proposal.before.account_value, classes)
    measures = (proposal.before, proposal.after)
    weights = rules.class_weights(snapshot.positions, proposal.trades, measures, target, classes)
    return [ClassWeight.of(weight) for weight in weights]
