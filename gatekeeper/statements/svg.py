"""A statement as one picture: what was counted over the days against the limit, and where it leads. SVG, no scripts.

It stands on light and on dark pages: it brings its own ground, and turns dark where its reader prefers that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape

from gatekeeper.domain.projection import Projection
from gatekeeper.domain.units import SECONDS_PER_DAY, format_flop
from gatekeeper.statements import Statement
from gatekeeper.statements.figures import percent_of
from gatekeeper.statements.words import below, last_day, leads, upper

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
class _Point:
    """Totals at a moment: the beginning of a day, or now."""

    at: datetime
    best_tflop: int
    high_tflop: int


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: datetime
    end: datetime
    top_tflop: int

    def x(self, moment: datetime) -> float:
        share = (moment - self.begin) / (self.end - self.begin)
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


def _course(statement: Statement) -> list[_Point]:
    """Totals from the first day on to now, one for the beginning of each day; corrections on the day of proposal."""
    today = statement.as_of.date()
    best: dict[date, int] = {}
    high: dict[date, int] = {}
    for entry in statement.days:
        best[entry.day] = best.get(entry.day, 0) + entry.usage.best_tflop
        high[entry.day] = high.get(entry.day, 0) + entry.usage.high_tflop
    for each in statement.corrections:
        if each.in_effect:
            day = min(each.proposed_at.date(), today)
            best[day] = best.get(day, 0) + each.best_tflop
            high[day] = high.get(day, 0) + each.high_tflop
    begin = min([*high, today])
    # What was settled without a day stands at the beginning.
    total_best = statement.before_tflop + sum(each.settled.best_tflop for each in statement.shared)
    best_so_far = total_best - sum(best.values())
    high_so_far = statement.before_tflop + statement.settled_tflop - sum(high.values())
    course = [_Point(_midnight(begin), best_so_far, high_so_far)]
    for number in range((today - begin).days + 1):
        day = begin + timedelta(days=number)
        best_so_far += best.get(day, 0)
        high_so_far += high.get(day, 0)
        ends = min(_midnight(day + timedelta(days=1)), statement.as_of)
        course.append(_Point(ends, best_so_far, high_so_far))
    return course


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _scale(statement: Statement, course: Sequence[_Point]) -> _Scale:
    begin, now = course[0].at, course[-1].at
    lived_days = (now - begin).days
    projection, limit = statement.projection, statement.limit
    end = now + timedelta(days=max(10, lived_days // 3))
    crossing = _crossing(statement)
    if crossing and (crossing - now).days <= max(90, 6 * lived_days):
        end = crossing + timedelta(days=max(4, (crossing - begin).days // 10))
    peak = course[-1].high_tflop + statement.pending_tflop
    if projection:
        ahead = course[-1].high_tflop + _at_rate(projection, end - now)
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
    keys = [("highline", "counted (high)"), ("best", "best estimate")]
    if _goes_on(statement):
        keys.append(("ahead", "at this rate"))
    for kind, words in keys:
        dash = ' stroke-dasharray="5 4"' if kind == "ahead" else ""
        yield f'<path class="{kind}" d="M{x} 72h20" fill="none" stroke-width="2.5"{dash}/>'
        yield f'<text class="soft" x="{x + 26}" y="76">{words}</text>'
        x += 48 + 7 * len(words)
    before = "carried in, or by the models that made its data" if statement.extra_tflop else "carried in"
    boxes = [
        ("held", "held for running work", statement.pending_tflop),
        ("carried", before, statement.before_tflop),
    ]
    for kind, words, amount in boxes:
        if amount:
            yield f'<rect class="{kind}" x="{x}" y="66" width="14" height="12" rx="2"/>'
            yield f'<text class="soft" x="{x + 20}" y="76">{words}</text>'
            x += 40 + 7 * len(words)


def _summary(statement: Statement) -> str:
    """One line that says what the picture says."""
    counted = f"high {upper(statement.before_tflop + statement.settled_tflop)} FLOP"
    if not statement.purpose.counts:
        return f"{counted}; {statement.purpose.value}, which counts against no limit"
    if statement.limit is None:
        return f"{counted}; no limit applies to {statement.customer_id}"
    return f"{counted}; {percent_of(statement)} % of the limit used or held; {leads(statement)}"


def _grid(scale: _Scale) -> Iterator[str]:
    for amount in _round_steps(scale.top_tflop):
        y = scale.y(amount)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        label = format_flop(amount, digits=2).removesuffix(" FLOP")
        yield f'<text class="soft" x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{label}</text>'
    yield f'<text class="soft" x="{LEFT - 10}" y="{TOP - 10}" text-anchor="end">FLOP</text>'
    for day in _round_days(scale.begin.date(), scale.end.date()):
        x = scale.x(_midnight(day))
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 5}"/>'
        yield f'<text class="soft" x="{x}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{day:%Y-%m-%d}</text>'


def _carried(scale: _Scale, statement: Statement) -> Iterator[str]:
    if statement.before_tflop:
        y = scale.y(statement.before_tflop)
        height = round(HEIGHT - BOTTOM - y, 1)
        width = round(scale.x(statement.as_of) - LEFT, 1)
        yield f'<rect class="carried" x="{LEFT}" y="{y}" width="{width}" height="{height}"/>'


def _counted(scale: _Scale, course: Sequence[_Point]) -> Iterator[str]:
    high = " L".join(f"{scale.x(each.at)} {scale.y(each.high_tflop)}" for each in course)
    best = " L".join(f"{scale.x(each.at)} {scale.y(each.best_tflop)}" for each in course)
    floor = HEIGHT - BOTTOM
    yield f'<path class="high" d="M{LEFT} {floor} L{high} L{scale.x(course[-1].at)} {floor}Z"/>'
    yield f'<path class="best" d="M{best}" fill="none" stroke-width="2" stroke-linejoin="round"/>'
    yield f'<path class="highline" d="M{high}" fill="none" stroke-width="2.5" stroke-linejoin="round"/>'


def _today(scale: _Scale, statement: Statement) -> Iterator[str]:
    x = scale.x(statement.as_of)
    yield f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP + 8}" y2="{HEIGHT - BOTTOM}" stroke-dasharray="2 3"/>'
    anchor, gap = ("end", -6) if x > WIDTH * 0.85 else ("start", 6)
    y, words = HEIGHT - BOTTOM - 8, last_day(statement)
    yield f'<text class="soft" x="{x + gap}" y="{y}" text-anchor="{anchor}">{words}</text>'


def _held(scale: _Scale, statement: Statement, course: Sequence[_Point]) -> Iterator[str]:
    if statement.pending_tflop:
        counted = course[-1].high_tflop
        x, top = scale.x(course[-1].at), scale.y(counted + statement.pending_tflop)
        height = round(max(scale.y(counted) - top, 1.0), 1)
        yield f'<rect class="held" x="{x - 5}" y="{top}" width="10" height="{height}" rx="2"/>'


def _goes_on(statement: Statement) -> bool:
    """Whether there is a rate to go on with and a limit ahead."""
    projection, limit = statement.projection, statement.limit
    if projection is None or limit is None or not projection.rate_tflop_per_day:
        return False
    return statement.before_tflop + statement.settled_tflop < limit.tflop


def _at_rate(projection: Projection, span: timedelta) -> int:
    return projection.rate_tflop_per_day * int(span.total_seconds()) // SECONDS_PER_DAY


def _crossing(statement: Statement) -> datetime | None:
    """When the limit would be reached, on the day that is told; None where there is no such day."""
    projection = statement.projection
    if projection is None or projection.crossing is None or not _goes_on(statement):
        return None
    return statement.as_of + (projection.crossing - statement.as_of.date())


def _ahead(scale: _Scale, statement: Statement, course: Sequence[_Point]) -> Iterator[str]:
    projection, limit, last = statement.projection, statement.limit, course[-1]
    if projection is None or limit is None or not _goes_on(statement):
        return
    crossing, end = _crossing(statement), scale.end
    if crossing is not None and crossing <= scale.end:
        end, reached = crossing, limit.tflop
    else:
        reached = last.high_tflop + _at_rate(projection, end - last.at)
    x, y = scale.x(end), scale.y(reached)
    yield (
        f'<path class="ahead" d="M{scale.x(last.at)} {scale.y(last.high_tflop)} L{x} {y}" fill="none" '
        'stroke-width="2" stroke-dasharray="5 4"/>'
    )
    if crossing == end and reached == limit.tflop:
        anchor = "end" if x > WIDTH * 0.9 else "middle"
        yield f'<circle class="limittext" cx="{x}" cy="{y}" r="4.5"/>'
        day = f"{crossing:%Y-%m-%d}"
        yield f'<text class="ink" x="{x}" y="{y - 11}" text-anchor="{anchor}" font-weight="600">{day}</text>'


def _limit(scale: _Scale, statement: Statement) -> Iterator[str]:
    limit = statement.limit
    if limit is None:
        return
    words = f"limit {below(limit.tflop)} FLOP, {limit.pack} ({limit.mode.value})"
    if limit.tflop > scale.top_tflop:
        times = limit.tflop // scale.top_tflop
        yield (
            f'<text class="limittext" x="{WIDTH - RIGHT}" y="{TOP - 10}" text-anchor="end">'
            f"{_text(words)}: {times:,} times as high as this picture</text>"
        )
        return
    y = scale.y(limit.tflop)
    crossing = _crossing(statement)
    # The date of the crossing stands on the line, or what is past it: its name keeps to the other end.
    left = not statement.is_past_limit and (crossing is None or scale.x(crossing) > WIDTH / 2)
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
