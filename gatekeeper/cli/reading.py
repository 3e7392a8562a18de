"""What reading many manifests needs around it: a bar for people who wait, and less search for garbage."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_WORTH_A_BAR_BYTES = 32 * 1024**2
# Manifests are trees without circles, freed as soon as they are done with: looking for garbage among them costs a
# quarter of the time and finds none.
_GC_THRESHOLD = 200_000


@contextmanager
def reading(paths: Sequence[Path], *, in_silence: bool = False) -> Iterator[Callable[[int], None] | None]:
    """Read files; what is to be told of each piece of them, in bytes, where somebody watches.

    Args:
        in_silence: nothing is printed until they are read.
    """
    before = gc.get_threshold()
    gc.set_threshold(_GC_THRESHOLD, *before[1:])
    try:
        # Lines of output and a bar on one terminal would break each other.
        if sys.stderr.isatty() and (in_silence or not sys.stdout.isatty()) and (size := _size(paths)) != 0:
            with _bar(size) as tell:
                yield tell
        else:
            yield None
    finally:
        gc.set_threshold(*before)


def _size(paths: Sequence[Path]) -> int | None:
    """Bytes of the files; None where nobody knows, 0 where they are soon read."""
    if any(not path.is_file() for path in paths):
        return None
    size = sum(path.stat().st_size for path in paths)
    return size if size >= _WORTH_A_BAR_BYTES else 0


@contextmanager
def _bar(size: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("reading"), BarColumn(40), DownloadColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda count: bar.advance(task, count)
