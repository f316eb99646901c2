"""Propose one change of many accounts' settings: by filter, for a programme, or for the firm."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, cast

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.bulk_apply import allow_long_statements
from trimtab.db.bulk_changes import keep, keep_members, preview, selected, under_layer
from trimtab.db.profile_changes import changes_of, known_statement, newest_names, read_sentences
from trimtab.db.settings_versions import newest_seq
from trimtab.domain.filters import FilterError
from trimtab.domain.profile.bulk import BulkChange, BulkChangeRefused
from trimtab.domain.profile.errors import SettingError
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.statements import Level, Statement
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    derived_id,
    forbidden,
    kept,
    once,
)
from trimtab.graphql.context import Info, RequestContext, let_others_go_on
from trimtab.graphql.settings.bulk_types import BulkTarget
from trimtab.graphql.settings.mutations.change_settings import SettingValue, names_of, read_values
from trimtab.graphql.shadow.running import run_when_new

WHOLE_BOOK_SECONDS: Final = 120.0
"""An operation over a hundred thousand accounts may take longer than another request."""


@strawberry.input
class ProposeBulkChangeInput:
    reason: str
    idempotency_key: str
    target: BulkTarget = BulkTarget.ACCOUNTS
    programme: str | None = strawberry.field(default=None, description="Of the target PROGRAMME.")
    filter: JSON | None = strawberry.field(
        default=None, description="Which accounts, as a filter tree over the newest run; null for all that you see."
    )
    sentences: list[str] = strawberry.field(default_factory=list)
    values: list[SettingValue] = strawberry.field(default_factory=list)
    inherit: list[str] = strawberry.field(default_factory=list, description="Places to be inherited again.")
    effective_from: date | None = strawberry.field(default=None, description="Without it the business date.")


@kept
@strawberry.type(description="The change waits for another person's approval. `bulkChange` shows the preview.")
class BulkChangeProposed:
    change_id: str
    accounts: int
    changing: int
    conflicting: int
    beyond_limits: int


ProposeBulkChangeResult = Annotated[
    BulkChangeProposed | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ProposeBulkChangeResult"),
]


@guarded_mutation(
    Operation.CHANGE_SETTINGS_IN_BULK,
    description="Propose one change of many accounts' settings, and preview whom it changes from what to what.",
)
async def propose_bulk_change(info: Info, input: ProposeBulkChangeInput) -> ProposeBulkChangeResult:
    context = info.context
    allowed = context.decide(Operation.CHANGE_SETTINGS_IN_BULK, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    context.allow_seconds(WHOLE_BOOK_SECONDS)
    try:
        wanted = _Wanted(input, _target(input), read_values(input), context.book(Operation.READ_ACCOUNT))
    except (SettingError, BulkChangeRefused) as error:
        return InvalidInput(code=error.code, message=str(error), field="sentences")
    if wanted.book is not None and wanted.target != BulkTarget.ACCOUNTS.value:
        return Forbidden(code="OTHER_BOOK", message="Whoever has a book changes the accounts of that book only.")
    change_id = derived_id(info, "propose_bulk_change", input.idempotency_key)
    asked = {
        "target": wanted.target,
        "filter": input.filter,
        "sentences": input.sentences,
        "values": [(each.key, each.form, each.values) for each in input.values],
        "inherit": input.inherit,
        "effective_from": input.effective_from,
        "reason": input.reason,
    }
    answer: ProposeBulkChangeResult = await once(
        info,
        "propose_bulk_change",
        input.idempotency_key,
        asked,
        lambda connection: _propose(connection, context, wanted, change_id),
        input.reason,
    )
    if isinstance(answer, BulkChangeProposed):
        await run_when_new(info, answer.change_id)
    return answer


@dataclass(frozen=True, slots=True)
class _Wanted:
    input: ProposeBulkChangeInput
    target: str
    values: list[Statement]
    book: str | None

    @property
    def filter(self) -> Mapping[str, object] | None:
        return cast("Mapping[str, object] | None", self.input.filter)


def _target(given: ProposeBulkChangeInput) -> str:
    """Raises BulkChangeRefused."""
    if (given.target is BulkTarget.PROGRAMME) is not bool(given.programme):
        raise BulkChangeRefused("name the programme of the target PROGRAMME, and of no other")
    if given.target is not BulkTarget.ACCOUNTS and given.filter is not None:
        raise BulkChangeRefused("a filter chooses accounts: the target is ACCOUNTS then")
    if given.target is BulkTarget.PROGRAMME:
        return LayerKey(Level.PROGRAMME, given.programme or "").text
    return str(given.target.value)


def _propose(
    connection: Connection, context: RequestContext, wanted: _Wanted, change_id: str
) -> BulkChangeProposed | InvalidInput:
    given, today = wanted.input, business_date(connection)
    on = given.effective_from or today
    if on is None or (today is not None and on < today):
        message = "A setting holds from a business date on that is not past: what was followed stays."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="effectiveFrom")
    allow_long_statements(connection)
    names, field = newest_names(connection), "sentences"
    try:
        statements = read_sentences(given.sentences, names) + [known_statement(each, names) for each in wanted.values]
        changes, field = changes_of(statements, given.inherit), "filter"
        if wanted.target == BulkTarget.ACCOUNTS.value:
            members = selected(connection, wanted.filter, wanted.book)
        else:
            members = under_layer(connection, LayerKey.of(wanted.target))
        found = preview(connection, members, wanted.target, changes, on, breathe=let_others_go_on)
    except (SettingError, FilterError, BulkChangeRefused) as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field=field)
    change = BulkChange(
        change_id=change_id,
        target=wanted.target,
        filter=wanted.filter,
        changes=changes,
        effective_from=on,
        reason=given.reason,
        proposed_by=tuple(sorted(context.who.persons)),
        members=keep_members(connection, context.firm_id, members),
        known_seq=newest_seq(connection),
        preview=found,
    )
    keep(connection, context.firm_id, change, names_of(context), None)
    return BulkChangeProposed(
        change_id=change_id,
        accounts=found.accounts,
        changing=found.changing,
        conflicting=found.conflicting,
        beyond_limits=found.beyond_limits,
    )
