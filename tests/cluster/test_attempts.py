"""One thing after the other: what fails, for whatever reason, keeps nothing else from its turn."""

from __future__ import annotations

import pytest

from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.sight import Listener
from gatekeeper.domain.errors import Conflict, NotFound, Unavailable


@pytest.mark.parametrize(
    ("fault", "again"),
    [(Conflict("c"), True), (NotFound("n"), True), (Unavailable("u"), False), (KeyError("k"), False)],
)
def test_a_thing_that_fails_is_left_to_a_later_pass_and_all_others_are_done(fault: Exception, *, again: bool) -> None:
    done: list[str] = []

    def act(thing: str) -> None:
        if thing == "odd":
            raise fault
        done.append(thing)

    attempts = Attempts()
    assert attempts.each("try", ["one", "odd", "two"], act) is False
    assert done == ["one", "two"]
    assert attempts.again is again
    assert attempts.each("try", ["three"], act) is True


class _Heard(Listener):
    """Remembers which steps failed."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step_failed(self, step: str) -> None:
        self.steps.append(step)


def test_whoever_listens_hears_of_what_failed_and_not_of_what_only_moved_on() -> None:
    heard = _Heard()

    def act(thing: Exception) -> None:
        raise thing

    Attempts(heard).each("release", [Conflict("c"), Unavailable("u"), KeyError("k"), NotFound("n")], act)
    assert heard.steps == ["release", "release"]


def test_an_object_is_stale_until_it_is_seen_in_another_version() -> None:
    attempts = Attempts()
    attempts.changed("pod", "7")
    assert attempts.is_stale("pod", "7")
    assert not attempts.is_stale("pod", "8")
    assert not attempts.is_stale("other", "7")
