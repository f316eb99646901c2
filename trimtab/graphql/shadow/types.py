"""A shadow run as the API shows it."""

from datetime import date
from decimal import Decimal

import strawberry

from trimtab.auth.decisions import Allowed
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.shadow_runs import read_report
from trimtab.domain.shadow.report import ChangedDay, ShadowReport, Totals
from trimtab.graphql.context import Info


@strawberry.type(description="Of the account-days that were analysed again. Dollars.")
class ShadowTotals:
    trading: int = strawberry.field(description="Account-days with a trade.")
    turnover: Decimal = strawberry.field(description="One-way.")
    tax: Decimal = strawberry.field(description="Negative is tax saved.")
    cost: Decimal

    @classmethod
    def of(cls, found: Totals) -> "ShadowTotals":
        return cls(trading=found.trading, turnover=found.turnover, tax=found.tax, cost=found.cost)


@strawberry.type(description="An account-day whose lane or trades would be other ones.")
class ShadowAccountDay:
    account_id: str
    business_date: date
    lane_before: str
    lane_after: str
    lane_reason: str
    trades_added: list[str] = strawberry.field(description='Such as "SELL 50 VTI".')
    trades_removed: list[str]
    before: ShadowTotals
    after: ShadowTotals
    moved: Decimal = strawberry.field(description="Half of what is bought or sold differently, dollars.")

    @classmethod
    def of(cls, found: ChangedDay) -> "ShadowAccountDay":
        return cls(
            account_id=found.account_id,
            business_date=found.business_date,
            lane_before=found.lane_before,
            lane_after=found.lane_after,
            lane_reason=found.lane_reason,
            trades_added=list(found.added),
            trades_removed=list(found.removed),
            before=ShadowTotals.of(found.before),
            after=ShadowTotals.of(found.after),
            moved=found.moved,
        )


@strawberry.type(description="How many account-days would go from one lane to another.")
class ShadowLanes:
    before: str
    after: str
    account_days: int


@strawberry.type(description="A reason why something would stop that does not today, and how often.")
class ShadowException:
    code: str
    account_days: int


@strawberry.type(description="An account that could not be analysed under the change, and why.")
class ShadowFailure:
    account_id: str
    message: str


@strawberry.type(description="What a proposed change would have done on the last analysed days (N6, N8).")
class ChangeShadow:
    subject: str = strawberry.field(description="Hash of exactly what was run.")
    build: str
    sentence: str = strawberry.field(description="How much of the book stands behind the figures.")
    days: list[date]
    accounts: int = strawberry.field(description="Accounts concerned.")
    analysed: int = strawberry.field(description="Of them, analysed again.")
    share: Decimal
    account_days: int
    changed: int = strawberry.field(description="Account-days whose lane or trades would change.")
    trades_changed: int
    skipped_review: int = strawberry.field(description="Account-days whose trades would have gone out unseen.")
    before: ShadowTotals
    after: ShadowTotals
    lanes: list[ShadowLanes]
    exceptions: list[ShadowException]
    movers: list[ShadowAccountDay] = strawberry.field(
        description="The ten that would trade most differently; for whoever reads every account."
    )
    changes: list[ShadowAccountDay] = strawberry.field(
        description="The first hundred; for whoever reads every account."
    )
    failed: list[ShadowFailure]
    notes: list[str]

    @classmethod
    def of(cls, found: ShadowReport, *, naming: bool) -> "ChangeShadow":
        """Without `naming` the accounts are counted, and none is named."""
        movers, changes = (found.movers, found.changes) if naming else ((), ())
        failed = found.failed if naming else {}
        return cls(
            subject=found.subject,
            build=found.build,
            sentence=found.sentence,
            days=list(found.days),
            accounts=found.accounts,
            analysed=found.analysed,
            share=found.share,
            account_days=found.account_days,
            changed=found.changed,
            trades_changed=found.trades_changed,
            skipped_review=found.skipped_review,
            before=ShadowTotals.of(found.before),
            after=ShadowTotals.of(found.after),
            lanes=[ShadowLanes(before=old, after=new, account_days=count) for old, new, count in found.lanes],
            exceptions=[ShadowException(code=code, account_days=count) for code, count in found.exceptions.items()],
            movers=[ShadowAccountDay.of(each) for each in movers],
            changes=[ShadowAccountDay.of(each) for each in changes],
            failed=[ShadowFailure(account_id=name, message=why) for name, why in failed.items()],
            notes=list(found.notes),
        )


def names_accounts(info: Info) -> bool:
    """Whether the caller may read every account of the firm: a run names accounts of all books."""
    context = info.context
    return context.reads_accounts() and context.book(Operation.READ_ACCOUNT) is None


def _may_publish(info: Info) -> bool:
    """Whether the caller sees a provider's model before its release: trades tell of its weights."""
    subject = Subject(info.context.firm_id, proposed_by=frozenset())
    return isinstance(info.context.decide(Operation.PUBLISH_MODELS, subject, Act.VERIFY), Allowed)


async def shadow_of(info: Info, change_id: str, *, providers: bool = False) -> ChangeShadow | None:
    """The newest run of the change, with accounts and trades for whoever may see them; `providers`: of their model."""
    row = await info.context.loaders.shadow_run.load(change_id)
    naming = names_accounts(info) and (not providers or _may_publish(info))
    return None if row is None else ChangeShadow.of(read_report(row), naming=naming)
