"""A bar for work that takes long, for who watches."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

_WORTH_A_BAR = 500


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar for who watches; what is to be told is how many of how many are done. Of thousands of values that all stay
    none is garbage: to look for some took a quarter of the time."""
    from gatekeeper.garbage import seldom_searched

    if not sys.stderr.isatty():
        with seldom_searched():
            yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(40), MofNCompleteColumn(), TimeRemainingColumn())
    with seldom_searched(), Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=total >= _WORTH_A_BAR)
