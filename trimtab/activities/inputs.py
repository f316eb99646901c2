"""A run's frozen inputs: what every account of the run shares, computed once, stored by hash, cached by hash.

Freezing is get or compute: the manifest that is stored says what the run reads, and a later delivery changes
nothing until `freeze_inputs` is asked to look again, which adds the next manifest beside the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from trimtab.activities.calendar import calendar_around
from trimtab.activities.deliveries import KINDS
from trimtab.activities.frozen_market import FrozenMarket, MarketFindings
from trimtab.activities.market import freeze_market
from trimtab.contracts import AccountDayRef, RunRef
from trimtab.db import runs
from trimtab.db.alerts import raise_alert
from trimtab.db.bulk_decisions import exemptions_due
from trimtab.db.content import get_content, get_contents, put_content, put_contents
from trimtab.db.data_policy import data_policy
from trimtab.db.deliveries import FeedState, feed_states
from trimtab.db.profile_changes import limits_on
from trimtab.db.profiles import glide_paths
from trimtab.db.settings_versions import newest_seq
from trimtab.domain.accounts import ModelId
from trimtab.domain.calibration import SHIPPED, Calibration
from trimtab.domain.findings import PriceFaultPolicy
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.price_checks import JudgedPrice, PriceStatus
from trimtab.domain.profile.glide import Glide, mixed
from trimtab.domain.profile.limits import CustomisationLimits
from trimtab.domain.profile.statements import Statement
from trimtab.domain.records import content_hash
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import SecurityId, names_of
from trimtab.domain.snapshots import MarketSnapshot
from trimtab.domain.validation import MarketFacts
from trimtab.feeds.layouts import FeedKind

MANIFEST: Final = "inputs"
MARKET: Final = "market"
FINDINGS: Final = "market_findings"
MODEL: Final = "model"
SETTINGS: Final = "settings"
EXEMPTION_DUE: Final = "EXEMPTION_DUE"
"""The alert about an exemption from a bulk change that somebody was to look at again."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a run reads of one kind. Without a delivery `code` and `message` say why."""

    delivery_id: str | None
    content_hash: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a run reads, by hash: stored as content, so its own hash stands for all of it."""

    firm_id: str
    run_id: str
    business_date: date
    as_of: date  # the session before
    feeds: Mapping[str, Feed]  # by kind
    market: str  # hash of the MarketSnapshot
    findings: str  # hash of the MarketFindings
    models: Mapping[str, str]  # model id to hash of the ModelPortfolio
    settings_seq: int  # settings as known at this version
    price_fault_policy: str = PriceFaultPolicy.SUSPEND.value
    calibration: str = ""  # hash of the firm's own Calibration; none: the shipped one
    limits: Mapping[str, CustomisationLimits] = field(default_factory=dict)  # by programme
    raise_cash: bool = False  # of accounts whose cash is negative: they sell, and are flagged


@dataclass(frozen=True, eq=False)
class RunData:
    """A manifest with the values that it names."""

    digest: str
    manifest: Manifest
    market: MarketSnapshot
    findings: MarketFindings
    models: Mapping[ModelId, ModelPortfolio]
    calibration: Calibration = SHIPPED

    @property
    def policy(self) -> PriceFaultPolicy:
        return PriceFaultPolicy(self.manifest.price_fault_policy)

    @property
    def deliveries(self) -> Mapping[str, str | None]:
        """Kind to the delivery that the run reads."""
        return {kind: feed.delivery_id for kind, feed in self.manifest.feeds.items()}

    @cached_property
    def facts(self) -> MarketFacts:
        """What validation looks prices and securities up in."""
        good = {
            name: JudgedPrice(PriceStatus.GOOD, price.close, price.as_of) for name, price in self.market.prices.items()
        }
        return MarketFacts(
            as_of=self.manifest.as_of,
            securities=self.market.securities,
            prices={**good, **self.findings.faulty_prices},
            risk_covered=frozenset(self.market.risk_model.securities),
            duplicate_lots=frozenset(self.findings.duplicate_lots),
            missing_accounts=frozenset(self.findings.missing_accounts),
            value_jumps=self.findings.value_jumps,
            missing_deposits=self.findings.missing_deposits,
            incomplete=self.findings.incomplete,
            oldest_nav=calendar_around(self.manifest.as_of).previous(self.manifest.as_of).date,
        )

    @cached_property
    def lists(self) -> Mapping[str, RestrictionList]:
        """Restriction lists in force, by id."""
        return {each.id: each for each in self.findings.lists}

    @cached_property
    def names(self) -> Mapping[str, SecurityId]:
        """Identifier of any scheme to security, for what was delivered before the master knew it."""
        return {**self.findings.former_names, **names_of(self.market.securities)}


class Inputs:
    """The process's cache of run data: a run's manifest is looked up each time, its values are read once."""

    def __init__(self, kept: int = 4) -> None:
        self._kept = kept
        self._values: dict[str, RunData] = {}
        self._lock = Lock()

    def of_run(self, connection: Connection, ref: RunRef | AccountDayRef) -> RunData:
        """What the run reads now. Raises InputNotFrozen."""
        found = runs.read_inputs(connection, RunRef(ref.firm_id, ref.run_id, ref.business_date))
        return self.of_manifest(connection, newest_manifest(found))

    def of_manifest(self, connection: Connection, digest: str) -> RunData:
        """The run data under a manifest's hash."""
        with self._lock:
            if digest not in self._values:
                self._values[digest] = _read(connection, digest)
                while len(self._values) > self._kept:
                    del self._values[next(iter(self._values))]
            return self._values[digest]


