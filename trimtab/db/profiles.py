"""The client profile's layers as append-only versions: of the firm, a programme, an advisor, a household, an account.

A version holds only what it changes, so a change that is to hold from a later day takes nothing else with it. Its
value: {"set": place to statement, null for inherited, "exempt"; "change": the bulk change that it is part of;
"exception": under which it was approved, beyond the customisation limits}.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from trimtab.db.settings_versions import ACCOUNT_SETTINGS, StaleVersion, held_settings, last_version, write_version
from trimtab.db.stored_settings import read_settings
from trimtab.db.tables import posting, setting_version
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.lots import HoldingPeriod
from trimtab.domain.money import ZERO
from trimtab.domain.profile.levels import (
    Held,
    Layer,
    LayerKey,
    LayerVersion,
    effective,
    layer_of,
    read_changes,
    stored,
)
from trimtab.domain.profile.stated import stated_by_file
from trimtab.domain.profile.statements import Level, Statement

PROFILE: Final = "profile"


def layer_keys(account_id: str, household_id: str, advisor_id: str, programme: str | None) -> tuple[LayerKey, ...]:
    """Whose layers an account lies under, the firm's first."""
    keys = (
        (Level.FIRM, ""),
        (Level.PROGRAMME, programme or ""),
        (Level.ADVISOR, advisor_id),
        (Level.HOUSEHOLD, household_id),
        (Level.ACCOUNT, account_id),
    )
    return tuple(LayerKey(level, owner) for level, owner in keys if owner or level is Level.FIRM)


def keys_of(row: Row[Any]) -> tuple[LayerKey, ...]:
    """Of a row of `account`."""
    return layer_keys(row.account_id, row.household_id, row.advisor_id, row.profile.get("programme"))


def read_layers(connection: Connection, keys: Collection[LayerKey], on: date, seq: int) -> dict[LayerKey, Layer]:
    """What each layer says on the day as known at `seq`, in one statement. Layers that say nothing are left out."""
    rows = connection.execute(
        _versions(keys).where(setting_version.c.effective_from <= on, setting_version.c.seq <= seq)
    )
    versions: dict[LayerKey, list[LayerVersion]] = {}
    for row in rows:
        version = _version(row)
        versions.setdefault(version.key, []).append(version)
    return {key: layer_of(key, each, on) for key, each in versions.items()}


def layer_history(connection: Connection, keys: Collection[LayerKey], until_seq: int, limit: int) -> list[LayerVersion]:
    """The newest versions of these layers, whatever day they hold from, the newest first."""
    rows = _versions(keys).where(setting_version.c.seq <= until_seq).order_by(setting_version.c.seq.desc())
    return [_version(row) for row in connection.execute(rows.limit(limit))]


def _versions(keys: Collection[LayerKey]) -> Any:
    return select(setting_version).where(
        setting_version.c.entity == PROFILE,
        setting_version.c.key.in_([key.text for key in keys]),
        setting_version.c.value.is_not(None),
    )


def _version(row: Row[Any]) -> LayerVersion:
    return LayerVersion(
        key=LayerKey.of(row.key),
        seq=row.seq,
        effective_from=row.effective_from,
        changes=read_changes(row.value["set"]),
        actor=row.actor,
        reason=row.reason,
        bulk_change=row.value.get("change"),
        exception=row.value.get("exception"),
    )


@dataclass(frozen=True, slots=True)
class Profile:
    """What holds for an account on a day: each setting with who says so, over what its file states."""

    base: AccountSettings | None
    held: Mapping[str, Held]
    layers: Mapping[LayerKey, Layer] = field(default_factory=dict)


def read_profiles(connection: Connection, rows: Sequence[Row[Any]], on: date, seq: int) -> dict[str, Profile]:
    """The profiles of some accounts (rows of `account`) on a day as known at `seq`, in two statements."""
    keys = {row.account_id: keys_of(row) for row in rows}
    layers = read_layers(connection, {key for each in keys.values() for key in each}, on, seq)
    files = held_settings(connection, ACCOUNT_SETTINGS, on, seq, list(keys))
    return {name: _profile(files.get(name), own, layers) for name, own in keys.items()}


