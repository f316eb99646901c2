"""What holds for very many accounts at once: accounts whose settings come out the same are judged once.

A hundred thousand accounts have far fewer different settings; two accounts with the same row in the accounts file, the
same layers and the same model are one case.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, text

from trimtab.db.profiles import PROFILE, layer_keys
from trimtab.db.settings_versions import ACCOUNT_SETTINGS
from trimtab.db.stored_settings import read_settings
from trimtab.db.tables import account, setting_version
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.profile.levels import Layer, LayerKey, LayerVersion, layer_of, read_changes

Breathe = Callable[[], None]
"""Called again and again while a whole book is computed: whoever serves others meanwhile lets them go on here."""

BETWEEN_BREATHS: Final = 100


def hold_breath() -> None:
    """For a process that serves nobody else."""


_ONE_BY_ONE: Final = 5_000
"""Up to so many accounts their rows are looked up by key; more are read in one go."""


@dataclass(frozen=True, slots=True)
class Case:
    """Accounts that are alike in everything that settings hang on."""

    accounts: tuple[str, ...]
    programme: str
    model_id: str
    tier: str
    file: AccountSettings | None
    layers: tuple[Layer, ...]  # without the accounts' own owners in them, which differ


def cases(
    connection: Connection, members: Sequence[str], on: date, seq: int, breathe: Breathe = hold_breath
) -> list[Case]:
    """The members by what holds for them on the day as known at `seq`."""
    narrowed = list(members) if len(members) <= _ONE_BY_ONE else None
    rows = _accounts(connection, set(members), narrowed)
    layers = _layers(connection, rows, narrowed, on, seq)
    files = _files(connection, narrowed, on, seq)
    grouped: dict[tuple[Any, ...], list[str]] = {}
    for number, row in enumerate(rows):
        if number % (20 * BETWEEN_BREATHS) == 0:
            breathe()
        own = tuple(layers[key] for key in _keys(row) if key in layers)
        facts = (row.programme or "", row.model_id or "", row.tier or "")
        # Layers of two owners are one case when they say the same.
        grouped.setdefault((*facts, files.get(row.account_id), own), []).append(row.account_id)
    read: dict[str, AccountSettings] = {}
    found = []
    for number, ((programme, model_id, tier, document, own), names) in enumerate(grouped.items()):
        if number % BETWEEN_BREATHS == 0:
            breathe()
        if document is not None and document not in read:
            read[document] = read_settings(orjson.loads(document))
        file = read[document] if document is not None else None
        found.append(Case(tuple(names), programme, model_id, tier, file, tuple(each.layer for each in own)))
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """A layer, known by what it says: equal for every owner whose layer says the same."""

    level: str
    text: str
    layer: Layer

    def __hash__(self) -> int:
        return hash((self.level, self.text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and (self.level, self.text) == (other.level, other.text)


def _accounts(connection: Connection, members: Collection[str], narrowed: list[str] | None) -> list[Any]:
    profile = account.c.profile
    rows = select(
        account.c.account_id,
        account.c.household_id,
        account.c.advisor_id,
        profile["programme"].astext.label("programme"),
        profile["model_id"].astext.label("model_id"),
        profile["tier"].astext.label("tier"),
    )
    if narrowed is not None:
        rows = rows.where(account.c.account_id.in_(narrowed))
    return [row for row in connection.execute(rows) if row.account_id in members]


def _keys(row: Any) -> tuple[LayerKey, ...]:
    return layer_keys(row.account_id, row.household_id, row.advisor_id, row.programme)


def _layers(
    connection: Connection, rows: Sequence[Any], narrowed: list[str] | None, on: date, seq: int
) -> dict[LayerKey, _Known]:
    found = (
        select(setting_version.c.key, setting_version.c.seq, setting_version.c.effective_from, setting_version.c.value)
        .where(
            setting_version.c.entity == PROFILE,
            setting_version.c.value.is_not(None),
            setting_version.c.effective_from <= on,
            setting_version.c.seq <= seq,
        )
        .order_by(setting_version.c.key, setting_version.c.effective_from, setting_version.c.seq)
    )
    if narrowed is not None:
        found = found.where(setting_version.c.key.in_({key.text for row in rows for key in _keys(row)}))
    by_key: dict[str, list[Any]] = {}
    for row in connection.execute(found):
        by_key.setdefault(row.key, []).append(row)
    return {LayerKey.of(text): _known(LayerKey.of(text), versions, on) for text, versions in by_key.items()}


def _known(key: LayerKey, versions: Sequence[Any], on: date) -> _Known:
    layer = layer_of(
        key,
        [LayerVersion(key, row.seq, row.effective_from, read_changes(row.value["set"])) for row in versions],
        on,
    )
    said = orjson.dumps([row.value["set"] for row in versions], option=orjson.OPT_SORT_KEYS).decode()
    return _Known(key.level.value, said, layer)


def _files(connection: Connection, narrowed: list[str] | None, on: date, seq: int) -> Mapping[str, str]:
    """The stored settings of the accounts file as text: equal text, equal settings."""
    statement = "SELECT key, value::text AS document FROM settings_as_of(:entity, :day, :seq)"
    values: dict[str, Any] = {"entity": ACCOUNT_SETTINGS, "day": on, "seq": seq}
    if narrowed is not None:
        statement += " WHERE key = ANY(:keys)"
        values["keys"] = narrowed
    return dict(_pairs(connection, statement, values))


def _pairs(connection: Connection, statement: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for row in connection.execute(text(statement), values):
        yield row.key, row.document
