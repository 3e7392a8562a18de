"""What a tier rests on, for people: facts about one party, and the path of owners that leads to it.

All are clauses that can follow "because". Names and shares are told as recorded; who prints them guards the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import LEVELS, OPEN, THREE, Holdings
from gatekeeper.domain.interest import Interest, percent_text
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.tier import Tier, TierTable

# Steps of a path that a sentence names at each end of a longer one.
_STEPS_AT_AN_END = 6


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about one party that makes it what it is.

    Attributes:
        level: place in LEVELS.
        alone: the fact as a clause; after: how it goes on after a path, where that is not "and" with the clause.
    """

    level: int
    code: str
    alone: str
    after: str = ""

    @property
    def tier(self) -> Tier:
        """The tier that it makes the party."""
        return LEVELS[self.level]


def facts_of(settled: Settled, number: int) -> Iterator[Fact]:
    """All that a party is by itself, whoever owns it."""
    held = settled.held
    party = held.parties.get(held.ids[number])
    if party is None:
        yield unrecorded(held.ids[number])
        return
    if party.kind is PartyKind.PERSON and held.table.ownership is not None:
        yield from _of_person(held, party)
    elif not party.branch_of:
        yield by_headquarters(party, held.tier_of(party.headquarters), held.table, held.day)
    if held.listed[number]:
        names = {each.list for each in party.listings if held.counts(each.list) and each.holds_on(held.day)}
        yield from (_listed(party, name) for name in sorted(names))
    if party.hides_parent:
        yield with_hidden_parent(party)
    undisclosed = _undisclosed(settled, number, party)
    if undisclosed is not None:
        yield undisclosed
    if not settled.rooted[number]:
        text = f"the owners of {party.legal_name} only own each other in a circle"
        yield Fact(OPEN, "parent.circular", text)
    if number in settled.unsettled and settled.level[number] < THREE:
        text = f"what its owners own of {party.legal_name} through a circle could not be worked out"
        yield Fact(settled.level[number], "ownership.unsettled", text)


def told(held: Holdings, path: Sequence[int], length: int, fact: Fact) -> str:
    """A fact about the last party of a path, after the path where there is one; of a longer one both ends are given."""
    if length == 1:
        return fact.alone
    return f"{chain(held, path, length)}{fact.after or f', and {fact.alone}'}"


def chain(held: Holdings, path: Sequence[int], length: int) -> str:
    """The path: "Acme Inc (US) is owned 60 % by Acme Holding (SG), which is owned by Acme Group (CN)"."""
    left_out = length - 2 * _STEPS_AT_AN_END
    steps = list(pairwise(path))
    if left_out > 1:
        steps = [*steps[:_STEPS_AT_AN_END], *steps[-_STEPS_AT_AN_END:]]
    text = named(held.parties, held.ids[path[0]])
    for index, (lower, upper) in enumerate(steps):
        which = ", which " if index else " "
        if left_out > 1 and index == _STEPS_AT_AN_END:
            which = f", and so on through {left_out:,} more up to {named(held.parties, held.ids[lower])}, which "
        text += f"{which}{_tie(held, lower, upper)} {named(held.parties, held.ids[upper])}"
    return text


def named(parties: Mapping[str, Party], party_id: str) -> str:
    """A party for people: "Acme Holding (SG)"; one without a record by its id."""
    party = parties.get(party_id)
    if party is None:
        return party_id
    if party.headquarters:
        return f"{party.legal_name} ({party.headquarters})"
    if party.branch_of:
        return party.legal_name
    lacking = "residence unknown" if party.kind is PartyKind.PERSON else "headquarters unknown"
    return f"{party.legal_name} ({lacking})"


def _tie(held: Holdings, lower: int, upper: int) -> str:
    return f"is {tied(held, held.ids[lower], held.ids[upper])}"


def tied(held: Holdings, lower: str, upper: str) -> str:
    """What the upper party is to the lower one: "owned 60 % by", "a branch of"."""
    party = held.parties[lower]
    if party.branch_of == upper:
        return "a branch of"
    if held.table.ownership is None:
        return "owned by"
    holding = [each for each in party.interests if each.owner == upper and each.holds_on(held.day)]
    shares = [each.told for each in sorted(holding, key=_by_day)]
    return (
        f"owned {' and '.join(shares).replace('an unknown share', 'to an unknown extent')} by" if shares else "owned by"
    )


def _by_day(interest: Interest) -> tuple[date, date, str]:
    return interest.begins or date.min, interest.ends or date.max, interest.told


