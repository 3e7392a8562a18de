"""What the log says of a pack so that others can recompute limits from it: its days, threshold, allowances and rules.

One shape, written and read here. Texts and sources stay in the pack, which the record names by its SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from gatekeeper.domain.allowances import Allowances, FineTuning, PublishedBase, SyntheticData
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import Action, Cells, InquiryKind, InquiryTerms, Pack, Rule, rule_among
from gatekeeper.domain.record import JsonValue
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.domain.threshold import Floor, Threshold
from gatekeeper.domain.tier import Tier

_SOURCE = "the log"


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a pack limits hang on; each means what it means in `Pack`. Records of before packs could ask several
    questions hold none of them: `inquiries` is empty there, though rules name the one there was."""

    effective_from: date
    effective_to: date | None
    threshold: Threshold | None
    allowances: Allowances
    rules: tuple[Rule, ...]
    inquiries: tuple[InquiryTerms, ...] = ()

    def holds_on(self, day: date) -> bool:
        """Whether the regime is in effect on a day."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)

    def rule_for(self, tier: Tier, site: Site, site_tier: Tier) -> Rule | None:
        """The first rule that applies."""
        return rule_among(self.rules, tier, site, site_tier)


def terms_json(pack: Pack) -> dict[str, JsonValue]:
    """The terms of a pack as a record holds them."""
    return {
        "effective_from": pack.effective_from.isoformat(),
        "effective_to": pack.effective_to.isoformat() if pack.effective_to else None,
        "threshold": None if pack.threshold is None else _threshold_json(pack.threshold),
        "allowances": _allowances_json(pack.allowances),
        "rules": [_rule_json(each) for each in pack.rules],
        "inquiries": [_inquiry_json(each) for each in pack.inquiries],
    }


def terms_of(value: object) -> Terms:
    """The terms that a record holds.

    Raises:
        InvalidInput: it is none.
    """
    try:
        fields = _object(value)
        end = fields["effective_to"]
        return Terms(
            effective_from=date.fromisoformat(_text(fields["effective_from"])),
            effective_to=None if end is None else date.fromisoformat(_text(end)),
            threshold=None if fields["threshold"] is None else _threshold_of(_object(fields["threshold"])),
            allowances=_allowances_of(_object(fields["allowances"])),
            rules=tuple(_rule_of(_object(each)) for each in _list(fields["rules"])),
            inquiries=tuple(_inquiry_of(_object(each)) for each in _list(fields.get("inquiries", ()))),
        )
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"These are not the terms of a policy pack: {error}.") from error


def site_json(site: Site) -> dict[str, JsonValue]:
    """The site that a pack is applied to as a record holds it."""
    return {"country": site.country, "chip_authorization": site.chip_authorization.value}


def site_of(value: object) -> Site:
    """The site that a record holds.

    Raises:
        InvalidInput: it is none.
    """
    try:
        fields = _object(value)
        return Site(str(fields.get("country") or ""), ChipAuthorization(_text(fields["chip_authorization"])))
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"This is no site: {error}.") from error


def _threshold_json(threshold: Threshold) -> dict[str, JsonValue]:
    return {
        "amount_tflop": str(threshold.amount_tflop),
        "op": "reached" if threshold.reached_is_controlled else "exceeded",
        "floors": [
            {"from": each.effective_from.isoformat(), "amount_tflop": str(each.amount_tflop)}
            for each in threshold.floors
        ],
    }


def _threshold_of(fields: Mapping[str, object]) -> Threshold:
    floors = (_object(each) for each in _list(fields["floors"]))
    return Threshold(
        amount_tflop=int(_text(fields["amount_tflop"])),
        reached_is_controlled={"reached": True, "exceeded": False}[_text(fields["op"])],
        source=_SOURCE,
        floors=tuple(
            Floor(int(_text(each["amount_tflop"])), date.fromisoformat(_text(each["from"])), _SOURCE) for each in floors
        ),
    )


def _allowances_json(allowances: Allowances) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    if (base := allowances.published_base) is not None:
        found["published_base"] = {"extra_tflop": str(base.extra_tflop), "percent": base.percent_of_threshold}
    if (tuning := allowances.fine_tuning) is not None:
        chips: list[JsonValue] = [each.value for each in sorted(tuning.authorizations)]
        rules: dict[str, JsonValue] = {} if tuning.rules is None else {"rules": _sorted(tuning.rules)}
        found["fine_tuning"] = {"percent": tuning.percent_of_base, "chip_authorizations": chips, **rules}
    if (data := allowances.synthetic_data) is not None:
        trained: dict[str, JsonValue] = {} if data.counts_training else {"counts_training": False}
        found["synthetic_data"] = {"above_percent": data.above_percent, **trained}
    return found


def _allowances_of(fields: Mapping[str, object]) -> Allowances:
    base = tuning = data = None
    if "published_base" in fields:
        each = _object(fields["published_base"])
        base = PublishedBase(int(_text(each["extra_tflop"])), _number(each["percent"]), _SOURCE)
    if "fine_tuning" in fields:
        each = _object(fields["fine_tuning"])
        chips = frozenset(ChipAuthorization(_text(chip)) for chip in _list(each["chip_authorizations"]))
        rules = frozenset(_text(it) for it in _list(each["rules"])) if "rules" in each else None
        tuning = FineTuning(_number(each["percent"]), chips, _SOURCE, rules)
    if "synthetic_data" in fields:
        each = _object(fields["synthetic_data"])
        trained = each.get("counts_training", True) is not False
        data = SyntheticData(_number(each["above_percent"]), _SOURCE, trained)
    return Allowances(base, tuning, data)


def _rule_json(rule: Rule) -> dict[str, JsonValue]:
    return {
        "code": rule.code,
        "tiers": _sorted(each.value for each in rule.tiers),
        "action": rule.action.value,
        "beyond": rule.beyond.value,
        "inquiries": _texts(rule.inquiries),
        **_cells_json(Cells(None, rule.authorizations, rule.countries, rule.site_tiers)),
    }


def _inquiry_json(inquiry: InquiryTerms) -> dict[str, JsonValue]:
    tiers = inquiry.when.tiers
    return {
        "id": inquiry.id,
        "kind": inquiry.kind.value,
        "asks": inquiry.asks,
        "source": inquiry.source,
        "tiers": None if tiers is None else _sorted(each.value for each in tiers),
        **_cells_json(inquiry.when),
    }


def _inquiry_of(fields: Mapping[str, object]) -> InquiryTerms:
    tiers, when = fields["tiers"], _cells_of(fields)
    if tiers is not None:
        when = replace(when, tiers=frozenset(Tier(_text(each)) for each in _list(tiers)))
    kind = InquiryKind(_text(fields["kind"]))
    return InquiryTerms(_text(fields["id"]), kind, _text(fields["asks"]), _text(fields["source"]), when)


def _cells_json(cells: Cells) -> dict[str, JsonValue]:
    return {
        "chip_authorizations": None if cells.authorizations is None else _sorted(cells.authorizations),
        "countries": None if cells.countries is None else _sorted(cells.countries),
        "data_centre_tiers": None if cells.site_tiers is None else _sorted(each.value for each in cells.site_tiers),
    }


def _cells_of(fields: Mapping[str, object]) -> Cells:
    chips, countries, site_tiers = fields["chip_authorizations"], fields["countries"], fields["data_centre_tiers"]
    return Cells(
        authorizations=None if chips is None else frozenset(ChipAuthorization(_text(each)) for each in _list(chips)),
        countries=None if countries is None else frozenset(_text(each) for each in _list(countries)),
        site_tiers=None if site_tiers is None else frozenset(Tier(_text(each)) for each in _list(site_tiers)),
    )


def _rule_of(fields: Mapping[str, object]) -> Rule:
    where = _cells_of(fields)
    # Until 2026-11-22 a rule named one question or none.
    asked = fields["inquiries"] if "inquiries" in fields else [it for it in (fields["inquiry"],) if it is not None]
    return Rule(
        tiers=frozenset(Tier(_text(each)) for each in _list(fields["tiers"])),
        action=Action(_text(fields["action"])),
        code=_text(fields["code"]),
        text="",
        source=_SOURCE,
        authorizations=where.authorizations,
        countries=where.countries,
        site_tiers=where.site_tiers,
        beyond=Action(_text(fields["beyond"])),
        inquiries=tuple(_text(each) for each in _list(asked)),
    )


def _texts(values: Iterable[str]) -> list[JsonValue]:
    found: list[JsonValue] = [str(each) for each in values]
    return found


def _sorted(values: Iterable[str]) -> list[JsonValue]:
    found: list[JsonValue] = [str(each) for each in sorted(values)]
    return found


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r:.80} is no object")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r:.80} is no list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.80} is no text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r:.80} is no whole number")
    return value
