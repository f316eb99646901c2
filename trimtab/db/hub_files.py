"""A delivered file of providers' models: its staged rows, model by model, into `hub_models.receive`."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from trimtab.db.hub_models import Sender, Upload, receive
from trimtab.domain.hub.provider_models import ProviderModel, WeightsKind

CASH: Final = "CASH"
"""A row of this security id declares the model's cash weight."""
ORDER_MARK: Final = ">"
"""Between the platforms of a release's order."""

_ROWS = text(
    """
    SELECT s.*, s.scheme = 'security_id' AND s.security_key = :cash AS is_cash,
        coalesce(k.security_id, s.security_key) AS security
    FROM staged s LEFT JOIN known_identifier k ON k.scheme = s.scheme AND k.value = s.security_key
    ORDER BY s.provider_id, s.model_id, s.line
    """
)
_SAID_ONCE = ("version", "as_of", "effective_at", "release_at", "weights_kind", "expected_turnover", "rotation")


def receive_staged(
    connection: Connection, firm_id: str, business_date: date, delivery_id: str, unreadable: Mapping[str, list[str]]
) -> list[Upload]:
    """Receive each model of the staged file. `unreadable`: by model id what is wrong with rows that were kept aside."""
    rows = connection.execute(_ROWS, {"cash": CASH}).all()
    done = []
    for (_, model_id), its in groupby(rows, key=lambda row: (row.provider_id, row.model_id)):
        model, faults = _model(list(its))
        wrong = (*unreadable.get(model_id, ()), *faults)
        done.append(receive(connection, firm_id, business_date, Sender(f"feed:{delivery_id}"), model, wrong))
    return done


def _model(rows: Sequence[Row[Any]]) -> tuple[ProviderModel, list[str]]:
    """The model that the rows make, and where they contradict each other."""
    first = rows[0]
    faults = [
        f"its rows carry several values of {name}"
        for name in _SAID_ONCE
        if len({getattr(row, name) for row in rows}) > 1
    ]
    weights: dict[str, Decimal] = {}
    cash: Decimal | None = None
    for row in rows:
        if row.is_cash and cash is None:
            cash = row.weight
        elif row.is_cash or row.security in weights:
            faults.append(f"a name stands in it twice: {CASH if row.is_cash else row.security}")
        else:
            weights[row.security] = row.weight
    model = ProviderModel(
        provider_id=first.provider_id,
        model_id=first.model_id,
        version=first.version,
        as_of=first.as_of,
        effective_at=first.effective_at,
        weights=weights,
        weights_kind=WeightsKind(first.weights_kind),
        cash_weight=cash,
        expected_turnover=first.expected_turnover,
        release_at=first.release_at,
        rotation=tuple(each.strip() for each in first.rotation.split(ORDER_MARK)) if first.rotation else (),
    )
    return model, faults
