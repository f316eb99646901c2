"""The root of every error that trimtab raises on purpose."""


class TrimtabError(Exception):
    """A fault with a stable `code`; its text says what is wrong and what to do.

    Typed errors are deterministic: running the same step again gives the same error, so a step that
    raises one is parked at once and not retried. Subclasses that a retry may cure set `transient`.
    """

    code: str = "TRIMTAB"
    transient: bool = False
