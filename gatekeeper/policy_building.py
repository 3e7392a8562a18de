"""From the format of a pack.yaml to the values of the domain."""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.country_files import COUNTRIES_FILE
from gatekeeper.domain.allowances import Allowances, FineTuning, PublishedBase, SyntheticData
from gatekeeper.domain.country import CountryTable
from gatekeeper.domain.interest import PERCENT_1
from gatekeeper.domain.ownership import Ownership, ShareRule, Span
from gatekeeper.domain.policy import Action, Cells, InquiryTerms, LeaseTerms, Pack, Rule
from gatekeeper.domain.threshold import Floor, Threshold
from gatekeeper.domain.tier import Tier, TierRow, TierTable
from gatekeeper.domain.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MINUTE, parse_flop
from gatekeeper.policy_format import FineTuningPart, InquiryPart, PackFile, RulePart, ShareRulePart, TierRowPart
from gatekeeper.yaml_files import Document, Place


def sources_of(file: PackFile) -> dict[str, str]:
    """Citation of a pack -> how it is told."""
    return {each.id: f"{each.document} ({each.date})" for each in file.citations}


class PackBuilder:
    """Turns a pack.yaml into the values of the domain; every refusal of the domain gets its place in the file."""

    def __init__(self, document: Document, countries: CountryTable) -> None:
        self._document = document
        self._countries = countries
        self._file = document.check(PackFile)
        self._sources = sources_of(self._file)

    def pack(self, sha256: str) -> Pack:
        file = self._file
        self._once(((each.id, ("citations", index)) for index, each in enumerate(file.citations)), "citation")
        self._once(((each.code, ("rules", index)) for index, each in enumerate(file.rules)), "rule")
        self._once(((each.id, ("inquiries", index)) for index, each in enumerate(file.inquiries)), "inquiry")
        tiers, threshold, lease = self._tiers(), self._threshold(), self._lease()
        allowances, inquiries = self._allowances(), self._inquiries()
        rules = tuple(self._rule(each, ("rules", index)) for index, each in enumerate(file.rules))
        if file.effective_to is not None and file.effective_to <= file.effective_from:
            raise self._document.error(("effective_to",), f"The pack ends before it begins, on {file.effective_from}.")
        with self._document.at():
            return Pack(
                id=file.id,
                version=file.version,
                title=file.title,
                legal_status=file.legal_status,
                default_mode=file.default_mode,
                tiers=tiers,
                threshold=threshold,
                rules=rules,
                lease=lease,
                warn_percent=file.warn_percent,
                remedy=file.remedy,
                citations=tuple(f"{each.document} ({each.date}): {each.says}" for each in file.citations),
                sha256=sha256,
                effective_from=file.effective_from,
                effective_to=file.effective_to,
                allowances=allowances,
                inquiries=inquiries,
            )

    def _tiers(self) -> TierTable:
        rows: dict[str, list[TierRow]] = {}
        for index, part in enumerate(self._file.tiers.rows):
            place: Place = ("tiers", "rows", index)
            self._once(((code, (*place, "countries")) for code in part.countries), "country")
            for position, code in enumerate(part.countries):
                self._known(code, (*place, "countries", position))
                rows.setdefault(code, []).append(self._tier_row(part, code, place))
        with self._document.at("tiers"):
            by_country = {code: tuple(each) for code, each in rows.items()}
            first = min((each.effective_from for each in self._file.tiers.rows), default=None)
            return TierTable(
                by_country,
                Tier(self._file.tiers.otherwise),
                self._countries.codes,
                parents=self._countries.parents,
                occupied=self._countries.occupied,
                ownership=self._ownership(),
                begins=self._file.tiers.begins or first,
            )

    def _ownership(self) -> Ownership:
        part = self._file.ownership
        lists = None if part.lists is None else frozenset(part.lists)
        return Ownership(lists, self._share_rule(part.listed, "listed"), self._share_rule(part.house, "house"))

    def _share_rule(self, part: ShareRulePart, name: str) -> ShareRule:
        if part.in_force is None:
            return ShareRule(part.share_percent * PERCENT_1)
        spans = []
        for index, each in enumerate(part.in_force):
            place: Place = ("ownership", name, "in_force", index)
            if each.source is not None:
                self._source(each.source, place)
            with self._document.at(*place):
                spans.append(Span(each.effective_from, each.effective_to))
        return ShareRule(part.share_percent * PERCENT_1, tuple(spans))

    def _tier_row(self, part: TierRowPart, code: str, place: Place) -> TierRow:
        source = self._source(part.source, place)
        with self._document.at(*place):
            return TierRow(code, Tier(part.tier), part.effective_from, part.effective_to, source)

    def _threshold(self) -> Threshold | None:
        part = self._file.threshold
        if part is None:
            return None
        source, floors = self._source(part.source, ("threshold",)), []
        for index, each in enumerate(part.floors):
            place: Place = ("threshold", "floors", index)
            floor_source = self._source(each.source, place)
            with self._document.at(*place, "amount"):
                floors.append(Floor(parse_flop(each.amount), each.effective_from, floor_source))
            with self._document.at(*place):
                Threshold(1, reached_is_controlled=True, source=source, floors=tuple(floors))  # is it a ratchet so far?
        with self._document.at("threshold", "amount"):
            amount_tflop = parse_flop(part.amount)
            return Threshold(
                amount_tflop, reached_is_controlled=part.op == "reached", source=source, floors=tuple(floors)
            )

    def _allowances(self) -> Allowances:
        part, place = self._file.allowances, "allowances"
        base = tuning = data = None
        if part.published_base is not None:
            source = self._source(part.published_base.source, (place, "published_base"))
            with self._document.at(place, "published_base", "extra"):
                extra_tflop = parse_flop(part.published_base.extra)
            base = PublishedBase(extra_tflop, part.published_base.percent_of_threshold, source)
        if part.fine_tuning is not None:
            source = self._source(part.fine_tuning.source, (place, "fine_tuning"))
            chips = frozenset(part.fine_tuning.chip_authorizations)
            tuning = FineTuning(part.fine_tuning.percent_of_base, chips, source, self._excepted(part.fine_tuning))
        if part.synthetic_data is not None:
            source = self._source(part.synthetic_data.source, (place, "synthetic_data"))
            trained = part.synthetic_data.training_of_models == "counted"
            data = SyntheticData(part.synthetic_data.above_percent, source, trained)
        return Allowances(base, tuning, data)

    def _excepted(self, part: FineTuningPart) -> frozenset[str] | None:
        known = {each.code for each in self._file.rules}
        for index, code in enumerate(part.rules or ()):
            if code not in known:
                place: Place = ("allowances", "fine_tuning", "rules", index)
                raise self._document.error(place, f"{code!r} is the code of no rule of this pack.")
        return None if part.rules is None else frozenset(part.rules)

    def _inquiries(self) -> tuple[InquiryTerms, ...]:
        return tuple(self._inquiry(each, ("inquiries", index)) for index, each in enumerate(self._file.inquiries))

    def _inquiry(self, part: InquiryPart, place: Place) -> InquiryTerms:
        when, countries = part.when, part.when.data_centre_countries
        for position, code in enumerate(countries or ()):
            self._known(code, (*place, "when", "data_centre_countries", position))
        cells = Cells(
            tiers=_tiers(when.tiers),
            authorizations=None if when.chip_authorizations is None else frozenset(when.chip_authorizations),
            countries=None if countries is None else frozenset(countries),
            site_tiers=_tiers(when.data_centre_tiers),
        )
        return InquiryTerms(part.id, part.kind, part.asks, self._source(part.source, place), cells)

    def _asked(self, part: RulePart, place: Place) -> tuple[str, ...]:
        if part.inquiry is not None and part.inquiries is not None:
            raise self._document.error((*place, "inquiry"), "say either inquiry or inquiries.")
        asked, known = part.inquiries or (part.inquiry,), {each.id for each in self._file.inquiries}
        found = tuple(each for each in asked if each is not None)
        for each in found:
            if each not in known:
                where = "inquiry" if part.inquiry is not None else "inquiries"
                raise self._document.error((*place, where), f"{each!r} is the id of no inquiry of this pack.")
        return found

    def _rule(self, part: RulePart, place: Place) -> Rule:
        countries = part.data_centre_countries
        for position, code in enumerate(countries or ()):
            self._known(code, (*place, "data_centre_countries", position))
        asked = self._asked(part, place)
        if part.beyond is not None and part.action is not Action.BUDGET:
            raise self._document.error((*place, "beyond"), "only a budget has something beyond it.")
        source = self._source(part.source, place)
        with self._document.at(*place):
            return Rule(
                tiers=frozenset(Tier(each) for each in part.tiers),
                action=part.action,
                code=part.code,
                text=part.text,
                source=source,
                authorizations=None if part.chip_authorizations is None else frozenset(part.chip_authorizations),
                countries=None if countries is None else frozenset(countries),
                site_tiers=_tiers(part.data_centre_tiers),
                beyond=Action(part.beyond or "deny"),
                inquiries=asked,
            )

    def _lease(self) -> LeaseTerms:
        part = self._file.lease
        with self._document.at("lease"):
            return LeaseTerms(_seconds(part.shortest), _seconds(part.longest), part.share_percent)

    def _source(self, citation: str, place: Place) -> str:
        if citation not in self._sources:
            raise self._document.error((*place, "source"), f"{citation!r} is the id of no citation of this pack.")
        return self._sources[citation]

    def _known(self, code: str, place: Place) -> None:
        if code not in self._countries.codes:
            raise self._document.error(place, f"{self._countries.refusal(code)} {COUNTRIES_FILE} has the codes.")

    def _once(self, names: Iterable[tuple[str, Place]], what: str) -> None:
        seen: set[str] = set()
        for name, place in names:
            if name in seen:
                raise self._document.error(place, f"{what} {name!r} stands twice.")
            seen.add(name)


def _tiers(named: Iterable[str] | None) -> frozenset[Tier] | None:
    return None if named is None else frozenset(Tier(each) for each in named)


def _seconds(span: str) -> int:
    unit_s = {"s": 1, "m": SECONDS_PER_MINUTE, "h": SECONDS_PER_HOUR, "d": SECONDS_PER_DAY}
    return int(span[:-1]) * unit_s[span[-1]]
