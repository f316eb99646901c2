"""Freezing a run's inputs: one content hash for each feed, model, setting and filter that the run reads."""

from sqlalchemy import Connection

from trimtab.activities.filter import FILTERS
from trimtab.activities.inputs import freeze_inputs
from trimtab.contracts import RunRef
from trimtab.db import runs
from trimtab.db.content import put_content
from trimtab.db.lane_policies import lane_document_on


def freeze_filters(connection: Connection, ref: RunRef) -> None:
    """The lane policy of the day with its filters, once; what a firm never edited is what every firm starts with."""
    if runs.read_inputs(connection, ref).of(FILTERS):
        return
    known = lane_document_on(connection, ref.business_date)
    runs.freeze(connection, ref, FILTERS, {"": put_content(connection, ref.firm_id, FILTERS, known)})


def freeze_run(connection: Connection, ref: RunRef) -> None:
    """Freeze everything that the run reads: deliveries, market, models, settings and filters. Raises RunMissing."""
    freeze_inputs(connection, ref.firm_id, ref.run_id, ref.business_date)
    freeze_filters(connection, ref)
