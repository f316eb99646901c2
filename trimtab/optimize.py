"""One account from a file to a proposal, without a database: what `trimtab optimize` reads and prints.

The file is an `AnalysisInput` as JSON: `snapshot`, `target`, `market`, with the names of the fields in
`trimtab.domain.snapshots`. Decimals are strings (numbers are taken too), dates are ISO 8601.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from trimtab.domain.calibration import Calibration, calibration_faults, order_faults
from trimtab.domain.errors import TrimtabError
from trimtab.domain.optimizer.conflict_sets import ConflictSet, conflict_sets
from trimtab.domain.optimizer.curve import CurvePoint, trade_off_curve
from trimtab.domain.optimizer.price_tags import PriceTag
from trimtab.domain.optimizer.price_tags import price_tags as tags_of
from trimtab.domain.optimizer.wording import dollars, name_of, percent
from trimtab.domain.proposals import AnalysisOutcome, Measures, ProposedTrade, RebalanceProposal, Rung
from trimtab.domain.records import canonical_json, content_hash, plain
from trimtab.domain.snapshots import AnalysisInput

Read = TypeVar("Read")

_FAULTS_NAMED = 3
"""Of more faults in one file the first are named."""


class UnreadableInput(TrimtabError):
    """The file cannot be read, or is not JSON."""

    code = "UNREADABLE_INPUT"


class WrongInputShape(TrimtabError):
    """The JSON is no analysis input: a field is missing, misspelt or has a wrong value."""

    code = "WRONG_INPUT_SHAPE"


class UnusableCalibration(TrimtabError):
    """A map's numbers are out of range or order, or are not those of its version."""

    code = "UNUSABLE_CALIBRATION"


def read_input(path: Path, calibration: Path | None = None) -> AnalysisInput:
    """The input in the file, with the map in the file `calibration` when one is named.

    Raises UnreadableInput and WrongInputShape, which name the place of the fault, and UnusableCalibration.
    """
    request = read_exactly(path, TypeAdapter(AnalysisInput))
    return request if calibration is None else replace(request, calibration=read_calibration(calibration))


def read_exactly(path: Path, shape: TypeAdapter[Read]) -> Read:
    """What the file holds, of which every field is known. Raises UnreadableInput and WrongInputShape."""
    document = read_json(path)
    request = validated(path, document, shape)
    unknown = [f"{place} is not a field" for place in _unknown_fields(document, plain(request), "")]
    if unknown:  # a misspelt setting must not be ignored
        raise WrongInputShape(f"{path}: {_listed(unknown)}")
    return request


def read_calibration(path: Path) -> Calibration:
    """The map in the file. Raises UnreadableInput, WrongInputShape and UnusableCalibration."""
    calibration = validated(path, read_json(path), TypeAdapter(Calibration))
    faults = [*calibration_faults(calibration)] or [*order_faults(calibration)]
    if faults:
        raise UnusableCalibration(f"{path}: {_listed(faults)}")
    return calibration


