"""The data manager's queues: identifiers that nobody knows, securities that are not complete, lists that are hit.

Each entry says what is wrong, whom it concerns, and what it may be (W-G1, W-G2, D11, MD-9).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from trimtab.db import data_changes as decided
from trimtab.db.deliveries import loaded_delivery
from trimtab.db.inputs import exposures_of
from trimtab.db.settings_versions import newest_seq
from trimtab.db.unknown_securities import (
    UnknownKey,
    held_by_security,
    master_on,
    model_weights,
    unknown_keys,
)
from trimtab.domain.market import RiskModel
from trimtab.domain.restriction_lists import ScreenHit, screen
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.security_additions import incomplete, with_additions, with_proxies
from trimtab.feeds.identifiers import CheckDigit, describe


@dataclass(frozen=True, slots=True)
class Candidate:
    """A security of the master that an unknown identifier may mean, and why."""

    security_id: SecurityId
    because: str


@dataclass(frozen=True, slots=True)
class UnknownSecurity:
    """One entry of the queue."""

    key: str
    scheme: str  # cusip, isin, figi or symbol, by its form
    check_digit: CheckDigit
    accounts: tuple[str, ...]
    market_value: Decimal  # dollars
    models: Mapping[str, Decimal]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class IncompleteSecurity:
    """A security of the master that is held and never bought, with what it lacks."""

    security_id: SecurityId
    lacks: tuple[str, ...]
    accounts: int
    market_value: Decimal  # dollars
    models: Mapping[str, Decimal]
    proxy: str  # where its risk is from, when it is a proxy's


def unknown_securities(connection: Connection, business_date: date) -> list[UnknownSecurity]:
    """The day's unknown identifiers, the largest value first."""
    seq = newest_seq(connection)
    securities = _master(connection, business_date, seq)
    if not securities:
        return []
    mapped = decided.mapped_identifiers(connection, business_date, seq)
    known = {name for each in securities.values() for name in _names(each)} | mapped.keys()
    return [_entry(each, securities) for each in unknown_keys(connection, business_date, known, seq)]


def _master(connection: Connection, business_date: date, seq: int) -> dict[SecurityId, Security]:
    return with_additions(master_on(connection, business_date), decided.additions_on(connection, business_date, seq))


def _names(security: Security) -> Iterator[str]:
    yield from filter(None, (security.id, security.symbol, security.cusip, security.isin, security.figi))


def _entry(unknown: UnknownKey, securities: Mapping[SecurityId, Security]) -> UnknownSecurity:
    scheme, verdict = describe(unknown.key)
    candidates = {each.security_id: each for each in _candidates(unknown.key, scheme, securities)}
    return UnknownSecurity(
        unknown.key,
        scheme,
        verdict,
        unknown.accounts,
        unknown.market_value,
        unknown.models,
        tuple(candidates[name] for name in sorted(candidates)),
    )


def _candidates(key: str, scheme: str, securities: Mapping[SecurityId, Security]) -> Iterator[Candidate]:
    """What it may mean, weak reasons first: of several the last one is told."""
    code = "".join(key.split()).upper()
    for security in securities.values():
        if scheme == "cusip" and security.cusip and code[:6] == security.cusip[:6]:
            yield Candidate(security.id, f"the same issuer, {code[:6]}")
        if scheme == "cusip" and security.cusip and code[:8] == security.cusip[:8]:
            yield Candidate(security.id, "its CUSIP, with another check digit")
        if scheme == "isin" and security.cusip and code[2:11] == security.cusip:
            yield Candidate(security.id, "the ISIN contains its CUSIP")
        if security.isin and code in security.isin and len(code) >= 8:
            yield Candidate(security.id, "its ISIN contains it")
        if scheme == "symbol" and security.symbol and _letters(code) == _letters(security.symbol):
            yield Candidate(security.id, "its ticker, written otherwise")


def _letters(symbol: str) -> str:
    return "".join(filter(str.isalnum, symbol.upper()))


def incomplete_securities(connection: Connection, business_date: date) -> list[IncompleteSecurity]:
    """Securities that must not be bought yet and that somebody holds or wants, the largest value first."""
    seq = newest_seq(connection)
    securities = _master(connection, business_date, seq)
    names = {name: each.id for each in securities.values() for name in _names(each)}
    exposures = loaded_delivery(connection, "risk_exposures", business_date)
    rows = {} if exposures is None else exposures_of(connection, exposures.delivery_id, names)
    width = len(next(iter(rows.values())).exposures) if rows else 0
    model = RiskModel("", business_date, ("",) * width, (), rows)
    proxies = decided.proxies_on(connection, business_date, seq)
    covered, origin = with_proxies(model, proxies)
    held, weights = held_by_security(connection, business_date), model_weights(connection, business_date, seq)
    found = []
    for each in incomplete(securities, covered.securities, proxies, origin):
        name = each.security_id
        accounts, value = held.get(name, (0, Decimal(0)))
        models = {model_id: wanted[name] for model_id, wanted in weights.items() if name in wanted}
        if accounts or models:
            found.append(IncompleteSecurity(name, each.lacks, accounts, value, models, origin.get(name, "")))
    return sorted(found, key=lambda each: (-each.market_value, each.security_id))


def list_hits(connection: Connection, business_date: date, list_id: str | None = None) -> list[ScreenHit]:
    """Names of the lists in force that accounts hold or models want; of one list alone, when it is named."""
    seq = newest_seq(connection)
    weights = model_weights(connection, business_date, seq)
    hits: list[ScreenHit] = []
    for each in decided.lists_on(connection, business_date, seq):
        if list_id is None or each.id == list_id:
            hits += screen(each, held_by_security(connection, business_date, each), weights)
    return hits