def unrecorded(party_id: str) -> Fact:
    """Of an owner that somebody named."""
    return Fact(OPEN, "party.missing", f"there is no record of {party_id}")


def without_parent(party: Party) -> Fact:
    """Of a party that says nothing about its owners."""
    return Fact(OPEN, "parent.unknown", f"nobody has said who owns {party.legal_name}, or why nobody does")


def with_hidden_parent(party: Party) -> Fact:
    """Of a party that has a parent and does not tell whom."""
    text = f"the parent of {party.legal_name} is not told ({party.no_parent_reason})"
    return Fact(OPEN, "parent.hidden", text)


def by_headquarters(party: Party, level: int, table: TierTable, day: date) -> Fact:
    """Of a company or a state; the level is that of its country on the day, by the table."""
    if not party.headquarters:
        return Fact(OPEN, "hq.unknown", f"nobody has recorded where {party.legal_name} is headquartered")
    if level == OPEN and _not_yet(table, party.headquarters, day):
        return _before_the_table(table, party, party.headquarters)
    if level == OPEN and party.headquarters in table.occupied:
        text = f"{party.headquarters}, where {party.legal_name} is headquartered, is held by others than its state"
        return Fact(OPEN, "hq.occupied", text)
    if level == OPEN:
        where = f"{party.headquarters}, which is no known country"
        return Fact(OPEN, "hq.unknown_country", f"the headquarters of {party.legal_name} are recorded in {where}")
    if state := table.partner_of(party.headquarters, day):
        where = f"headquartered in {party.headquarters}, which belongs to {state} and is {LEVELS[level]} by itself"
        return Fact(level, "hq.dependency", f"{party.legal_name} is {where}", f", {where}")
    alone = f"{party.legal_name} ({party.headquarters}) is headquartered in {LEVELS[level]}"
    return Fact(level, "hq", alone, f", headquartered in {LEVELS[level]}")


def _not_yet(table: TierTable, country: str, day: date) -> bool:
    return table.is_before(day) and country in table.countries


def _before_the_table(table: TierTable, party: Party, country: str) -> Fact:
    """Of a day about which the table says nothing."""
    text = f"the table of tiers begins on {table.begins}, and does not place {country} of {party.legal_name} before"
    return Fact(OPEN, "table.not_yet", text)


def _of_person(held: Holdings, party: Party) -> Iterator[Fact]:
    if party.headquarters:
        yield _of_country(held, party, party.headquarters, "person.residence", "resident")
    else:
        yield Fact(OPEN, "person.unknown", f"nobody has recorded where {party.legal_name} resides")
    for country in sorted(party.nationalities):
        yield _of_country(held, party, country, "person.nationality", "a national of a country")
    if not party.nationalities:
        yield Fact(OPEN, "person.unknown", f"nobody has recorded of what country {party.legal_name} is a national")


def _of_country(held: Holdings, party: Party, country: str, code: str, what: str) -> Fact:
    level = held.tier_of(country)
    if level == OPEN and _not_yet(held.table, country, held.day):
        return _before_the_table(held.table, party, country)
    if level == OPEN:
        where = f"{what} recorded as {country}, which is no known country"
        return Fact(OPEN, "person.unknown_country", f"{party.legal_name} is {where}", f", {where}")
    where = f"{what} in {LEVELS[level]}" + (f" ({country})" if country != party.headquarters else "")
    alone = f"{party.legal_name} ({party.headquarters or 'residence unknown'}) is {where}"
    return Fact(level, code, alone, f", {where}")


def _listed(party: Party, name: str) -> Fact:
    return Fact(THREE, "listed.own", f"{party.legal_name} is on the list {name}", f", which is on the list {name}")


def _undisclosed(settled: Settled, number: int, party: Party) -> Fact | None:
    """Where what nobody disclosed decides: alone, or with owners of the same level or a stricter one."""
    held, rest = settled.held, settled.held.undisclosed[number]
    if not rest:
        return None
    if not held.shares[number]:
        return None if party.hides_parent else without_parent(party)
    level = settled.undisclosed_level(number)
    if level is None:
        return None
    return hidden_share(held, number, level)


def hidden_share(held: Holdings, number: int, level: int) -> Fact:
    """Of a party whose owners are known in part, where the rest of them counts."""
    name, rest = held.parties[held.ids[number]].legal_name, percent_text(held.undisclosed[number])
    return Fact(level, "ownership.undisclosed", f"nobody has said who owns {rest} % of {name}")
