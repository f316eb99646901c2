"""Which rules of an account clash, and the cheapest ways out (N3).

A minimal set is found by deletion: a rule without which the account is still in conflict plays no part. What stays
cannot all be kept, yet could be without any one of its rules. For each of them the least loosening that ends the
conflict is found by halving, everything else as it is, and the account is solved with it: what it then pays in tax
and tracking error ranks the ways out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from trimtab.domain.money import BASIS_POINT
from trimtab.domain.optimizer.account_rules import AccountRule, Level, rules_of, with_settings
from trimtab.domain.optimizer.analysis import analyze, rules_clash
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.wording import bps, dollars, listing, percent
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.snapshots import AnalysisInput

_HALVINGS = 32
_MOST_SETS = 5

_FOR_WHOLE_SHARES = (Decimal("0.002"), Decimal("0.01"), Decimal("0.05"))
"""Loosened by so much more, relative to the number, when whole shares cannot keep the least loosening."""

_Conflicts = Callable[[AnalysisInput], bool]


@dataclass(frozen=True, slots=True)
class Fix:
    """One rule loosened as little as ends the conflict, or taken out, and how the account then stands."""

    rule: AccountRule
    level: Decimal | None  # the rule's number after it; None: the rule is taken out
    more_bps: Decimal  # objective of the account, basis points, above that of the cheapest fix
    tax: Decimal  # dollars that the account then pays
    tracking_error: Decimal  # that it then has, annualised
    sentence: str


@dataclass(frozen=True, slots=True)
class ConflictSet:
    """Rules that cannot all be kept, while without any one of them the others can."""

    rules: tuple[AccountRule, ...]  # empty: the account's facts alone (frozen positions, an overdraft) cannot be cured
    fixes: tuple[Fix, ...]  # cheapest first; a rule that cannot end the conflict by itself has none
    sentence: str


def conflict_sets(request: AnalysisInput, market_arrays: MarketArrays | None = None) -> tuple[ConflictSet, ...]:
    """The minimal sets of an account in conflict, disjoint; none when its rules can be kept.

    Raises what `analyze` raises.
    """
    market = market_arrays or MarketArrays.from_snapshot(request.market)
    found: list[ConflictSet] = []
    while len(found) < _MOST_SETS:
        conflicts = _test_of(request, market)
        if not conflicts(request):
            break
        core = _minimal(request, conflicts)
        found.append(_explained(request, core, conflicts, market))
        if not rules_of(core):
            break
        request = _without_all(request, rules_of(core))
    return tuple(found)


def _test_of(request: AnalysisInput, market: MarketArrays) -> _Conflicts:
    """Whether an account is in conflict; the whole analysis is asked only when whole shares make the conflict."""

    def before_solving(each: AnalysisInput) -> bool:
        return rules_clash(each, market)

    def after_solving(each: AnalysisInput) -> bool:
        return analyze(each, market).outcome is AnalysisOutcome.CONFLICT

    return before_solving if before_solving(request) else after_solving


def _minimal(request: AnalysisInput, conflicts: _Conflicts) -> AnalysisInput:
    """The account with just the rules that clash; asked again until none can go, for sizes shape other rules too."""
    before = None
    while request is not before:
        before, place = request, 0
        while place < len(rules := rules_of(request)):
            without = with_settings(request, rules[place].without)
            if conflicts(without):
                request = without
            else:
                place += 1
    return request


def _without_all(request: AnalysisInput, unwanted: tuple[AccountRule, ...]) -> AnalysisInput:
    for key in (rule.key for rule in unwanted):
        rule = next(each for each in rules_of(request) if each.key == key)
        request = with_settings(request, rule.without)
    return request


def _explained(request: AnalysisInput, core: AnalysisInput, conflicts: _Conflicts, market: MarketArrays) -> ConflictSet:
    """Fixes are of the whole account when they end its conflict, else of the account with just the clashing rules."""
    rules = rules_of(core)
    alone = not any(conflicts(_without_all(request, (rule,))) for rule in rules)
    account = request if alone else core
    fixes = [fix for rule in rules if (fix := _fix(account, rule.key, conflicts, market))]
    return ConflictSet(rules, _ranked(fixes), _sentence(rules))


def _fix(request: AnalysisInput, key: str, conflicts: _Conflicts, market: MarketArrays) -> Fix | None:
    """None when the account finds no trades even then."""
    rule = next(each for each in rules_of(request) if each.key == key)
    for level in (*_levels(request, rule.level, conflicts), None):
        settings = rule.without if level is None or rule.level is None else rule.level.settings_at(level)
        answer = analyze(with_settings(request, settings), market)
        if answer.certificate is not None:
            objective = answer.certificate.objective_bps
            return Fix(rule, level, objective, answer.tax, answer.after.tracking_error, "")
    return None


def _levels(request: AnalysisInput, level: Level | None, conflicts: _Conflicts) -> Iterator[Decimal]:
    """The least loosening, then a little more for whole shares; nothing for a rule that can only be taken out."""
    least = _least_loosening(request, level, conflicts) if level else None
    if least is None or level is None:
        return
    yield least
    sign = 1 if level.loosest > level.value else -1
    for share in _FOR_WHOLE_SHARES:
        looser = _in_steps(level, least + sign * share * max(abs(least), abs(level.value)))
        if (level.loosest - looser) * sign > 0:
            yield looser


def _least_loosening(request: AnalysisInput, level: Level, conflicts: _Conflicts) -> Decimal | None:
    """The number nearest to the rule's own that ends the conflict, None when only taking the rule out does."""
    strict, loose = level.value, level.loosest
    if conflicts(with_settings(request, level.settings_at(loose))):
        return None
    for _ in range(_HALVINGS):
        if abs(loose - strict) <= level.step / 8:
            break
        middle = (strict + loose) / 2
        if conflicts(with_settings(request, level.settings_at(middle))):
            strict = middle
        else:
            loose = middle
    rounded = _in_steps(level, loose)
    stricter = rounded + (level.step if level.loosest < level.value else -level.step)
    between = min(level.value, level.loosest) < stricter < max(level.value, level.loosest)
    if between and not conflicts(with_settings(request, level.settings_at(stricter))):
        rounded = stricter  # halving comes to a whole step from the loose side alone
    return None if rounded == level.loosest else rounded


