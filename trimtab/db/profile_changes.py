"""A person's change of settings: sentences read, and judged for every account that they reach.

What cannot be obeyed is refused (X12); what goes beyond the customisation limits needs an approval (M5b).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select

from trimtab.db.book_state import Case
from trimtab.db.data_changes import lists_on
from trimtab.db.inputs import securities_of
from trimtab.db.profiles import Profile, read_profiles
from trimtab.db.programme import ProgrammeKind, read_programme
from trimtab.db.published_models import released_models
from trimtab.db.settings_versions import held_settings, newest_seq
from trimtab.db.tables import account, delivery
from trimtab.db.variant_limits import newest_risk_model
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import ModelId
from trimtab.domain.asset_allocations import AllocationId, InvalidProgramme
from trimtab.domain.market import RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.profile.applied import ProfileFacts, applied, chosen_lists
from trimtab.domain.profile.errors import Contradiction, UnknownSentence, WrongValue
from trimtab.domain.profile.levels import (
    Held,
    Layer,
    LayerKey,
    effective,
    require_allowed,
    with_changes,
)
from trimtab.domain.profile.limits import CustomisationLimits, limits_of, wishes_beyond
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.slots import SlotKind
from trimtab.domain.profile.stated import stated_by_file
from trimtab.domain.profile.statements import Level, Statement
from trimtab.domain.restriction_lists import RestrictionList, binding, list_problems
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.settings_checks import settings_problems

LIMITS: Final = ProgrammeKind.LIMITS.value
_MODELS: Final[TypeAdapter[ModelPortfolio]] = TypeAdapter(ModelPortfolio)
_LIMITS: Final[TypeAdapter[CustomisationLimits]] = TypeAdapter(CustomisationLimits)
_TOLD: Final = 5
"""Accounts named in one refusal."""

Changes = Mapping[str, Statement | str | None]


# --- reading what a person wrote -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names:
    """What securities are called: the newest master, empty before there is one."""

    securities: Mapping[SecurityId, Security] = field(default_factory=dict)

    @property
    def symbols(self) -> dict[str, str]:
        """Id to symbol, where one name means one security."""
        return {each.id: each.symbol for each in self.securities.values() if each.symbol}

    def security_id(self, word: str) -> SecurityId:
        """The security that a person means. Raises UnknownSentence when none or several are called so."""
        if SecurityId(word) in self.securities or not self.securities:
            return SecurityId(word)
        upper = word.upper()
        found = [
            each.id
            for each in self.securities.values()
            if upper in (each.id.upper(), each.symbol, each.cusip, each.isin, each.figi)
        ]
        if len(found) != 1:
            how_many = "no security is" if not found else f"{len(found)} securities are"
            raise UnknownSentence(f"{how_many} called {word}: use the symbol, CUSIP or id of one in the master")
        return found[0]


def newest_names(connection: Connection) -> Names:
    """The newest loaded security master."""
    newest = (
        select(delivery.c.delivery_id)
        .where(delivery.c.kind == "securities", delivery.c.status == "LOADED")
        .order_by(delivery.c.business_date.desc(), delivery.c.recorded_at.desc())
        .limit(1)
    )
    delivery_id = connection.scalar(newest)
    return Names(securities_of(connection, delivery_id) if delivery_id is not None else {})


def known_statement(statement: Statement, names: Names) -> Statement:
    """The statement in canonical form, with the ids of its securities. Raises a SettingError."""
    setting = LANGUAGE.setting(statement.key)
    values = {
        name: names.security_id(value)
        if name in setting.slot and setting.slot[name].kind is SlotKind.SECURITY
        else value
        for name, value in statement.values.items()
    }
    return LANGUAGE.checked(Statement(statement.key, statement.form, values))


def read_sentences(sentences: Sequence[str], names: Names) -> list[Statement]:
    """Raises a SettingError."""
    return [known_statement(LANGUAGE.parse(sentence), names) for sentence in sentences]


def changes_of(statements: Sequence[Statement], inherit: Sequence[str] = ()) -> Changes:
    """By place. Raises WrongValue when one place stands twice."""
    places = [LANGUAGE.place(each) for each in statements] + list(inherit)
    twice = sorted({place for place in places if places.count(place) > 1})
    if twice:
        raise WrongValue(f"{twice[0]} stands twice: say it once")
    for place in inherit:
        LANGUAGE.setting(place.partition("|")[0])
    return {**dict(zip(places, statements, strict=False)), **dict.fromkeys(inherit)}


# --- checking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rules:
    """What settings are judged by on a day: securities, the models that accounts follow, limits, lists."""

    names: Names
    models: Mapping[str, ModelPortfolio]
    limits: Mapping[str, CustomisationLimits]
    lists: Mapping[str, RestrictionList]
    risk_model: RiskModel | None = None  # where some limit is one of risk


def rules_for(
    connection: Connection, models: Collection[str], on: date, seq: int, statements: Collection[Statement]
) -> Rules:
    """For accounts that follow these models, with these statements, which may name further models."""
    wanted = {*models, *(each.values["model"] for each in statements if "model" in each.values)}
    limits = limits_on(connection, on, seq)
    by_risk = any(each.risk_deviation is not None for each in limits.values())
    return Rules(
        newest_names(connection),
        models_on(connection, wanted, on, seq),
        limits,
        {each.id: each for each in lists_on(connection, on, seq)},
        newest_risk_model(connection) if by_risk else None,
    )


def models_on(connection: Connection, wanted: Collection[str], on: date, seq: int) -> dict[str, ModelPortfolio]:
    """Published models and those that the programme works out; one that cannot be followed is left out."""
    published = released_models(connection, on, seq, wanted)
    models = {name: _MODELS.validate_python(value, strict=False) for name, value in published.items()}
    missing = [name for name in wanted if name not in models]
    if missing:
        programme = read_programme(connection, on, seq)
        for name in set(missing) & set(programme.names()):
            with suppress(InvalidProgramme):  # told as a fault of the programme; here the model is one nobody knows
                worked_out = programme.family.effective(AllocationId(name))
                target = programme.target(worked_out)
                models[name] = ModelPortfolio(ModelId(name), worked_out.version, on, target.weights, target.cash_weight)
    return models


def limits_on(connection: Connection, on: date, seq: int) -> dict[str, CustomisationLimits]:
    """By programme."""
    held = held_settings(connection, LIMITS, on, seq)
    return {name: _LIMITS.validate_python(value, strict=False) for name, value in held.items()}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a change does to one account: sentences of what cannot be, and of what needs an approval."""

    account_id: str
    problems: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


