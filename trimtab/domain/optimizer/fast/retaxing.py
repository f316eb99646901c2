"""A batch with other taxes of its lots: as on one piece of the tax of partly washed ones each."""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.packed import BOTH, lot_starts, selling_order
from trimtab.domain.optimizer.fast.pieces import Pieces


def on_pieces(batch: Batch, chosen: Pieces) -> Batch:
    """Partly washed lots on the one piece of each security that is `chosen`: closed, or free of what is washed."""
    shape = batch.lot.shape
    tax = batch.packed.lot_tax - chosen.spread(np.where(chosen.stays, 0.0, chosen.chord), shape)
    return retaxed(batch, tax, batch.packed.lot_limit, chosen.spread(chosen.stays, shape))


def retaxed(batch: Batch, tax: Floats, limit: Floats, closed: Flags) -> Batch:
    """The batch with other taxes and limits of lots, (A, m) each, and some closed; cheapest first again.

    What is cheaper than it was may pay a purchase on the same day: the place is contested then. To call more places
    contested than are costs nothing, since a purchase beside a sale that does not pay for it is no one's best.
    """
    packed = batch.packed
    cheaper = np.zeros(packed.active.shape, dtype=np.bool_)
    cheaper.ravel()[packed.lot_place[((tax < packed.lot_tax) & (limit > 0)).ravel()]] = True
    contested = packed.contested | (cheaper & (packed.buy_limit > 0) & (packed.branch == BOTH))
    limit = np.where(closed, 0.0, limit)
    if packed.lot_rows:  # the kernel sorts them itself
        return _with_lots(batch, tax, limit, closed, contested)
    used = np.arange(tax.shape[1]) < batch.lots[:, None]
    order = np.argsort(selling_order(packed.lot_security, np.where(used, tax, np.inf)), axis=1, kind="stable")
    order += tax.shape[1] * np.arange(len(tax))[:, None]
    sorted_ = _with_lots(batch, tax.ravel()[order], limit.ravel()[order], closed.ravel()[order], contested)
    return replace(sorted_, lot=batch.lot.ravel()[order], forced_sales=batch.forced_sales.ravel()[order])


def _with_lots(batch: Batch, tax: Floats, limit: Floats, closed: Flags, contested: Flags) -> Batch:
    packed = batch.packed
    start = lot_starts(packed, limit, tax)
    other = replace(packed, lot_tax=tax, lot_limit=limit, lot_start=start, contested=contested)
    return replace(batch, packed=other, closed=closed)


OF_LOTS = ("lot_security", "lot_limit", "lot_start", "lot_tax", "lot_on_row", "contested")


def replaced(batch: Batch, rows: Ints, other: Batch) -> Batch:
    """The batch with the lots of `rows` as `other` has them."""
    if not len(rows):
        return batch
    of_packed = {name: getattr(batch.packed, name).copy() for name in OF_LOTS}
    of_batch = {name: getattr(batch, name).copy() for name in ("lot", "forced_sales", "closed")}
    for source, values in ((other.packed, of_packed), (other, of_batch)):
        for name, value in values.items():
            value[rows] = getattr(source, name)
    return replace(batch, packed=replace(batch.packed, **of_packed), **of_batch)
