"""A statement as one picture: what was counted over the days against the limit, and where it leads. SVG, no scripts.

It stands on light and on dark pages: it brings its own ground, and turns dark where its reader prefers that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from gatekeeper.domain.units import format_flop
from gatekeeper.statements import Statement
from gatekeeper.statements.figures import percent_of

WIDTH, HEIGHT = 960, 440
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 96, 44
# A limit further above the picture than this is told in words: drawn, it would press everything into the floor.
LIMIT_IN_SIGHT = 25
# Colours that stay apart for colour-blind readers (Okabe and Ito, 2008), darkened or lightened for the ground.
_STYLE = """
.ground{fill:#ffffff;stroke:#d9dee3}.ink{fill:#1f2933}.soft{fill:#5f6b76}.grid{stroke:#e6eaee}
.high{fill:#0072b2;fill-opacity:.16}.highline{stroke:#0072b2}.best{stroke:#00875f}.carried{fill:#8a94a0;fill-opacity:.28}
.limit{stroke:#c74a00}.limittext{fill:#b54300}.ahead{stroke:#0072b2}.held{fill:#e69f00;fill-opacity:.55}
@media (prefers-color-scheme:dark){
.ground{fill:#14191f;stroke:#2c353e}.ink{fill:#e8edf2}.soft{fill:#9aa7b4}.grid{stroke:#262e36}
.high{fill:#56b4e9;fill-opacity:.20}.highline{stroke:#56b4e9}.best{stroke:#2fd3a0}.carried{fill:#9aa7b4;fill-opacity:.28}
.limit{stroke:#ff8a4c}.limittext{fill:#ff9d66}.ahead{stroke:#56b4e9}.held{fill:#f0b429;fill-opacity:.55}}
"""


@dataclass(frozen=True, slots=True)
class _Day:
    """Totals at the beginning of a day."""

    day: date
    best_tflop: int
    high_tflop: int


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: date
    end: date
    top_tflop: int

    def x(self, day: date) -> float:
        share = (day - self.begin) / (self.end - self.begin)
        return round(LEFT + min(share, 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, tflop: int) -> float:
        return round(HEIGHT - BOTTOM - min(tflop / self.top_tflop, 1.0) * (HEIGHT - TOP - BOTTOM), 1)


def draw(statement: Statement) -> str:
    """Draw a statement: all that stand under its limit together, since that is what the limit is about."""
    course = _course(statement)
    scale = _scale(statement, course)
    parts = [
        *_heading(statement),
        *_grid(scale),
        *_carried(scale, statement),
        *_today(scale, statement),
        *_counted(scale, course),
        *_held(scale, statement, course),
        *_ahead(scale, statement, course),
        *_limit(scale, statement),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{_text(_summary(statement))}" font-family="system-ui, sans-serif" font-size="12">\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _course(statement: Statement) -> list[_Day]:
    """Totals from the first day on to now, one for the beginning of each day; corrections on the day of proposal."""
    best: dict[date, int] = {}
    high: dict[date, int] = {}
    for entry in statement.days:
        best[entry.day] = best.get(entry.day, 0) + entry.usage.best_tflop
        high[entry.day] = high.get(entry.day, 0) + entry.usage.high_tflop
    for each in statement.corrections:
        if each.in_effect:
            day = each.proposed_at.date()
            best[day] = best.get(day, 0) + each.best_tflop
            high[day] = high.get(day, 0) + each.high_tflop
    today = statement.as_of.date()
    begin = min([*high, today])
    # What was settled before usage was kept by day stands at the beginning.
    total_best = statement.carried_in_tflop + sum(each.settled.best_tflop for each in statement.shared)
    best_so_far = total_best - sum(best.values())
    high_so_far = statement.carried_in_tflop + statement.settled_tflop - sum(high.values())
    course = [_Day(begin, best_so_far, high_so_far)]
    for number in range((today - begin).days + 1):
        day = begin + timedelta(days=number)
        best_so_far += best.get(day, 0)
        high_so_far += high.get(day, 0)
        course.append(_Day(day + timedelta(days=1), best_so_far, high_so_far))
    return course


def _scale(statement: Statement, course: Sequence[_Day]) -> _Scale:
    begin, now = course[0].day, course[-1].day
    lived_days = (now - begin).days
    projection, limit = statement.projection, statement.limit
    end = now + timedelta(days=max(10, lived_days // 3))
    if projection and projection.crossing and (projection.crossing - now).days <= max(90, 6 * lived_days):
        end = max(end, projection.crossing + timedelta(days=max(4, (projection.crossing - begin).days // 12)))
    peak = course[-1].high_tflop + statement.pending_tflop
    if projection:
        ahead = course[-1].high_tflop + projection.rate_tflop_per_day * (end - now).days
        peak = max(peak, min(ahead, limit.tflop if limit else ahead))
    top = max(peak, 1)
    if limit and limit.tflop <= LIMIT_IN_SIGHT * top:
        top = max(top, limit.tflop)
    return _Scale(begin, end, max(top * 27 // 25, 1))


def _heading(statement: Statement) -> Iterator[str]:
    title = statement.run.title if statement.run else "undeclared training"
    yield (
        f'<text class="ink" x="{LEFT}" y="34" font-size="18" font-weight="600">{_text(statement.run_id)}'
        f'<tspan class="soft" font-weight="400" dx="10">{_text(title)}</tspan></text>'
    )
    yield f'<text class="soft" x="{LEFT}" y="54">{_text(_summary(statement))}</text>'
    x = LEFT
    keys = [("highline", "counted (high)"), ("best", "best estimate"), ("ahead", "at this rate")]
    for kind, words in keys:
        dash = ' stroke-dasharray="5 4"' if kind == "ahead" else ""
        yield f'<path class="{kind}" d="M{x} 72h20" fill="none" stroke-width="2.5"{dash}/>'
        yield f'<text class="soft" x="{x + 26}" y="76">{words}</text>'
        x += 48 + 7 * len(words)
    boxes = [
        ("held", "held for running work", statement.pending_tflop),
        ("carried", "carried in", statement.carried_in_tflop),
    ]
    for kind, words, amount in boxes:
        if amount:
            yield f'<rect class="{kind}" x="{x}" y="66" width="14" height="12" rx="2"/>'
            yield f'<text class="soft" x="{x + 20}" y="76">{words}</text>'
            x += 40 + 7 * len(words)


def _summary(statement: Statement) -> str:
    """One line that says what the picture says."""
    counted = f"high {format_flop(statement.carried_in_tflop + statement.settled_tflop)}"
    if not statement.purpose.counts:
        return f"{counted}; {statement.purpose.value}, which counts against no limit"
    if statement.limit is None or statement.projection is None:
        return f"{counted}; no limit applies to {statement.customer_id}"
    crossing = statement.projection.crossing
    leads = f"reaches it on {crossing} at this rate" if crossing else "does not reach it within ten years at this rate"
    return f"{counted}; {percent_of(statement)} % of the limit used or held; {leads}"


def _grid(scale: _Scale) -> Iterator[str]:
    for amount in _round_steps(scale.top_tflop):
        y = scale.y(amount)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        label = format_flop(amount, digits=2).removesuffix(" FLOP")
        yield f'<text class="soft" x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{label}</text>'
    yield f'<text class="soft" x="{LEFT - 10}" y="{TOP - 10}" text-anchor="end">FLOP</text>'
    for day in _round_days(scale.begin, scale.end):
        x = scale.x(day)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 5}"/>'
        yield f'<text class="soft" x="{x}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{day:%Y-%m-%d}</text>'


def _carried(scale: _Scale, statement: Statement) -> Iterator[str]:
    if statement.carried_in_tflop:
        y = scale.y(statement.carried_in_tflop)
        height = round(HEIGHT - BOTTOM - y, 1)
        width = round(scale.x(statement.as_of.date() + timedelta(days=1)) - LEFT, 1)
        yield f'<rect class="carried" x="{LEFT}" y="{y}" width="{width}" height="{height}"/>'


def _counted(scale: _Scale, course: Sequence[_Day]) -> Iterator[str]:
    high = " L".join(f"{scale.x(each.day)} {scale.y(each.high_tflop)}" for each in course)
    best = " L".join(f"{scale.x(each.day)} {scale.y(each.best_tflop)}" for each in course)
    floor = HEIGHT - BOTTOM
    yield f'<path class="high" d="M{LEFT} {floor} L{high} L{scale.x(course[-1].day)} {floor}Z"/>'
    yield f'<path class="best" d="M{best}" fill="none" stroke-width="2" stroke-linejoin="round"/>'
    yield f'<path class="highline" d="M{high}" fill="none" stroke-width="2.5" stroke-linejoin="round"/>'


def _today(scale: _Scale, statement: Statement) -> Iterator[str]:
    x = scale.x(statement.as_of.date() + timedelta(days=1))
    yield f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP + 8}" y2="{HEIGHT - BOTTOM}" stroke-dasharray="2 3"/>'
    anchor, gap = ("end", -6) if x > WIDTH * 0.85 else ("start", 6)
    yield f'<text class="soft" x="{x + gap}" y="{HEIGHT - BOTTOM - 8}" text-anchor="{anchor}">today</text>'


def _held(scale: _Scale, statement: Statement, course: Sequence[_Day]) -> Iterator[str]:
    if statement.pending_tflop:
        counted = course[-1].high_tflop
        x, upper = scale.x(course[-1].day), scale.y(counted + statement.pending_tflop)
        height = round(max(scale.y(counted) - upper, 1.0), 1)
        yield f'<rect class="held" x="{x - 5}" y="{upper}" width="10" height="{height}" rx="2"/>'


def _ahead(scale: _Scale, statement: Statement, course: Sequence[_Day]) -> Iterator[str]:
    projection, limit, last = statement.projection, statement.limit, course[-1]
    if projection is None or limit is None or not projection.rate_tflop_per_day or last.high_tflop >= limit.tflop:
        return
    crossing, end = projection.crossing, scale.end
    if crossing is not None and last.day < crossing <= scale.end:
        end, reached = crossing, limit.tflop
    else:
        reached = last.high_tflop + projection.rate_tflop_per_day * (end - last.day).days
    x, y = scale.x(end), scale.y(reached)
    yield (
        f'<path class="ahead" d="M{scale.x(last.day)} {scale.y(last.high_tflop)} L{x} {y}" fill="none" '
        'stroke-width="2" stroke-dasharray="5 4"/>'
    )
    if crossing == end and reached == limit.tflop:
        anchor = "end" if x > WIDTH * 0.9 else "middle"
        yield f'<circle class="limittext" cx="{x}" cy="{y}" r="4.5"/>'
        yield f'<text class="ink" x="{x}" y="{y - 11}" text-anchor="{anchor}" font-weight="600">{crossing}</text>'


def _limit(scale: _Scale, statement: Statement) -> Iterator[str]:
    limit = statement.limit
    if limit is None:
        return
    words = f"limit {format_flop(limit.effective_tflop)}, {limit.pack} ({limit.mode.value})"
    if limit.tflop > scale.top_tflop:
        times = limit.tflop // scale.top_tflop
        yield (
            f'<text class="limittext" x="{WIDTH - RIGHT}" y="{TOP - 10}" text-anchor="end">'
            f"{_text(words)}: {times:,} times as high as this picture</text>"
        )
        return
    y = scale.y(limit.tflop)
    crossing = statement.projection.crossing if statement.projection else None
    # The date of the crossing stands on the line: its name keeps to the other end.
    left = crossing is None or scale.x(crossing) > WIDTH / 2
    x, anchor = (LEFT + 8, "start") if left else (WIDTH - RIGHT - 8, "end")
    yield (
        f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke-width="2"/>'
        f'<text class="limittext" x="{x}" y="{y - 7}" text-anchor="{anchor}">{_text(words)}</text>'
    )


def _round_steps(top_tflop: int) -> list[int]:
    """Three to six round steps above 0."""
    unit = 10 ** (len(str(top_tflop)) - 1)
    steps = (max(unit * each // 20, 1) for each in (1, 2, 4, 5, 10, 20, 40, 100))
    step = next(each for each in steps if top_tflop // each <= 6)
    return list(range(step, top_tflop + 1, step))


def _round_days(begin: date, end: date) -> list[date]:
    """At most eight days, evenly apart, none of them twice."""
    span = (end - begin).days
    step = max(1, -(-span // 7))
    return [begin + timedelta(days=each) for each in range(0, span - step // 3, step)]


def _text(words: str) -> str:
    """A text of others as the content of an element or attribute; what cannot be seen is left out."""
    return escape("".join(each for each in words if each.isprintable()))