def _profile(file: Mapping[str, Any] | None, keys: Iterable[LayerKey], layers: Mapping[LayerKey, Layer]) -> Profile:
    base = None if file is None else read_settings(file)
    own = {key: layers[key] for key in keys if key in layers}
    return Profile(base, effective(own.values(), stated_by_file(base)), own)


def change_layer(
    connection: Connection,
    firm_id: str,
    key: LayerKey,
    changes: Mapping[str, Statement | str | None],
    *,
    effective_from: date,
    actor: str,
    reason: str,
    seen: int | None = None,
    exception: str | None = None,
) -> int:
    """Write what one layer changes, and return the version. Raises StaleVersion.

    `seen`: the layer's last version that the person saw; None takes the newest, whatever it is.
    """
    supersedes = newest_as_seen(connection, key, seen)
    return write_version(
        connection,
        firm_id,
        PROFILE,
        key.text,
        {"set": stored(changes)} | ({"exception": exception} if exception is not None else {}),
        effective_from=effective_from,
        actor=actor,
        reason=reason,
        supersedes=supersedes,
    )


def newest_as_seen(connection: Connection, key: LayerKey, seen: int | None) -> int | None:
    """The layer's newest version, None before there is one. Raises StaleVersion where `seen` is given and another."""
    row = last_version(connection, PROFILE, key.text)
    newest = None if row is None else int(row.seq)
    if seen is None or seen == newest:
        return newest
    stands = "has no version yet" if newest is None else f"stands at version {newest}"
    raise StaleVersion(f"you saw version {seen}, but {key.text} {stands}: look at it again")


def seq_known_at(connection: Connection, instant: datetime) -> int:
    """The last version that the database had learned at an instant."""
    known = select(func.max(setting_version.c.seq)).where(setting_version.c.recorded_at <= instant)
    return int(connection.scalar(known) or 0)


@dataclass(frozen=True, slots=True)
class OwnTrading:
    """What an account's own trades have realised this year, dollars, and when it last traded."""

    short_term: Decimal = ZERO
    long_term: Decimal = ZERO
    last_traded_on: date | None = None


def own_trading(connection: Connection, account_ids: Collection[str], on: date) -> dict[str, OwnTrading]:
    """Of each account that has traded in the last year, from what was posted before the day."""
    this_year = posting.c.trade_date >= date(on.year, 1, 1)

    def gains(term: HoldingPeriod) -> Any:
        return func.coalesce(func.sum(posting.c.gain).filter(this_year, posting.c.term == term.value), ZERO)

    rows = connection.execute(
        select(
            posting.c.account_id,
            gains(HoldingPeriod.SHORT_TERM).label("short"),
            gains(HoldingPeriod.LONG_TERM).label("long"),
            func.max(posting.c.trade_date).label("last"),
        )
        .where(
            posting.c.account_id.in_(account_ids),
            posting.c.trade_date < on,
            posting.c.trade_date >= date(on.year - 1, 1, 1),
        )
        .group_by(posting.c.account_id)
    )
    return {row.account_id: OwnTrading(row.short, row.long, row.last) for row in rows}


def glide_paths(connection: Connection, on: date, seq: int) -> set[tuple[str, str, str]]:
    """Every glide path that some layer has stated by the day, as (model, start, end)."""
    said = setting_version.c.value["set"]["glide_path"]["values"]
    rows = connection.execute(
        select(said["model"].astext, said["start"].astext, said["end"].astext)
        .where(
            setting_version.c.entity == PROFILE,
            setting_version.c.value["set"].has_key("glide_path"),
            setting_version.c.effective_from <= on,
            setting_version.c.seq <= seq,
            said["model"].astext.is_not(None),
        )
        .distinct()
    )
    return {(row[0], row[1], row[2]) for row in rows}
