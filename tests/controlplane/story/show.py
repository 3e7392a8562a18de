"""The story on the terminal: acts, commands as they were typed, plain tables, and what did not go as told."""

import shlex
import time
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Show:
    """Prints the story and keeps what did not go as told in `broken`."""

    def __init__(self, console: Console) -> None:
        self.broken: list[str] = []
        self._console = console
        self._begin = time.monotonic()

    def act(self, title: str) -> None:
        """A new part, with the seconds since the beginning."""
        self._console.print(f"\n[bold]{escape(title)}[/] [dim]({time.monotonic() - self._begin:.0f} s)[/]")

    def say(self, text: str) -> None:
        """One line of the teller."""
        self._console.print(f"  {escape(text)}", soft_wrap=True)

    def command(self, arguments: Sequence[str], said: str, *, reads: str = "") -> None:
        """A command as a person types it, the file that it reads, and what it answered."""
        typed = shlex.join(arguments) + (f" < {reads}" if reads else "")
        self._console.print(f"  [cyan]$ {escape(typed)}[/]", soft_wrap=True)
        for line in said.rstrip().splitlines():
            self._console.print(f"    {escape(line)}", soft_wrap=True, highlight=False)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A plain table."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def check(self, *, holds: bool, told: str) -> None:
        """Note what does not hold, at once and for the end."""
        if not holds:
            self.broken.append(told)
            self._console.print(f"  [bold red]Not as told:[/] {escape(told)}")
