"""The rules of a rebalancing programme, on the standard library only (numpy and the solvers live in `optimizer`)."""
