"""Faults of the optimizer. What an account's rules lead to (no trade, a conflict) is an outcome, never an error."""

from trimtab.domain.errors import TrimtabError


class InvalidAnalysisInput(TrimtabError):
    """Raised when an input cannot be analysed: negative shares, lots beyond their position, a broken risk model."""

    code = "INVALID_ANALYSIS_INPUT"


class SolverStalled(TrimtabError):
    """Raised when the solver ends without an answer. `analyze` turns it into the outcome SOLVER_FAILED."""

    code = "SOLVER_STALLED"


class OutOfTime(TrimtabError):
    """Raised when the account's time is over before a solver has an answer: less is asked for (`ladder.py`)."""

    code = "OUT_OF_TIME"


class RulesClash(SolverStalled):
    """Raised when the solver finds that the rules cannot all be kept with the sides that are open."""

    code = "RULES_CLASH"


class TooManyNames(RulesClash):
    """Raised when no way is found to hold as few names as the account may."""

    code = "TOO_MANY_NAMES"


class ProposalRejected(TrimtabError):
    """Raised by the checker. `violations` has one sentence for each rule that the proposal breaks."""

    code = "PROPOSAL_REJECTED"

    def __init__(self, account_id: str, violations: tuple[str, ...]) -> None:
        self.account_id = account_id
        self.violations = violations
        super().__init__(
            f"the proposal for account {account_id} breaks {len(violations)} rule(s): " + "; ".join(violations)
        )
