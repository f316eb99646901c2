"""The day's progress on a terminal: one bar for the accounts, one line for what is happening."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, func, select

from trimtab.contracts import RunRef
from trimtab.db.engine import firm_transaction
from trimtab.db.runs import roster_size
from trimtab.db.tables import account_day, event, run


class DayProgress:
    """Reads where the accounts stand and shows it. On a terminal the bars move; elsewhere only `say` prints."""

    def __init__(self, console: Console, engine: Engine, ref: RunRef) -> None:
        self._engine = engine
        self._ref = ref
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description:28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._analysed = self._bars.add_task(f"Analysed {ref.business_date}", total=None, note="")
        self._ended = self._bars.add_task("Ended their day", total=None, note="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False)

    def refresh(self) -> tuple[object, ...]:
        """Look again; returns what it saw, to tell whether anything moves."""
        with firm_transaction(self._engine, self._ref.firm_id) as connection:
            roster = roster_size(connection)
            phase = connection.scalar(select(run.c.phase).where(run.c.run_id == self._ref.run_id)) or ""
            stage = func.coalesce(account_day.c.terminal_state, account_day.c.stage)
            rows = select(stage, func.count()).where(account_day.c.run_id == self._ref.run_id, account_day.c.current)
            counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(rows.group_by(stage))}
            newest = connection.scalar(select(func.max(event.c.event_id)))
        waiting = ("ingest", "validate", "analyze")
        ended = sum(count for name, count in counts.items() if name.isupper())
        analysed = sum(count for name, count in counts.items() if name not in waiting)
        note = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if not name.isupper())
        self._bars.update(self._analysed, total=roster or None, completed=analysed, note=phase)
        self._bars.update(self._ended, total=roster or None, completed=ended, note=note)
        return roster, phase, newest, tuple(sorted(counts.items()))
