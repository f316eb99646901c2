"""The firm's lane policy: an ordered document of steps, each a filter or a condition with the lane that it gives.

The first step that wants the account decides; what no step wants is reviewed. The firm may reorder and extend the
steps within the rules of `read_policy`: nothing that should be suspended, looked at or flagged can be automated, and
rules that contradict each other never pass as quiet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import Lane

MOST_STEPS: Final = 40


class LanePolicyError(TrimtabError):
    """A policy that cannot be read, or would trade what must not trade. `path` is e.g. `steps[2]`."""

    code = "LANE_POLICY_INVALID"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class FilterKey(StrEnum):
    """The five filters that every firm has."""

    SUSPEND = "suspend"
    COMPLIANCE = "compliance"
    REVIEW = "review"
    AUTOMATED = "automated"
    MANAGEMENT = "management"  # gives no lane by itself: it finds what should have traded and did not (W-E2)


class Condition(StrEnum):
    """What a step may ask beside a filter; not the firm's to edit."""

    RULES_CLASH = "rules_clash"  # nothing is proposed because the account's rules contradict each other
    NOTHING_TO_TRADE = "nothing_to_trade"
    FLAGGED = "flagged"  # validation or the analysis asks for a person


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `asks` a firm filter by name, or a condition."""

    asks: str | Condition
    lane: Lane

    @property
    def is_filter(self) -> bool:
        return not isinstance(self.asks, Condition)


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    steps: tuple[Step, ...]

    @property
    def filters(self) -> tuple[str, ...]:
        """The firm filters that its steps name, in their order."""
        return tuple(step.asks for step in self.steps if step.is_filter)


DEFAULT_POLICY: Final = PolicyDocument(
    (
        Step(FilterKey.SUSPEND.value, Lane.SUSPEND),
        Step(FilterKey.COMPLIANCE.value, Lane.COMPLIANCE),
        Step(Condition.RULES_CLASH, Lane.REVIEW),
        Step(Condition.NOTHING_TO_TRADE, Lane.NO_TRADE),
        Step(Condition.FLAGGED, Lane.REVIEW),
        Step(FilterKey.REVIEW.value, Lane.REVIEW),
        Step(FilterKey.AUTOMATED.value, Lane.AUTOMATED),
    )
)
"""The order that every firm starts with (W-A to W-D)."""

_REQUIRED: Final[Mapping[str, frozenset[Lane]]] = {
    FilterKey.SUSPEND.value: frozenset({Lane.SUSPEND}),
    FilterKey.COMPLIANCE.value: frozenset({Lane.COMPLIANCE, Lane.SUSPEND}),
    Condition.RULES_CLASH: frozenset({Lane.REVIEW, Lane.COMPLIANCE, Lane.SUSPEND}),
    Condition.NOTHING_TO_TRADE: frozenset({Lane.NO_TRADE}),
    Condition.FLAGGED: frozenset({Lane.REVIEW, Lane.COMPLIANCE, Lane.SUSPEND}),
}
"""Steps that every policy has, with the lanes that they may give; all of them stand before what trades unseen."""


def json_of_policy(policy: PolicyDocument) -> dict[str, object]:
    """The document as it is kept and sent: of it `read_policy` makes the same policy."""
    return {
        "steps": [
            {"filter" if step.is_filter else "condition": str(step.asks), "lane": step.lane.value}
            for step in policy.steps
        ]
    }


def read_policy(document: object) -> PolicyDocument:
    """The policy of its JSON {"steps": [{"filter" | "condition": name, "lane": lane}, ...]}. Raises LanePolicyError."""
    if not isinstance(document, Mapping) or set(document) != {"steps"} or not isinstance(document["steps"], list):
        raise LanePolicyError("policy", "it is an object with a list of `steps` and nothing else")
    if len(document["steps"]) > MOST_STEPS:
        raise LanePolicyError("steps", f"more than {MOST_STEPS} of them")
    policy = PolicyDocument(tuple(_step(each, f"steps[{place}]") for place, each in enumerate(document["steps"])))
    _require_sound(policy)
    return policy


def _step(value: object, path: str) -> Step:
    if not isinstance(value, Mapping) or len(value) != 2 or "lane" not in value:
        raise LanePolicyError(path, "a step has a `filter` or a `condition`, and a `lane`")
    try:
        lane = Lane(str(value["lane"]))
    except ValueError:
        raise LanePolicyError(path, f"the lane is one of {', '.join(Lane)}, not {value['lane']!r}") from None
    named = value.get("filter")
    if isinstance(named, str) and named:
        return Step(named, lane)
    try:
        return Step(Condition(str(value.get("condition"))), lane)
    except ValueError:
        known = ", ".join(Condition)
        raise LanePolicyError(path, f"it names a firm filter, or one of the conditions {known}") from None


def _require_sound(policy: PolicyDocument) -> None:
    places: dict[str, int] = {}
    for place, step in enumerate(policy.steps):
        key = _key(step)
        if key in places:
            raise LanePolicyError(f"steps[{place}]", f"{step.asks} stands in it twice: the second would never count")
        places[key] = place
    required = {_key(Step(name, Lane.REVIEW)): lanes for name, lanes in _REQUIRED.items()}
    for key, lanes in required.items():
        name = key.split(" ", 1)[1]
        if key not in places:
            raise LanePolicyError("steps", f"{name} is missing: every policy asks it")
        if policy.steps[places[key]].lane not in lanes:
            allowed = " or ".join(sorted(lanes))
            raise LanePolicyError(f"steps[{places[key]}]", f"{name} gives {allowed} and no other lane")
    automated = min((n for n, step in enumerate(policy.steps) if step.lane is Lane.AUTOMATED), default=MOST_STEPS)
    late = next((step for n, step in enumerate(policy.steps) if n > automated and _key(step) in required), None)
    if late is not None:
        raise LanePolicyError(f"steps[{automated}]", f"it trades unseen before {late.asks} was asked: move it behind")
    quiet = min(n for n, step in enumerate(policy.steps) if step.lane is Lane.NO_TRADE)
    if quiet < places[f"condition {Condition.RULES_CLASH}"]:
        raise LanePolicyError(f"steps[{quiet}]", "it ends the day before rules_clash was asked: move it behind")


def _key(step: Step) -> str:
    return f"{'filter' if step.is_filter else 'condition'} {step.asks}"


# --- English ------------------------------------------------------------------------------------------------------

_GIVES: Final[Mapping[Lane, str]] = {
    Lane.AUTOMATED: "trade without a person",
    Lane.REVIEW: "a person reviews",
    Lane.COMPLIANCE: "compliance reviews",
    Lane.SUSPEND: "suspend",
    Lane.NO_TRADE: "do not trade",
}
_ASKS: Final[Mapping[Condition, str]] = {
    Condition.RULES_CLASH: "its rules contradict each other",
    Condition.NOTHING_TO_TRADE: "there is nothing to trade",
    Condition.FLAGGED: "it carries a flag",
}


def step_sentence(step: Step) -> str:
    """For example "When the suspend filter wants it, suspend." """
    asked = _ASKS[step.asks] if isinstance(step.asks, Condition) else f"the {step.asks} filter wants it"
    return f"When {asked}, {_GIVES[step.lane]}."


def policy_sentences(policy: PolicyDocument) -> tuple[str, ...]:
    """One sentence a step, in order; the last says what becomes of the rest."""
    return (*(step_sentence(step) for step in policy.steps), "Otherwise a person reviews.")


def policy_difference(before: PolicyDocument, after: PolicyDocument) -> tuple[str, ...]:
    """In English what differs: steps that are new, gone, give another lane or stand elsewhere."""
    old, new = ({_key(step): step for step in each.steps} for each in (before, after))
    found = [f"Gone: {step_sentence(old[key])}" for key in old if key not in new]
    found += [f"New: {step_sentence(new[key])}" for key in new if key not in old]
    found += [
        f"Now: {step_sentence(new[key])} Before: {step_sentence(old[key])}"
        for key in new
        if key in old and new[key].lane is not old[key].lane
    ]
    both = [key for key in old if key in new], [key for key in new if key in old]
    if both[0] != both[1]:
        found.append(f"The order is now {', '.join(key.split(' ', 1)[1] for key in both[1])}.")
    return tuple(found)
