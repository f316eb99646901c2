"""A batch with other taxes of its lots: as on one piece of the tax of partly washed ones each."""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.packed import BOTH, lot_starts
from trimtab.domain.optimizer.fast.packing import Batch
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
    used = np.arange(tax.shape[1]) < batch.lots[:, None]
    order = np.lexsort((np.where(used, tax, np.inf), packed.lot_security), axis=1)
    if packed.lot_rows:  # the kernel sorts them itself
        order = np.broadcast_to(np.arange(tax.shape[1]), tax.shape)
    tax, limit, closed = (
        np.take_along_axis(each, order, axis=1) for each in (tax, np.where(closed, 0.0, limit), closed)
    )
    smaller = replace(
        packed,
        lot_tax=tax,
        lot_limit=limit,
        lot_start=lot_starts(packed.lot_security, limit, tax, packed.give),
        lot_on_row=np.take_along_axis(packed.lot_on_row, order[..., None], axis=1),
        contested=contested,
    )
    lot: Ints = np.take_along_axis(batch.lot, order, axis=1)
    forced: Floats = np.take_along_axis(batch.forced_sales, order, axis=1)
    return replace(batch, packed=smaller, lot=lot, forced_sales=forced, closed=closed)


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
