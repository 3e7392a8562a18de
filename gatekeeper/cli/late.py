"""Commands that are only built when somebody asks for them.

Typer reads the signature and the hints of every command before it runs one: 50 ms for about a hundred commands, of
which a process runs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_command_name, get_group_from_info
from typer.models import CommandInfo, TyperInfo

# A command or a group of them, as Typer makes it; it has no name for both.
_Command = Any


def late_group(app: typer.Typer) -> TyperGroup:
    """What Typer makes of an app, but each command below is made when it is first looked up, and kept."""
    return _group(TyperInfo(app), app)


def _group(info: TyperInfo, root: typer.Typer) -> TyperGroup:
    """A group with all that is said about itself; what is below follows when it is asked for."""
    app = info.typer_instance
    assert app is not None  # add_typer was given it
    bare = copy(info)
    bare.typer_instance = copy(app)
    bare.typer_instance.registered_commands, bare.typer_instance.registered_groups = [], []
    group = get_group_from_info(
        bare,
        pretty_exceptions_short=root.pretty_exceptions_short,
        rich_markup_mode=root.rich_markup_mode,
        suggest_commands=root.suggest_commands,
    )
    group.commands = _LateCommands(
        {_name(each): partial(_command, each, root) for each in app.registered_commands}
        | {str(each.name): partial(_group, each, root) for each in app.registered_groups}
    )
    return group


def _name(info: CommandInfo) -> str:
    assert info.callback is not None  # the decorator was given it
    return info.name or get_command_name(info.callback.__name__)


def _command(info: CommandInfo, root: typer.Typer) -> _Command:
    return get_command_from_info(
        info, pretty_exceptions_short=root.pretty_exceptions_short, rich_markup_mode=root.rich_markup_mode
    )


class _LateCommands(MutableMapping[str, _Command]):
    """Commands by name, in the order in which they were written down."""

    def __init__(self, makers: Mapping[str, Callable[[], _Command]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, _Command] = {}

    def __getitem__(self, name: str) -> _Command:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __setitem__(self, name: str, command: _Command) -> None:
        self._makers[name] = lambda: command
        self._made.pop(name, None)

    def __delitem__(self, name: str) -> None:
        del self._makers[name]
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