def newest_manifest(frozen: runs.RunInputs) -> str:
    """The hash of the run's last manifest. Raises InputNotFrozen."""
    numbers = sorted(frozen.of(MANIFEST), key=int)
    return frozen.one(MANIFEST, numbers[-1] if numbers else "1")


def _read(connection: Connection, digest: str) -> RunData:
    manifest = get_content(connection, digest, Manifest)
    return RunData(
        digest=digest,
        manifest=manifest,
        market=get_content(connection, manifest.market, MarketSnapshot),
        findings=get_content(connection, manifest.findings, MarketFindings),
        models={
            ModelId(name): model for name, model in get_contents(connection, manifest.models, ModelPortfolio).items()
        },
        calibration=get_content(connection, manifest.calibration, Calibration) if manifest.calibration else SHIPPED,
    )


def freeze_inputs(
    connection: Connection, firm_id: str, run_id: str, business_date: date, *, again: bool = False
) -> str:
    """Freeze what the run reads, and return the manifest's hash.

    Repeating it gives the same; with `again` it looks at what has come since, and adds a manifest when something
    has changed. Raises RunMissing.
    """
    ref = RunRef(firm_id, run_id, business_date)
    row = runs.lock_run(connection, ref)
    frozen = runs.read_inputs(connection, ref)
    if frozen.of(MANIFEST) and not again:
        return newest_manifest(frozen)
    states = _states(connection, business_date)
    _tell_unusable(connection, ref, states)
    _tell_due_exemptions(connection, ref)
    seq = newest_seq(connection)
    market = freeze_market(connection, firm_id, business_date, row.as_of, states, seq)
    manifest = _manifest(connection, ref, row.as_of, states, seq, market)
    digest = put_content(connection, firm_id, MANIFEST, manifest)
    if digest in frozen.of(MANIFEST).values():
        return newest_manifest(frozen)
    number = str(len(frozen.of(MANIFEST)) + 1)
    runs.freeze(connection, ref, MANIFEST, {number: digest})
    if number == "1":
        _freeze_each(connection, ref, manifest)
    return digest


