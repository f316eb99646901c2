"""Several accounts to one target, from a file to a proposal: what `trimtab optimize --household` reads and prints.

The file is a `HouseholdInput` as JSON: `household_id`, `accounts` (each as `snapshot` of a single account's file),
`target`, `market`, and what holds for the household as one. docs/households.md describes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from trimtab.domain.households import HouseholdInput, HouseholdProposal
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.optimizer.household.checker import check_household
from trimtab.domain.optimizer.household.input_rules import require_sound_household
from trimtab.domain.optimizer.wording import dollars, percent
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.records import canonical_json, content_hash, plain
from trimtab.optimize import (
    before_and_after,
    read_calibration,
    read_exactly,
    read_json,
    trade_lines,
    validated,
    write_text,
)


def read_household(path: Path, calibration: Path | None = None) -> HouseholdInput:
    """The household in the file. Raises UnreadableInput, WrongInputShape and UnusableCalibration."""
    request = read_exactly(path, TypeAdapter(HouseholdInput))
    return request if calibration is None else replace(request, calibration=read_calibration(calibration))


def write_household(request: HouseholdInput, path: Path) -> None:
    """Keep `request` as canonical JSON. Raises UnreadableInput when the file cannot be written."""
    write_text(canonical_json(request), path)


def household_document(request: HouseholdInput, proposal: HouseholdProposal) -> Mapping[str, Any]:
    """The proposal as plain values, with its own hash and the calibration's version."""
    document = plain(proposal)
    values: Mapping[str, Any] = document if isinstance(document, dict) else {}
    return {**values, "proposal_hash": content_hash(proposal), "calibration": request.calibration.version}


def household_lines(request: HouseholdInput, proposal: HouseholdProposal, *, explain: bool = False) -> Iterator[str]:
    """The household, then each account's trades by lot; with `explain` each reason is a sentence."""
    yield f"household {proposal.household_id}, {proposal.business_date}: {proposal.outcome}"
    if proposal.note:
        yield proposal.note
    if proposal.outcome in (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE):  # the others certify nothing
        yield f"improvement {proposal.benefit_bps} bp, certified gap {proposal.gap_bps} bp"
    yield from before_and_after(proposal.before, proposal.after)
    yield (
        f"tax {dollars(proposal.tax)}, cost {dollars(proposal.cost)}, "
        f"turnover {percent(proposal.turnover)} of the household"
    )
    for account, leg in zip(request.accounts, proposal.legs, strict=True):
        yield ""
        yield f"account {leg.account_id}, {account.account.registration}: {leg.outcome}"
        if leg.trades:
            yield from _leg_lines(leg)
            for trade in leg.trades:
                yield from trade_lines(request.leg(account), trade, explain)


def _leg_lines(leg: RebalanceProposal) -> Iterator[str]:
    yield (
        f"short-term gain {dollars(leg.short_term_gain)}, long-term gain {dollars(leg.long_term_gain)}, "
        f"tax {dollars(leg.tax)}, cost {dollars(leg.cost)}, turnover {percent(leg.turnover)}, "
        f"cash {dollars(leg.before.cash)} before, {dollars(leg.after.cash)} after"
    )


def household_violations(household: Path, proposal: Path) -> list[str]:
    """One sentence for each rule that a household's trade list breaks; empty when it passes.

    Raises UnreadableInput and WrongInputShape for a file that is none, InvalidAnalysisInput for a household that
    cannot be analysed.
    """
    request = read_household(household)
    require_sound_household(request)
    document = read_json(proposal)
    proposed = validated(proposal, document, TypeAdapter(HouseholdProposal))
    stated, right = document.get("proposal_hash") if isinstance(document, dict) else None, content_hash(proposed)
    found = [] if stated in (None, right) else [f"its hash is {right}, not {stated}"]
    try:
        check_household(request, proposed)
    except ProposalRejected as rejected:
        found.extend(rejected.violations)
    return found
