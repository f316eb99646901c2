"""Change settings of an account, a household or an advisor's book, by sentence or by value."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Protocol, cast

import strawberry
from sqlalchemy import Connection, Row
from strawberry.scalars import JSON

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.profile_changes import (
    Judged,
    changes_of,
    judge_layer_change,
    known_statement,
    newest_names,
    reached_by,
    read_sentences,
    require_obeyable,
)
from trimtab.db.profiles import newest_as_seen
from trimtab.db.settings_exceptions import SettingsException, WantedChange, write_change, write_exception
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.profile.errors import SettingError, WrongValue
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Statement
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    derived_id,
    forbidden,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import key_of
from trimtab.graphql.settings.types import SettingLevel

MOST_CHANGES: Final = 50


@strawberry.input(description="A setting by value instead of by sentence.")
class SettingValue:
    key: str
    form: str = strawberry.field(default="on", description='"off" lifts it; other forms are in `settingsLanguage`.')
    values: JSON = strawberry.field(default_factory=dict, description="Gap to value, as text.")


@strawberry.input
class ChangeSettingsInput:
    level: SettingLevel
    owner: strawberry.ID = strawberry.field(description="The account, household or advisor.")
    reason: str
    idempotency_key: str
    sentences: list[str] = strawberry.field(default_factory=list, description='E.g. "Keep 2 % in cash."')
    values: list[SettingValue] = strawberry.field(default_factory=list)
    inherit: list[str] = strawberry.field(default_factory=list, description="Places to be inherited again.")
    effective_from: date | None = strawberry.field(default=None, description="Without it the business date.")
    seen_version: int | None = strawberry.field(
        default=None, description="The layer's newest version that you saw; refused when it is not the newest."
    )


@kept
@strawberry.type(description="The settings hold from their date on.")
class SettingsChanged:
    version: int
    sentences: list[str]
    accounts_reached: int


@kept
@strawberry.type(description="The change goes beyond the customisation limits: it waits for another person's approval.")
class SettingsExceptionProposed:
    exception_id: str
    beyond: list[str]


ChangeSettingsResult = Annotated[
    SettingsChanged | SettingsExceptionProposed | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ChangeSettingsResult"),
]


@guarded_mutation(
    Operation.EDIT_CUSTOMISATION,
    description="Change settings. What cannot be obeyed is refused; what goes beyond the limits waits for an approval.",
)
async def change_settings(info: Info, input: ChangeSettingsInput) -> ChangeSettingsResult:
    try:
        owner = key_of("Account", input.owner) if input.level is SettingLevel.ACCOUNT else str(input.owner)
        wanted = _Wanted(input, LayerKey(input.level.level, owner), read_values(input))
    except (BadInput, SettingError) as error:
        code = "INVALID_ID" if isinstance(error, BadInput) else error.code
        return InvalidInput(code=code, message=str(getattr(error, "message", error)), field="owner")
    context = info.context
    exception_id = derived_id(info, "change_settings", input.idempotency_key)
    asked = {
        "layer": wanted.key.text,
        "sentences": input.sentences,
        "values": [(each.key, each.form, each.values) for each in input.values],
        "inherit": input.inherit,
        "effective_from": input.effective_from,
        "seen": input.seen_version,
        "reason": input.reason,
    }
    answer: ChangeSettingsResult = await once(
        info,
        "change_settings",
        input.idempotency_key,
        asked,
        lambda connection: _change(connection, context, wanted, exception_id),
        input.reason,
    )
    return answer


@dataclass(frozen=True, slots=True)
class _Wanted:
    input: ChangeSettingsInput
    key: LayerKey
    values: list[Statement]


class Asked(Protocol):
    """What a person asks for, in an input of whichever mutation."""

    sentences: list[str]
    values: list[SettingValue]
    inherit: list[str]


def read_values(given: Asked) -> list[Statement]:
    """What was given by value, not yet checked. Raises WrongValue."""
    if not 0 < len(given.sentences) + len(given.values) + len(given.inherit) <= MOST_CHANGES:
        raise WrongValue(f"give 1 to {MOST_CHANGES} sentences, values or places")
    found = []
    for each in given.values:
        values = cast("Any", each.values)
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise WrongValue(f"the values of {each.key} are texts by gap")
        found.append(Statement(each.key, each.form, values))
    return found


def _change(
    connection: Connection, context: RequestContext, wanted: _Wanted, exception_id: str
) -> SettingsChanged | SettingsExceptionProposed | NotFound | Forbidden | InvalidInput:
    rows = reached_by(connection, wanted.key)
    refused = _refused(context, rows)
    if refused is not None:
        return refused
    given, today = wanted.input, business_date(connection)
    on = given.effective_from or today
    if on is None or (today is not None and on < today):
        message = "A setting holds from a business date on that is not past: what was followed stays."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="effectiveFrom")
    names = newest_names(connection)
    try:
        statements = read_sentences(given.sentences, names)
        statements += [known_statement(each, names) for each in wanted.values]
        changes = changes_of(statements, given.inherit)
        judged = judge_layer_change(connection, rows, wanted.key, changes, on)
        require_obeyable(judged)
        change = WantedChange(wanted.key, changes, on, names_of(context), given.reason, given.seen_version)
        if any(each.beyond for each in judged):
            newest_as_seen(connection, wanted.key, given.seen_version)
            return _ask(connection, context, change, judged, rows[0].advisor_id, exception_id)
        version = write_change(connection, context.firm_id, change)
    except SettingError as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="sentences")
    except StaleVersion as late:
        return InvalidInput(code=late.code, message=str(late), field="seenVersion")
    told = [LANGUAGE.render(each, names.symbols) for each in statements]
    return SettingsChanged(version=version, sentences=told, accounts_reached=len(rows))


def _refused(context: RequestContext, rows: list[Row[Any]]) -> NotFound | Forbidden | None:
    """Somebody who does not reach every account under the layer may not change it."""
    if not rows or not all(context.may_reach(Operation.READ_ACCOUNT, row.advisor_id) for row in rows):
        return not_found("account, household or book")
    for advisor_id in sorted({row.advisor_id for row in rows}):
        allowed = context.decide(Operation.EDIT_CUSTOMISATION, Subject(context.firm_id, advisor_id=advisor_id))
        if isinstance(allowed, Denied):
            return forbidden(allowed)
    return None


def names_of(context: RequestContext) -> str:
    """Who is behind the request, as versions keep it: both names when somebody acts for another."""
    return "+".join(sorted(context.who.persons)) or context.who.name_in_records


def _ask(
    connection: Connection,
    context: RequestContext,
    change: WantedChange,
    judged: list[Judged],
    advisor_id: str,
    exception_id: str,
) -> SettingsExceptionProposed | Forbidden:
    subject = Subject(context.firm_id, advisor_id=advisor_id)
    allowed = context.decide(Operation.EXCEED_CUSTOMISATION_LIMITS, subject, Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    beyond = tuple(dict.fromkeys(said for each in judged for said in each.beyond))
    persons = tuple(sorted(context.who.persons))
    exception = SettingsException(exception_id, change, beyond, persons, advisor_id)
    write_exception(connection, context.firm_id, exception, None)
    return SettingsExceptionProposed(exception_id=exception_id, beyond=list(beyond))
