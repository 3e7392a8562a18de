"""Holdings: who owns and controls whom on one day, by numbers in place of ids, as the cascade reads it.

Only what is in force on the day is in it. An owner that nobody has a record of has a number too: it is unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from gatekeeper.domain.interest import WHOLE
from gatekeeper.domain.ownership import HALF
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.tier import Tier, TierTable

LEVELS = tuple(Tier)
ONE, TWO, OPEN, THREE = range(4)  # places in LEVELS; OPEN is unresolved


class Holdings:
    """The parties of `ids` and all their owners, upward.

    Attributes, one entry for each number:
        ids: the party's id; numbers: the way back.
        own: the place in LEVELS that a party has by itself, whoever owns it.
        listed: whether it stands on a list that counts.
        rooted: whether it needs nobody above it: no owner is known, or it has a reason for having no parent.
        control: numbers of its parents, or of its head office where it is a branch; is_branch: which of the two.
        shares: (number of the owner, most that it owns in millionths of a percent); an unknown most is half, or what
            a rule asks for where that is more.
        undisclosed: the share of which nobody has said who owns it; 0 where parents are named or explained away.
        above: numbers of all its owners, each once.
    """

    def __init__(self, parties: Mapping[str, Party], ids: Iterable[str], table: TierTable, day: date) -> None:
        self.parties, self.table, self.day = parties, table, day
        rules = table.ownership
        self.lists = rules.lists if rules else frozenset[str]()
        self.list_share = rules.listed.share_on(day) if rules else None
        self.house_share = rules.house.share_on(day) if rules else None
        self._unknown = max(HALF, self.list_share or 0, self.house_share or 0)
        self.ids = list(dict.fromkeys(ids))
        self.numbers = {each: number for number, each in enumerate(self.ids)}
        self.own: list[int] = []
        self.listed: list[bool] = []
        self.rooted: list[bool] = []
        self.control: list[tuple[int, ...]] = []
        self.is_branch: list[bool] = []
        self.shares: list[tuple[tuple[int, int], ...]] = []
        self.undisclosed: list[int] = []
        self.above: list[tuple[int, ...]] = []
        self._by_country: dict[str, int] = {}
        self._fill()

    def _fill(self) -> None:
        """Take in all parties that have a number and no entries yet, and whoever they name."""
        while len(self.own) < len(self.ids):
            self.own.append(OPEN)
            self.listed.append(False)
            self.rooted.append(True)
            self.control.append(())
            self.is_branch.append(False)
            self.shares.append(())
            self.undisclosed.append(0)
            self.above.append(())
            self._read(len(self.own) - 1)

    def replace(self, party_id: str) -> None:
        """Read a party again from the mapping that this was built from."""
        number = self._number(party_id)
        if number < len(self.own):
            self._read(number)
        self._fill()

    def _read(self, number: int) -> None:
        party = self.parties.get(self.ids[number])
        if party is None:
            self.own[number], self.listed[number], self.rooted[number] = OPEN, False, True
            self.control[number], self.shares[number], self.undisclosed[number], self.above[number] = (), (), 0, ()
            self.is_branch[number] = False
            return
        control = (party.branch_of,) if party.branch_of else party.parents
        self.is_branch[number] = bool(party.branch_of)
        self.control[number] = tuple(map(self._number, control)) if control else ()
        self.shares[number] = self._shares(party) if party.interests else ()
        self.undisclosed[number] = self._undisclosed(party)
        self.listed[number] = bool(party.listings) and self.is_listed(party)
        self.own[number] = THREE if self.listed[number] else self._own(party, self.undisclosed[number])
        owners = self.control[number]
        if self.shares[number]:
            owners = tuple(dict.fromkeys((*owners, *(owner for owner, _ in self.shares[number]))))
        self.above[number] = owners
        self.rooted[number] = not owners or party.is_without_parent

    def _number(self, party_id: str) -> int:
        number = self.numbers.get(party_id)
        if number is None:
            number = self.numbers[party_id] = len(self.ids)
            self.ids.append(party_id)
        return number

    def _shares(self, party: Party) -> tuple[tuple[int, int], ...]:
        if self.table.ownership is None:
            return ()
        return tuple(
            (self._number(each.owner), max(self._unknown, each.least) if each.most is None else each.most)
            for each in party.interests
            if each.holds_on(self.day)
        )

    def _undisclosed(self, party: Party) -> int:
        if party.parents or party.branch_of or party.is_without_parent:
            return 0
        if self.table.ownership is None:
            return WHOLE
        if party.kind is not PartyKind.ORG:
            return 0
        return WHOLE - sum(each.least for each in party.interests if each.holds_on(self.day))

    def is_listed(self, party: Party) -> bool:
        """Whether a party stands on a list that counts, on the day."""
        return any(self.counts(each.list) and each.holds_on(self.day) for each in party.listings)

    def counts(self, name: str) -> bool:
        """Whether the rules name a list."""
        return self.lists is None or name in self.lists

    def _own(self, party: Party, undisclosed: int) -> int:
        """What a party is by itself: by its headquarters, its residence and nationalities, or by what nobody said."""
        if party.branch_of:
            return ONE
        level = self.tier_of(party.headquarters)
        if party.kind is PartyKind.PERSON and self.table.ownership is not None:
            level = max(level, *map(self.tier_of, party.nationalities or ("",)))
        return max(level, OPEN) if undisclosed >= HALF or party.hides_parent else level

    def tier_of(self, country: str) -> int:
        """Place in LEVELS of a country on the day."""
        level = self._by_country.get(country)
        if level is None:
            level = self.table.tier_of(country, self.day).strictness if country else OPEN
            self._by_country[country] = level
        return level
