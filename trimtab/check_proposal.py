"""A trade list from anywhere against the account that it is for: what `trimtab check` reads and says.

The list is a proposal as JSON, as `trimtab optimize --json` writes it. Its figures and its certificate are claims: the
checker computes each anew from the account's file.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.optimizer.input_rules import require_sound
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.records import content_hash
from trimtab.optimize import read_input, read_json, validated


def violations_of_files(account: Path, proposal: Path, calibration: Path | None = None) -> Sequence[str]:
    """One sentence for each rule that the proposal breaks; empty when it passes.

    Raises UnreadableInput and WrongInputShape for a file that is none, InvalidAnalysisInput for an account that cannot
    be analysed.
    """
    request = read_input(account, calibration)
    require_sound(request)
    document = read_json(proposal)
    proposed = validated(proposal, document, TypeAdapter(RebalanceProposal))
    found = [*_hash_violations(document, proposed)]
    try:
        check(request, proposed)
    except ProposalRejected as rejected:
        found.extend(rejected.violations)
    return found


def _hash_violations(document: object, proposed: RebalanceProposal) -> Sequence[str]:
    """A file that states the proposal's hash must hold that proposal: what is approved is named by it."""
    stated = document.get("proposal_hash") if isinstance(document, dict) else None
    right = content_hash(proposed)
    return [] if stated in (None, right) else [f"its hash is {right}, not {stated}"]
