"""Where a register and our records say different things about a party, and what taking the register's word would write.

A word is taken only as far as it makes nobody milder. What a register cannot know (shares) and what is no sign of
another owner (an entry that lapsed) is told, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.observation import HIDDEN, STALE, Disagreement, Observed
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.registry.kyc_record import owners_of

HEADQUARTERS, PARENT, HIDDEN_PARENT = "headquarters", "parent", "hidden_parent"
SUCCESSOR, STATUS, ABSENT = "successor", "status", "absent"
# Disagreements of which the register's word can take effect.
TAKEN = frozenset({HEADQUARTERS, PARENT, HIDDEN_PARENT, SUCCESSOR})
NAME_CHARACTERS_MAX = 300
# What a register says of an LEI, and of some LEIs the party that has each.
Word = Callable[[str], Observed | None]
Holders = Callable[[Iterable[str]], Mapping[str, str]]


def disagreements(
    parties: Mapping[str, Party], observed: Mapping[str, Observed], *, is_delta: bool = False
) -> list[Disagreement]:
    """All of them, by party; in a delta an entry that is not there says nothing."""
    found = []
    for _, party in sorted(parties.items()):
        if not party.lei:
            continue
        word = observed.get(party.lei)
        if word is not None:
            found += disagreements_of(parties, party, word)
        elif not is_delta:
            found.append(Disagreement(party.id, party.lei, ABSENT, party.lei, "no such entry"))
    return found


def disagreements_of(parties: Mapping[str, Party], party: Party, word: Observed) -> list[Disagreement]:
    """Where a register disagrees about one party."""
    return [Disagreement(party.id, word.lei, *told) for told in _told(parties, party, word)]


def is_news(code: str, word: Observed, last: Observed | None) -> bool:
    """Whether a register says it for the first time: what two people set back is not taken again."""
    if last is None:
        return True
    if code == HEADQUARTERS:
        return word.headquarters != last.headquarters
    if code == PARENT:
        return not set(word.parents) <= {*last.parents, *last.ultimates} or not set(word.ultimates) <= {*last.ultimates}
    if code == SUCCESSOR:
        return not set(word.successors) <= set(last.successors)
    return not _hidden(word) <= _hidden(last)


def as_told(
    code: str, parties: Mapping[str, Party], party: Party, word: Observed, *, words: Word, holders: Holders
) -> tuple[Party, ...]:
    """The party as the register has it, and those that it names as owners and nobody knows yet.

    Whoever a register names as a parent or a successor has no reason for having none of its own: until two people have
    looked, nobody knows who stands above it.
    """
    if code == HEADQUARTERS:
        return (replace(party, headquarters=word.headquarters),)
    if code == HIDDEN_PARENT:
        return (replace(party, no_parent_reason=""),)
    named = _heads(parties, party, word) if code == PARENT else _unknown(parties, party, word.successors)
    known = holders(named)
    new = {lei: _party_of(lei, words(lei)) for lei in named if lei not in known}
    owners = {known.get(lei) or new[lei].id for lei in named} - {party.id}
    changed = replace(party, parents=tuple(sorted({*party.parents, *owners})), no_parent_reason="")
    return (changed, *(new[lei] for lei in sorted(new)))


def _told(parties: Mapping[str, Party], party: Party, word: Observed) -> Iterator[tuple[str, str, str]]:
    """Code, what we have, and what the register has, for each disagreement about a party."""
    if word.headquarters and word.headquarters != party.headquarters:
        yield HEADQUARTERS, party.headquarters or "unknown", word.headquarters
    missing = _unknown(parties, party, word.parents)
    if missing:
        above = {each.lei for each in owners_of(parties, party.id).values()} - {"", party.lei}
        yield PARENT, ", ".join(sorted(above)) or "none with an LEI", ", ".join(missing)
    hidden = sorted(_hidden(word))
    if hidden and not party.parents and (party.no_parent_reason or not party.owners):
        yield HIDDEN_PARENT, party.no_parent_reason or "none", ", ".join(hidden)
    if word.registration in STALE or word.status not in ("ACTIVE", ""):
        yield STATUS, "in use here", f"{word.status or 'entity'}, {word.registration}"
    successors = _unknown(parties, party, word.successors)
    if successors:
        yield SUCCESSOR, party.lei, ", ".join(successors)


def _hidden(word: Observed) -> set[str]:
    return set(word.exceptions) & HIDDEN


def _unknown(parties: Mapping[str, Party], party: Party, leis: Iterable[str]) -> list[str]:
    """Those of some LEIs that nobody in a party's chain has."""
    above = {each.lei for each in owners_of(parties, party.id).values()}
    return [each for each in leis if each not in above]


def _heads(parties: Mapping[str, Party], party: Party, word: Observed) -> list[str]:
    """Whom to add as parents: who decides in the end; of a party that claims to have no owner, any parent."""
    missing = _unknown(parties, party, word.parents)
    heads = [each for each in missing if each in word.ultimates]
    return heads or (missing if not party.owners else [])


def _party_of(lei: str, word: Observed | None) -> Party:
    """Somebody whom only the register knows."""
    bare = Party(id=f"lei-{lei.lower()}", kind=PartyKind.ORG, legal_name=f"LEI {lei}", lei=lei)
    if word is None:
        return bare
    placed = replace(bare, headquarters=word.headquarters, jurisdiction=word.jurisdiction)
    try:
        return replace(placed, legal_name=word.legal_name[:NAME_CHARACTERS_MAX].strip())
    except InvalidInput:  # a name that no party here may have
        return placed
