"""What `trimtab settings` does: show, set, diff. Each function opens what it needs and returns lines of text."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row

from trimtab.db.account_signals import business_date
from trimtab.db.history import accounts_by_id
from trimtab.db.profile_changes import changes_of, judge_layer_change, newest_names, read_sentences, require_obeyable
from trimtab.db.profiles import Profile, keys_of, layer_history, read_profiles
from trimtab.db.settings_exceptions import SettingsException, WantedChange, write_change, write_exception
from trimtab.db.settings_versions import newest_seq
from trimtab.domain.errors import TrimtabError
from trimtab.domain.profile.levels import Held, LayerKey
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Group, Level, Statement
from trimtab.domain.records import content_hash
from trimtab.operator import in_firm
from trimtab.settings import Settings

ACTOR: Final = "command line"
_MOST_SHOWN: Final = 50


class NoAccount(TrimtabError):
    """The firm has no account of this number."""

    code = "NO_ACCOUNT"


class EffectiveInThePast(TrimtabError):
    """A change that is to hold before the newest business date."""

    code = "EFFECTIVE_IN_THE_PAST"


def show(settings: Settings, firm_id: str, account_id: str, on: date | None, known_at: int | None) -> list[str]:
    """The profile in its twelve groups; what a person has decided carries a star and its origin."""
    with in_firm(settings, firm_id) as connection:
        profile, symbols = _profile(connection, account_id, on, known_at), newest_names(connection).symbols
    lines = []
    for group in Group:
        own = [each for each in profile.held.values() if LANGUAGE.setting(each.statement.key).group is group]
        lines.append(group.value.replace("_", " ").capitalize())
        lines += [f"  {_line(each, symbols)}" for each in own]
    return lines


def document(
    settings: Settings, firm_id: str, account_id: str, on: date | None, known_at: int | None
) -> dict[str, Any]:
    """The same for programs."""
    with in_firm(settings, firm_id) as connection:
        profile, symbols = _profile(connection, account_id, on, known_at), newest_names(connection).symbols
    held = {
        place: {
            "sentence": LANGUAGE.render(each.statement, symbols),
            "form": each.statement.form,
            "values": dict(each.statement.values),
            "level": each.level.value,
            "owner": each.owner,
            "version": each.version,
        }
        for place, each in profile.held.items()
    }
    return {"account": account_id, "settings": held}


def change(
    settings: Settings, firm_id: str, account_id: str, sentences: Sequence[str], reason: str, on: date | None
) -> str:
    """Change settings of one account. Raises a SettingError, NoAccount and EffectiveInThePast."""
    with in_firm(settings, firm_id) as connection:
        row, names = _account(connection, account_id), newest_names(connection)
        statements = read_sentences(sentences, names)
        changes = changes_of(statements)
        effective_from = effective_day(connection, on)
        key = LayerKey(Level.ACCOUNT, account_id)
        judged = judge_layer_change(connection, [row], key, changes, effective_from)
        require_obeyable(judged)
        wanted = WantedChange(key, changes, effective_from, ACTOR, reason)
        if judged[0].beyond:
            exception_id = content_hash([firm_id, account_id, list(sentences), newest_seq(connection)])[:32]
            asked = SettingsException(exception_id, wanted, judged[0].beyond, (ACTOR,), row.advisor_id)
            write_exception(connection, firm_id, asked, None)
            return f"waits for an approval, exception {exception_id}: {'; '.join(judged[0].beyond)}"
        version = write_change(connection, firm_id, wanted)
    told = " ".join(LANGUAGE.render(each, names.symbols) for each in statements)
    return f"version {version}, from {effective_from}: {told}"


def diff(settings: Settings, firm_id: str, account_id: str, before: date, after: date | None) -> list[str]:
    """What differs between two days, one sentence a setting."""
    with in_firm(settings, firm_id) as connection:
        symbols = newest_names(connection).symbols
        one, other = (_profile(connection, account_id, day, None).held for day in (before, after))
    lines = []
    for place in dict.fromkeys((*one, *other)):
        was, now = (_said(held, place, symbols) for held in (one, other))
        if was != now:
            lines.append(f"Was: {was or 'nothing'} Now: {now or 'nothing'}")
    return lines


def history(settings: Settings, firm_id: str, account_id: str) -> list[str]:
    """The versions behind an account's profile, the newest first."""
    with in_firm(settings, firm_id) as connection:
        symbols = newest_names(connection).symbols
        keys = keys_of(_account(connection, account_id))
        found = layer_history(connection, keys, newest_seq(connection), _MOST_SHOWN)
    return [
        f"{each.seq} {each.effective_from} {each.key.text} by {each.actor} ({each.reason}): "
        + " ".join(
            LANGUAGE.render(what, symbols) if isinstance(what, Statement) else f"{what or 'inherit'} {place}"
            for place, what in each.changes.items()
        )
        for each in found
    ]


def _line(held: Held, symbols: Mapping[str, str]) -> str:
    sentence = LANGUAGE.render(held.statement, symbols)
    return f"* {sentence} ({' '.join((held.level.lower(), held.owner)).strip()})" if held.is_altered else sentence


def _said(held: Mapping[str, Held], place: str, symbols: Mapping[str, str]) -> str | None:
    return LANGUAGE.render(held[place].statement, symbols) if place in held else None


def _profile(connection: Connection, account_id: str, on: date | None, known_at: int | None) -> Profile:
    row = _account(connection, account_id)
    day = on or business_date(connection) or date.max
    seq = known_at if known_at is not None else newest_seq(connection)
    return read_profiles(connection, [row], day, seq)[account_id]


def _account(connection: Connection, account_id: str) -> Row[Any]:
    rows = accounts_by_id(connection, [account_id])
    if not rows:
        raise NoAccount(f"the firm has no account {account_id}")
    return rows[0]


def effective_day(connection: Connection, on: date | None) -> date:
    """The first day of a change; without one, the business date. Raises EffectiveInThePast."""
    today = business_date(connection)
    if on is not None and (today is None or on >= today):
        return on
    if on is None and today is not None:
        return today
    raise EffectiveInThePast(f"a setting holds from {today or 'a day that --from names'} on, not from the past")