def read_json(path: Path) -> object:
    """What the file holds. Raises UnreadableInput."""
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableInput(f"{path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise UnreadableInput(f"{path} is not JSON: {error}") from error


def validated(path: Path, document: object, shape: TypeAdapter[Read]) -> Read:
    """`document`, read from `path`, as a value of that shape. Raises WrongInputShape."""
    try:
        return shape.validate_json(orjson.dumps(document))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc'])) or 'the document'}: {each['msg']}" for each in error.errors()]
        raise WrongInputShape(f"{path}: {_listed(faults)}") from error


def write_input(request: AnalysisInput, path: Path) -> None:
    """Keep `request` as canonical JSON. Raises UnreadableInput when the file cannot be written."""
    write_text(canonical_json(request), path)


def write_text(text: str, path: Path) -> None:
    """Write one document and a line's end. Raises UnreadableInput when the file cannot be written."""
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UnreadableInput(f"{path} cannot be written: {error.strerror}") from error


def proposal_lines(request: AnalysisInput, proposal: RebalanceProposal, *, explain: bool = False) -> Iterator[str]:
    """The proposal as text; with `explain` each reason, and each reason why not, is a sentence."""
    yield f"account {proposal.account_id}, {proposal.business_date}: {proposal.outcome}"
    if proposal.note:
        yield proposal.note
    if proposal.outcome in (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE):  # the others certify nothing
        yield f"improvement {proposal.benefit_bps} bp, certified gap {proposal.gap_bps} bp, score {proposal.score}"
    if proposal.rung is not Rung.FULL:
        yield f"rung {proposal.rung}: the whole problem had no answer in time that passes every check"
    yield from before_and_after(proposal.before, proposal.after)
    yield (
        f"short-term gain {dollars(proposal.short_term_gain)}, long-term gain {dollars(proposal.long_term_gain)}, "
        f"tax {dollars(proposal.tax)}, cost {dollars(proposal.cost)}, turnover {percent(proposal.turnover)}"
    )
    for trade in proposal.trades:
        yield from trade_lines(request, trade, explain)
    for why_not in proposal.why_nots:
        because = why_not.sentence if explain else why_not.code
        yield f"NOT {name_of(request, why_not.security_id)}: {because}"


@dataclass(frozen=True, slots=True)
class Extras:
    """What was asked for beside the proposal; None: not asked for."""

    price_tags: tuple[PriceTag, ...] | None = None
    conflicts: tuple[ConflictSet, ...] | None = None
    curve: tuple[CurvePoint, ...] | None = None

    def lines(self) -> Iterator[str]:
        for conflict in self.conflicts or ():
            yield from conflict_lines(conflict)
        if self.price_tags:
            yield from tag_lines(self.price_tags)
        if self.curve:
            yield from curve_lines(self.curve)


def extras_of(request: AnalysisInput, proposal: RebalanceProposal, *, price_tags: bool, curve: bool) -> Extras:
    """What was asked for; rules that clash are always explained, and have no prices and no curve."""
    clash = proposal.outcome is AnalysisOutcome.CONFLICT
    return Extras(
        price_tags=tags_of(request, proposal) if price_tags else None,
        curve=() if clash and curve else trade_off_curve(request) if curve else None,
        conflicts=conflict_sets(request) if proposal.outcome is AnalysisOutcome.CONFLICT else None,
    )


def proposal_document(proposal: RebalanceProposal, extras: Extras | None = None) -> Mapping[str, object]:
    """The proposal as plain values, with its own hash, and what else was asked for."""
    extras = extras or Extras()
    document: dict[str, Any] = {**_mapping(plain(proposal)), "proposal_hash": content_hash(proposal)}
    if extras.price_tags is not None:
        document["price_tags"] = [_tag_document(tag) for tag in extras.price_tags]
    if extras.conflicts is not None:
        document["conflicts"] = [_conflict_document(each) for each in extras.conflicts]
    if extras.curve is not None:
        document["curve"] = [plain(point) for point in extras.curve]
    return document


def curve_lines(curve: Iterable[CurvePoint]) -> Iterator[str]:
    """Tax and cost against tracking error, the account's own setting marked."""
    yield "trade-off, before whole shares (* the account's own setting):"
    yield f"  {'price of risk':>13}{'tracking error':>16}{'tax':>16}{'trading cost':>14}{'turnover':>10}"
    for point in curve:
        yield (
            f"{'*' if point.own else ' '} {point.risk_price:>13g}{percent(point.tracking_error):>16}"
            f"{dollars(point.tax):>16}{dollars(point.cost):>14}{percent(point.turnover):>10}"
        )


def conflict_lines(conflict: ConflictSet) -> Iterator[str]:
    """The rules that clash, and the ways out, cheapest first."""
    yield conflict.sentence
    yield from (f"    {number}. {fix.sentence}" for number, fix in enumerate(conflict.fixes, start=1))


def _conflict_document(conflict: ConflictSet) -> Mapping[str, object]:
    fixes = [
        {
            "rule": fix.rule.key,
            "level": fix.level,
            "more_bps": fix.more_bps,
            "tax": fix.tax,
            "tracking_error": fix.tracking_error,
            "sentence": fix.sentence,
        }
        for fix in conflict.fixes
    ]
    return {"rules": [rule.key for rule in conflict.rules], "sentence": conflict.sentence, "fixes": fixes}


def tag_lines(tags: Iterable[PriceTag]) -> Iterator[str]:
    """What each rule costs, dearest first."""
    yield "price tags:"
    yield from (f"    {tag.sentence}" for tag in tags)


def _tag_document(tag: PriceTag) -> Mapping[str, object]:
    return {
        "rule": tag.rule.key,
        **_mapping(plain(tag.worth)),
        "tax": tag.tax,
        "cost": tag.cost,
        "tracking_error": tag.tracking_error,
        "marginal_bps": tag.marginal_bps,
        "sentence": tag.sentence,
    }


def before_and_after(before: Measures, after: Measures) -> Iterator[str]:
    yield f"{'':16}{'before':>18}{'after':>18}"
    for name, one, other in (
        ("account value", dollars(before.account_value), dollars(after.account_value)),
        ("cash", dollars(before.cash), dollars(after.cash)),
        ("largest drift", percent(before.max_drift), percent(after.max_drift)),
        ("active share", percent(before.active_share), percent(after.active_share)),
        ("tracking error", percent(before.tracking_error), percent(after.tracking_error)),
    ):
        yield f"{name:16}{one:>18}{other:>18}"


def trade_lines(request: AnalysisInput, trade: ProposedTrade, explain: bool) -> Iterator[str]:
    name, codes = name_of(request, trade.security_id), ", ".join(reason.code for reason in trade.reasons)
    what = f"{trade.side} {trade.quantity:f} {name} at {dollars(trade.price)}, {dollars(trade.notional)}"
    yield what if explain else f"{what}: {codes}"
    for sale in trade.lot_sales:
        yield (
            f"    lot {sale.lot_id}: {sale.quantity:f} shares, proceeds {dollars(sale.proceeds)}, "
            f"basis {dollars(sale.basis)}, gain {dollars(sale.gain)} {sale.term}"
        )
    for reason in trade.reasons if explain else ():
        yield f"    {reason.code}: {reason.sentence}"


def _unknown_fields(given: object, known: object, place: str) -> Iterator[str]:
    """Places in `given` that reading it has left out."""
    if isinstance(given, dict):
        fields = _mapping(known)
        for key, value in given.items():
            where = f"{place}.{key}" if place else key
            if key in fields:
                yield from _unknown_fields(value, fields[key], where)
            else:
                yield where
    elif isinstance(given, list) and isinstance(known, list):
        for number, (value, read) in enumerate(zip(given, known, strict=False)):
            yield from _unknown_fields(value, read, f"{place}.{number}")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _listed(faults: list[str]) -> str:
    """The first faults in one line, and how many more there are."""
    more = len(faults) - _FAULTS_NAMED
    return "; ".join(faults[:_FAULTS_NAMED]) + (f"; and {more} more" if more > 0 else "")