def judge_case(case: Case, before: Mapping[str, Held], after: Mapping[str, Held], rules: Rules, on: date) -> Judged:
    """What would hold for accounts after a change, against what holds before it.

    Only what the change brings counts: a contradiction that stood before is the data's, and told every night.
    """
    base, facts = case.file or AccountSettings(), _facts(case, rules, on)
    model, securities = rules.models.get(case.model_id), rules.names.securities
    will_be = applied(base, after, facts)
    problems = (
        *settings_problems(will_be, model, securities),
        *_glide_problems(after, rules),
        *list_problems(rules.lists, chosen_lists(after)),
    )
    if problems:
        stood = (
            *settings_problems(applied(base, before, facts), model, securities),
            *list_problems(rules.lists, chosen_lists(before)),
        )
        problems = tuple(each for each in problems if each not in stood)
    limits = limits_of(case.programme, rules.limits)
    if limits is None or model is None:
        return Judged(case.accounts[0], problems)
    beyond = wishes_beyond(limits, will_be, model, securities, rules.risk_model)
    if beyond:
        was_beyond = wishes_beyond(limits, applied(base, before, facts), model, securities, rules.risk_model)
        beyond = tuple(each for each in beyond if each not in was_beyond)
    return Judged(case.accounts[0], problems, beyond)


def _facts(case: Case, rules: Rules, on: date) -> ProfileFacts:
    """Accounts that are alike may yet be named by a list one by one: the first stands for them."""
    bound = binding(rules.lists, case.accounts[0], case.programme)
    return ProfileFacts(on=on, tier=case.tier, lists=rules.lists, bound=bound)


def _glide_problems(held: Mapping[str, Held], rules: Rules) -> Iterator[str]:
    said = held["glide_path"].statement
    if said.is_on and said.values["model"] not in rules.models:
        yield f"the glide path leads to model {said.values['model']}, which does not exist"


def statements_of(changes: Changes, profiles: Collection[Profile]) -> list[Statement]:
    """Everything that is stated, before and after a change."""
    new = [each for each in changes.values() if isinstance(each, Statement)]
    return new + [held.statement for profile in profiles for held in profile.held.values() if held.is_altered]


def reached_by(connection: Connection, key: LayerKey) -> list[Row[Any]]:
    """The accounts under one layer, as rows of `account`."""
    rows = select(account).order_by(account.c.account_id)
    match key.level:
        case Level.PROGRAMME:
            rows = rows.where(account.c.profile["programme"].astext == key.owner)
        case Level.ADVISOR:
            rows = rows.where(account.c.advisor_id == key.owner)
        case Level.HOUSEHOLD:
            rows = rows.where(account.c.household_id == key.owner)
        case Level.ACCOUNT:
            rows = rows.where(account.c.account_id == key.owner)
    return list(connection.execute(rows))


def judge_layer_change(
    connection: Connection, rows: Sequence[Row[Any]], key: LayerKey, changes: Changes, on: date
) -> list[Judged]:
    """What a change of one layer does to each account under it. Raises WrongLevel and LockedSetting."""
    seq = newest_seq(connection)
    profiles = read_profiles(connection, rows, on, seq)
    models = {str(row.profile["model_id"]) for row in rows if row.profile.get("model_id")}
    rules = rules_for(connection, models, on, seq, statements_of(changes, list(profiles.values())))
    judged = []
    for row in rows:
        profile = profiles[row.account_id]
        for said in changes.values():
            if isinstance(said, Statement):
                require_allowed(key, said, profile.held)
        layers = {**profile.layers, key: with_changes(profile.layers.get(key, Layer(key)), changes)}
        after = effective(layers.values(), stated_by_file(profile.base))
        judged.append(judge_case(_case(row, profile), profile.held, after, rules, on))
    return judged


def _case(row: Row[Any], profile: Profile) -> Case:
    programme, model_id, tier = (str(row.profile.get(name) or "") for name in ("programme", "model_id", "tier"))
    return Case((row.account_id,), programme, model_id, tier, profile.base, tuple(profile.layers.values()))


def require_obeyable(judged: Sequence[Judged]) -> None:
    """Raises Contradiction, which names the first accounts and what is wrong."""
    wrong = [each for each in judged if each.problems]
    if wrong:
        told = "; ".join(f"account {each.account_id}: {', '.join(each.problems)}" for each in wrong[:_TOLD])
        more = f"; and {len(wrong) - _TOLD} more accounts" if len(wrong) > _TOLD else ""
        raise Contradiction(f"{told}{more}: change one of the two settings")