def _in_steps(level: Level, number: Decimal) -> Decimal:
    """`number` in whole steps, on the looser side."""
    towards = ROUND_CEILING if level.loosest > level.value else ROUND_FLOOR
    return (number / level.step).to_integral_value(towards) * level.step


def _ranked(fixes: list[Fix]) -> tuple[Fix, ...]:
    """Cheapest first, each told by how much it is dearer than the cheapest."""
    cheapest = min((fix.more_bps for fix in fixes), default=Decimal(0))
    ranked = sorted(fixes, key=lambda fix: (fix.more_bps, fix.rule.key))
    return tuple(_told(replace(fix, more_bps=fix.more_bps - cheapest)) for fix in ranked)


def _told(fix: Fix) -> Fix:
    tax = f"{'saves' if fix.tax < 0 else 'pays'} {dollars(abs(fix.tax))} of tax"
    stands = f"the account then {tax} and has {percent(fix.tracking_error)} of tracking error"
    more = f", {bps(float(fix.more_bps * BASIS_POINT))} worse than the cheapest way" if fix.more_bps else ""
    return replace(fix, sentence=f"{_change(fix)}; {stands}{more}.")


def _change(fix: Fix) -> str:
    level = fix.rule.level
    if fix.level is None or level is None:
        return f'Drop "{fix.rule.words}"'
    loosened = fix.rule.words.replace(level.words(level.value), level.words(fix.level))
    return f'Change "{fix.rule.words}" to "{loosened}"'


def _sentence(rules: tuple[AccountRule, ...]) -> str:
    if not rules:
        return "The account cannot be brought in order whatever its rules: what it holds cannot be traded today."
    quoted = [f'"{rule.words}"' for rule in rules]
    if len(quoted) == 1:
        return f"This rule cannot be kept: {quoted[0]}."
    return f"These rules cannot all be kept; without any one of them the others can: {listing(quoted)}."
