"""The worker process: workflows, activities, and the relay when it leads. `python -m trimtab.worker`.

Light on purpose: the solver's children import their parent's main module.
"""


def main() -> None:
    """Run the worker of the surroundings' settings until SIGTERM or Ctrl-C; ends the process."""
    from trimtab.worker.service import run

    run()
