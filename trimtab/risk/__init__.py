"""Factor risk models estimated from price history, for firms without a vendor's (docs/risk-models.md)."""
