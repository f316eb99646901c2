"""Orders as a custodian's import file takes them: a YAML layout says which columns, no code."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trimtab.domain.records import decimal_text
from trimtab.feeds.custodian_layouts import SHIPPED, LayoutInvalid

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One account's order. Quantities are shares, positive on both sides."""

    order_id: str
    account_id: str
    side: str  # BUY or SELL
    quantity: Decimal
    symbol: str | None = None
    cusip: str | None = None


OrderField = Literal["order_id", "account_id", "side", "quantity", "symbol", "cusip"]


class OrderColumn(BaseModel):
    """One column of the file: an order's field, with the custodian's word for ours, or the same value always."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(min_length=1)
    source: OrderField | None = Field(default=None, alias="from")
    value: str | None = None
    words: dict[str, str] = Field(default_factory=dict)
    optional: bool = False  # an order without it is written all the same

    @model_validator(mode="after")
    def _one_origin(self) -> "OrderColumn":
        if (self.source is None) == (self.value is None):
            raise ValueError("name exactly one of from and value")
        return self


class OrderFileLayout(BaseModel):
    """The file's form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    delimiter: Literal[",", ";", "|", "\t"] = ","
    header: bool = True
    columns: tuple[OrderColumn, ...] = Field(min_length=1)


def order_layout(name: str) -> OrderFileLayout:
    """A shipped layout. Raises LayoutInvalid."""
    file = resources.files("trimtab.feeds") / SHIPPED / f"{name}.yaml"
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise LayoutInvalid(f"there is no shipped layout {name!r}")
    try:
        return OrderFileLayout.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except ValidationError:
        raise LayoutInvalid(f"the layout {name} is not one of order files") from None


def order_file(
    layout: OrderFileLayout, orders: Iterable[OrderLine], accounts: Mapping[str, str] | None = None
) -> tuple[str, list[OrderLine]]:
    """The file's text, and the orders that it cannot hold since a column that is needed would be empty.

    `accounts`: the firm's account id to the custodian's number.
    """
    text, left_out = io.StringIO(), list[OrderLine]()
    writer = csv.writer(text, delimiter=layout.delimiter, lineterminator="\r\n")
    if layout.header:
        writer.writerow(column.name for column in layout.columns)
    for order in orders:
        cells = list(_cells(layout, order, accounts or {}))
        if any(cell == "" and not column.optional for cell, column in zip(cells, layout.columns, strict=True)):
            left_out.append(order)
        else:
            writer.writerow(cells)
    return text.getvalue(), left_out


def _cells(layout: OrderFileLayout, order: OrderLine, accounts: Mapping[str, str]) -> Iterator[str]:
    for column in layout.columns:
        if column.source is None:
            yield column.value or ""
            continue
        value = getattr(order, column.source)
        text = decimal_text(value) if isinstance(value, Decimal) else str(value or "")
        if column.source == "account_id":
            text = accounts.get(text, text)
        yield _harmless(column.words.get(text, text))


def _harmless(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is shown as text instead (case 61)."""
    return f"'{text}" if text.startswith(_FORMULA) else text
