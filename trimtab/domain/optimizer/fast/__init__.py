"""The fast path: many accounts at once, by Newton's method on their duals (docs/formulation.md, section Fast path)."""
