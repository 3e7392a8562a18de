"""The strict part of a changed party: the wanted one as far as nothing of it is milder than what stands there.

Owners, shares, listings, nationalities and names may come and grow; what would go, shrink or end stays until two people
have looked. Nobody walks off a list by another name: the name in force stays, and a new one stands beside it as one
more to be compared. An LEI and a jurisdiction that nobody gave may be filled in, and are not changed. A share that
waits to be taken out keeps its upper bound and loses its lower one, so that the buyer's share fits beside it: whether
the seller still owns it is then an open question, and its answer can only be milder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from gatekeeper.domain.interest import WHOLE, Interest
from gatekeeper.domain.ownership import HALF
from gatekeeper.domain.party import OTHER_NAMES_MAX, Listing, Party, PartyKind

AtLeast = Callable[[str, str], bool]


def stricter_of(before: Party, wanted: Party, at_least: AtLeast) -> Party:
    """The party to write at once. `at_least` says whether a country is as strict as another, now and later."""
    if wanted.kind is not before.kind or wanted.branch_of != before.branch_of:
        # Another kind is judged otherwise, and a branch by somebody else: neither is stricter for sure.
        return before
    # Who owns it is an open question where nobody has said so: any answer may be milder than that.
    is_open = not before.parents and not before.is_without_parent and before.kind is PartyKind.ORG
    parents = () if is_open else tuple(sorted({*before.parents, *wanted.parents}))
    stricter = at_least(wanted.headquarters, before.headquarters)
    return replace(
        wanted,
        headquarters=wanted.headquarters if stricter else before.headquarters,
        parents=parents,
        no_parent_reason="" if parents else (wanted if before.is_without_parent else before).no_parent_reason,
        interests=_interests(before, wanted, is_open=is_open),
        listings=_listings(before.listings, wanted.listings),
        nationalities=_nationalities(before, wanted, at_least),
        legal_name=before.legal_name,
        other_names=_other_names(before, wanted),
        lei=before.lei or wanted.lei,
        jurisdiction=before.jurisdiction or wanted.jurisdiction,
    )


def _other_names(before: Party, wanted: Party) -> tuple[str, ...]:
    """All names beside the one in force. Of more than a party has room for the rest waits, and is compared as well."""
    new = sorted({wanted.legal_name, *wanted.other_names} - {before.legal_name, *before.other_names})
    return tuple(sorted((*before.other_names, *new[: OTHER_NAMES_MAX - len(before.other_names)])))


def _interests(before: Party, wanted: Party, *, is_open: bool) -> tuple[Interest, ...]:
    new = {(each.owner, each.begins): each for each in wanted.interests}
    found = []
    for old in before.interests:
        each = new.pop((old.owner, old.begins), None)
        if each is not None and _covers(each, old):
            # What is undisclosed may not shrink by one hand: the lower bounds tell how much that is.
            found.append(replace(each, least=min(each.least, old.least)) if is_open else each)
        else:
            found.append(_upper_bound(old))
    found += [_upper_bound(each) if is_open else each for each in new.values()]
    return tuple(sorted(found, key=lambda each: (each.owner, each.begins or date.min)))


def _covers(new: Interest, old: Interest) -> bool:
    """Whether a share is no smaller and ends no earlier, whatever an unknown one counts as."""
    if (new.ends or date.max) < (old.ends or date.max):
        return False
    if new.most is None:
        return old.most is None or old.most <= HALF
    return new.most == WHOLE or (old.most is not None and new.most >= old.most)


def _upper_bound(each: Interest) -> Interest:
    """All that a share may be, without what it must be."""
    most = WHOLE if each.most is None and each.least > HALF else each.most
    return replace(each, least=0, most=most)


def _listings(before: tuple[Listing, ...], wanted: tuple[Listing, ...]) -> tuple[Listing, ...]:
    found = {(each.list, each.begins): each for each in wanted}
    for old in before:
        key = old.list, old.begins
        new = found.get(key)
        if new is None or (new.ends or date.max) < (old.ends or date.max):
            found[key] = old
    return tuple(sorted(found.values(), key=lambda each: (each.list, each.begins or date.min)))


def _nationalities(before: Party, wanted: Party, at_least: AtLeast) -> tuple[str, ...]:
    if before.nationalities:
        return tuple(sorted({*before.nationalities, *wanted.nationalities}))
    # Not known is unresolved: any one that is as strict keeps it so.
    return wanted.nationalities if any(at_least(each, "") for each in wanted.nationalities) else ()
