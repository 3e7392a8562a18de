"""Members of a List, which leave their document one by one where it is too long to be held whole.

`kubectl get -o yaml` writes `items` before `kind`, so the answer whether a document is a List may come last. Until
then members are held, up to the size of one object. Beyond it they go on as what they say they are themselves, and a
document that then turns out to be no List is an error: it is never counted for less than it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from admission.manifests.nodes import text
from gatekeeper.domain.errors import InvalidInput

KEY = "items"
_LIST = "List"


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file, or one member of a long List in it.

    Attributes:
        index: its number in the file from 0; empty ones count.
        line: the line that the document starts on.
        content: what it says.
        item: its place in the List, None for a whole document.
    """

    index: int
    line: int
    content: object
    item: int | None = None


def objects(content: Any) -> Iterator[tuple[Any, int | None]]:
    """The object itself, or the members of a List with their places.

    Members of a typed list take their kind from it.
    """
    if not isinstance(content, Mapping):
        return
    members = content.get(KEY)
    if not is_list(content) or not isinstance(members, list):
        yield content, None
        return
    for number, member in enumerate(members):
        yield inheriting(content, member), number


def is_list(head: Mapping[str, Any]) -> bool:
    """Whether a document with these keys is a List of others."""
    return text(head, "kind").endswith(_LIST)


def inheriting(head: Mapping[str, Any], member: Any) -> Any:
    """A member with the kind that its typed list gives it."""
    kind = text(head, "kind")
    if kind == _LIST or not isinstance(member, Mapping):
        return member
    return {"apiVersion": head.get("apiVersion"), "kind": kind.removesuffix(_LIST), **member}


class Members:
    """The `items` of one document while it is being read.

    Attributes:
        held: members that may still belong to a document that is no List.
        leaving: whether members go on as they come.
    """

    def __init__(self, name: str, index: int, line: int, head: Mapping[str, Any]) -> None:
        """Begin.

        Args:
            name: of the file, for errors.
            index: number of the document.
            line: where the document starts.
            head: its other keys, growing as they are read.
        """
        self._place = f"{name}:{line}"
        self._index = index
        self._line = line
        self._head = head
        self._left = 0
        self.held: list[Any] = []
        self._known = is_list(head) and (text(head, "kind") == _LIST or bool(text(head, "apiVersion")))
        self.leaving = self._known

    def add(self, member: Any, *, full: bool) -> Iterator[Document]:
        """Take a member; those that leave now.

        Args:
            member: what it says.
            full: whether what is held is as long as we hold.

        Raises:
            InvalidInput: it cannot be held any longer, and does not say what it is.
        """
        self.held.append(member)
        if not self.leaving and not full:
            return
        self.leaving = True
        held, self.held = self.held, []
        for each in held:
            yield Document(self._index, self._line, self._told(each), self._left)
            self._left += 1

    def end(self, content: Mapping[str, Any]) -> None:
        """The document is complete.

        Raises:
            InvalidInput: members have left it, and it is no List.
        """
        if self.leaving and not is_list(content):
            raise InvalidInput(
                f"{self._place}: too long for one object, and its kind is no List.",
                hint="Write each object as a document of its own.",
            )

    def _told(self, member: Any) -> Any:
        if self._known:
            return inheriting(self._head, member)
        if isinstance(member, Mapping) and not (text(member, "kind") and text(member, "apiVersion")):
            raise InvalidInput(
                f"{self._place}: item {self._left} of a long list says no kind, and the list says it too late.",
                hint="Put `apiVersion` and `kind` of the list before its items.",
            )
        return member