def _states(connection: Connection, business_date: date) -> dict[str, FeedState]:
    """What counts of each kind: of those that every day needs, and of restriction lists where some have come."""
    states = feed_states(connection, business_date, [*map(str, KINDS), str(FeedKind.RESTRICTION_LISTS)])
    if states[FeedKind.RESTRICTION_LISTS].code == "FEED_MISSING":
        del states[FeedKind.RESTRICTION_LISTS]
    return states


def _tell_unusable(connection: Connection, ref: RunRef, states: Mapping[str, FeedState]) -> None:
    """Once a day for each kind that the run has to do without; refusals were told when the file came."""
    for kind, state in states.items():
        if state.code:
            raise_alert(
                connection,
                ref.firm_id,
                cause=state.code,
                scope=f"feed/{kind}",
                business_date=ref.business_date,
                message=state.message,
                severity="CRITICAL",
            )


def _tell_due_exemptions(connection: Connection, ref: RunRef) -> None:
    """Once a day for each exemption from a bulk change that was to be looked at by today (S6)."""
    for change, exemption in exemptions_due(connection, ref.business_date):
        raise_alert(
            connection,
            ref.firm_id,
            cause=EXEMPTION_DUE,
            scope=f"account/{exemption.account_id}/{change.change_id}",
            business_date=ref.business_date,
            message=f"account {exemption.account_id} is exempt from a change ({change.reason}): {exemption.reason};"
            f" to be reviewed by {exemption.review_on}",
        )


def _manifest(
    connection: Connection,
    ref: RunRef,
    as_of: date,
    states: Mapping[str, FeedState],
    seq: int,
    market: FrozenMarket,
) -> Manifest:
    firm_id, firm = ref.firm_id, runs.firm_row(connection, ref.firm_id)
    policy = data_policy(connection, firm_id, ref.business_date, seq)
    return Manifest(
        firm_id=firm_id,
        run_id=ref.run_id,
        business_date=ref.business_date,
        as_of=as_of,
        feeds={
            kind: Feed(state.delivery_id, state.content_hash, state.code, state.message)
            for kind, state in states.items()
        },
        market=put_content(connection, firm_id, MARKET, market.snapshot),
        findings=put_content(connection, firm_id, FINDINGS, market.findings),
        models=put_contents(connection, firm_id, MODEL, {**market.models, **_glided(connection, ref, market, seq)}),
        settings_seq=seq,
        calibration=firm.calibration_hash,
        limits=limits_on(connection, ref.business_date, seq),
        price_fault_policy=policy.price_fault.value,
        raise_cash=policy.raise_cash,
    )


def _glided(connection: Connection, ref: RunRef, market: FrozenMarket, seq: int) -> dict[str, ModelPortfolio]:
    """Mixes of two models for the accounts that glide from one to the other, as they stand today."""
    paths, found = glide_paths(connection, ref.business_date, seq), {}
    for model, start, end in sorted(paths):
        said = Statement("glide_path", values={"model": model, "start": start, "end": end})
        glide, other = Glide.on(said, ref.business_date), market.models.get(model)
        if glide is not None and other is not None:
            for base in market.models.values():
                found[str(glide.id_from(base.id))] = mixed(base, glide, other)
    return found


def _freeze_each(connection: Connection, ref: RunRef, manifest: Manifest) -> None:
    """One row for each input beside the manifest: what other stages read, and what people look up."""
    for kind, feed in manifest.feeds.items():
        if feed.delivery_id is not None:
            runs.freeze(connection, ref, kind, {feed.delivery_id: feed.content_hash})
    runs.freeze(connection, ref, MARKET, {"": manifest.market})
    runs.freeze(connection, ref, FINDINGS, {"": manifest.findings})
    runs.freeze(connection, ref, MODEL, manifest.models)
    runs.freeze(connection, ref, SETTINGS, {"": content_hash({"seq": manifest.settings_seq})})


__all__ = [
    "Feed",
    "Inputs",
    "Manifest",
    "RunData",
    "freeze_inputs",
    "newest_manifest",
]
