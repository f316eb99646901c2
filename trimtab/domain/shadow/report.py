"""What a shadow run tells: whose lane and trades would change, the blast radius, and the biggest movers (N6, N8)."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from trimtab.domain.lifecycle import Lane
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade, RebalanceProposal
from trimtab.domain.records import content_hash
from trimtab.domain.securities import SecurityId
from trimtab.domain.shadow.replay import Recorded, Replayed

KEPT_CHANGES: Final = 100
"""How many of the account-days that change are kept by name; the counts are of all."""
MOVERS: Final = 10
LOOKED_AT: Final = frozenset({Lane.REVIEW, Lane.COMPLIANCE})
STOPPED: Final = frozenset({Lane.REVIEW, Lane.COMPLIANCE, Lane.SUSPEND})


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the account-days that were analysed again. Dollars."""

    trading: int = 0  # account-days with a trade
    turnover: Decimal = ZERO  # one-way
    tax: Decimal = ZERO  # negative is tax saved
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """An account-day whose lane or trades would be other ones. Dollars; trades as "SELL 50 VTI"."""

    account_id: str
    business_date: date
    lane_before: str
    lane_after: str
    lane_reason: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    before: Totals
    after: Totals
    moved: Decimal  # half of what is bought or sold differently: one-way, like turnover


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What a proposed change would have done on stored days, kept beside it for whoever decides.

    `subject` is the content hash of exactly what was proposed. Counts are account-days, but `accounts` and `analysed`.
    """

    subject: str
    build: str
    days: tuple[date, ...]  # the newest first; none: the firm has no analysed day yet
    accounts: int  # concerned on one of the days
    analysed: int  # of them, in the sample: all when it is the whole
    account_days: int  # of the sample
    before: Totals = field(default_factory=Totals)
    after: Totals = field(default_factory=Totals)
    lanes: tuple[tuple[str, str, int], ...] = ()  # lane before, lane after, account-days
    trades_changed: int = 0
    skipped_review: int = 0  # account-days whose trades a person looked at, and would have gone out unseen
    exceptions: Mapping[str, int] = field(default_factory=dict)  # new ones: reason code to account-days
    movers: tuple[ChangedDay, ...] = ()
    changes: tuple[ChangedDay, ...] = ()  # the first of them: by day, the newest first, then by account
    changed: int = 0  # account-days whose lane or trades would change
    failed: Mapping[str, str] = field(default_factory=dict)  # the first accounts that could not be run, and why
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> Decimal:
        """The part of the accounts concerned that was analysed again."""
        return Decimal(self.analysed) / self.accounts if self.accounts else Decimal(1)

    @property
    def sentence(self) -> str:
        """How much of the book stands behind the figures."""
        if not self.days:
            return "The firm has no analysed day yet: there is nothing to run the change on."
        last = f"{len(self.days)} day{'s' if len(self.days) > 1 else ''}"
        if not self.accounts:
            return f"The change concerns no account of the last {last}."
        whole = "all" if self.analysed == self.accounts else f"a sample, {self.share * 100:.1f} %,"
        return (
            f"Run on {whole} of the {self.accounts} accounts concerned, on {last}: "
            f"{self.changed} of {self.account_days} account-days would change."
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """What was run: `accounts` are those concerned, of which `analysed` were chosen."""

    subject: str
    build: str
    days: tuple[date, ...]
    accounts: int
    analysed: int
    notes: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)  # accounts whose stored day cannot be read, and why


def chosen(subject: str, accounts: Iterable[str], most: int) -> list[str]:
    """At most so many of the accounts, by the hash of change and account: the same ones whenever it is asked."""
    ranked = sorted(set(accounts), key=lambda name: content_hash([subject, name]))
    return sorted(ranked[:most])


def reported(scope: Scope, outcomes: Sequence[Replayed]) -> ShadowReport:
    """The report of a shadow run's outcomes."""
    pairs = [(each, each.proposal) for each in outcomes if each.proposal is not None]
    changes = [found for each, proposal in pairs if (found := _change(each, proposal)) is not None]
    changes.sort(key=lambda each: (-each.business_date.toordinal(), each.account_id))
    ways = Counter((each.lane_before, each.lane_after) for each in changes if each.lane_before != each.lane_after)
    failed = {each.recorded.account_id: each.failure[1] for each in outcomes if each.failure is not None}
    failed |= scope.unreadable
    return ShadowReport(
        subject=scope.subject,
        build=scope.build,
        days=scope.days,
        accounts=scope.accounts,
        analysed=scope.analysed,
        account_days=len(outcomes),
        before=_totals(each.recorded.proposal for each, _ in pairs),
        after=_totals(proposal for _, proposal in pairs),
        lanes=tuple((old, new, count) for (old, new), count in sorted(ways.items())),
        trades_changed=sum(1 for each in changes if each.added or each.removed),
        skipped_review=sum(1 for each in changes if _skips_review(each)),
        exceptions=dict(sorted(Counter(code for each in outcomes for code in new_exceptions(each)).items())),
        movers=tuple(sorted(changes, key=lambda each: (-each.moved, each.account_id, each.business_date))[:MOVERS]),
        changes=tuple(changes[:KEPT_CHANGES]),
        changed=len(changes),
        failed=dict(sorted(failed.items())[:KEPT_CHANGES]),
        notes=scope.notes,
    )


