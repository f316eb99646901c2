"""The flags that an analysis raises: each sends the account to a person."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal, Rung

ASK_ABOVE: Final = "ask_above_tracking_error"
"""Where the detail of validation keeps the tracking error above which the account's profile asks a person."""

LESS_FLAG: Final = "LESS_THAN_THE_WHOLE_ANALYSIS"
"""The flag that sends an account to a person of which, for want of time, less than the whole problem was answered."""

CONFLICT_FLAG: Final = "RULES_CONFLICT"
"""The flag that sends an account whose rules contradict each other to a person."""

DISPERSION_FLAG: Final = "DISPERSION"
"""The flag of an account whose tracking error stays above what its profile asks a person about."""

ANALYSIS_FLAGS: Final = frozenset({LESS_FLAG, CONFLICT_FLAG, DISPERSION_FLAG})


def with_analysis_flags(
    found: Iterable[str], proposal: RebalanceProposal, validated: Mapping[str, Any]
) -> frozenset[str]:
    """What validation flagged with what the analysis adds. `validated`: the detail of the validation."""
    flags = set(found) - ANALYSIS_FLAGS
    if proposal.outcome is AnalysisOutcome.CONFLICT:
        flags.add(CONFLICT_FLAG)
    if proposal.rung is not Rung.FULL:
        flags.add(LESS_FLAG)
    asked_above = validated.get(ASK_ABOVE)
    if asked_above is not None and proposal.after.tracking_error > Decimal(str(asked_above)):
        flags.add(DISPERSION_FLAG)
    return frozenset(flags)