def new_exceptions(each: Replayed) -> set[str]:
    """Reason codes that the account-day did not have: it cannot be analysed, is flagged, or a filter stops it."""
    if each.failure is not None:
        return {each.failure[0]}
    found = set(each.flags) - set(each.recorded.facts.flags or ())
    before, after = each.recorded.lane, each.lane
    if after is not None and after.lane in STOPPED and after.lane is not before.lane:
        found.add(f"LANE_{after.lane.value}" if after.filter_key is None else f"FILTER_{after.filter_key.upper()}")
    return found


def _change(each: Replayed, proposal: RebalanceProposal) -> ChangedDay | None:
    recorded, lane_after = each.recorded, each.lane or each.recorded.lane
    old, new = _legs(recorded.proposal.trades), _legs(proposal.trades)
    lane_before = recorded.lane
    if old == new and lane_before.lane is lane_after.lane:
        return None
    return ChangedDay(
        account_id=recorded.account_id,
        business_date=recorded.business_date,
        lane_before=lane_before.lane.value,
        lane_after=lane_after.lane.value,
        lane_reason=lane_after.reason,
        added=_told(new.keys() - old.keys(), recorded),
        removed=_told(old.keys() - new.keys(), recorded),
        before=_totals([recorded.proposal]),
        after=_totals([proposal]),
        moved=_moved(recorded.proposal, proposal),
    )


_Leg = tuple[str, SecurityId, Decimal]


def _legs(trades: Iterable[ProposedTrade]) -> dict[_Leg, ProposedTrade]:
    return {(each.side.value, each.security_id, each.quantity): each for each in trades}


def _told(legs: Collection[_Leg], recorded: Recorded) -> tuple[str, ...]:
    known = recorded.request.market.securities
    symbols = {name: known[name].symbol or name for _, name, _ in legs if name in known}
    return tuple(sorted(f"{side} {quantity:f} {symbols.get(name, name)}" for side, name, quantity in legs))


def _moved(before: RebalanceProposal, after: RebalanceProposal) -> Decimal:
    """Half the l1 norm of the difference of the trades in dollars."""
    totals: dict[str, Decimal] = {}
    for sign, proposal in ((-1, before), (1, after)):
        for trade in proposal.trades:
            notional = trade.notional if trade.side is Side.BUY else -trade.notional
            totals[trade.security_id] = totals.get(trade.security_id, ZERO) + sign * notional
    return to_cents(sum((abs(each) for each in totals.values()), ZERO) / 2)


def _totals(proposals: Iterable[RebalanceProposal]) -> Totals:
    several = list(proposals)
    return Totals(
        trading=sum(1 for each in several if each.trades),
        turnover=to_cents(sum((each.turnover * each.before.account_value for each in several), ZERO)),
        tax=to_cents(sum((each.tax for each in several), ZERO)),
        cost=to_cents(sum((each.cost for each in several), ZERO)),
    )


def _skips_review(each: ChangedDay) -> bool:
    return each.lane_after == Lane.AUTOMATED.value and each.lane_before in {lane.value for lane in LOOKED_AT}
