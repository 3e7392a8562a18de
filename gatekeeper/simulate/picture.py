"""The picture of a run: settled and pending operations against the limit over time, as one SVG without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.units import format_below, format_flop
from gatekeeper.simulate.engine import Point, Told

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 90, 20, 64, 56
# Colours that stay apart for colour-blind readers (Okabe and Ito, 2008) and in print.
SETTLED, PENDING, BEST, LIMIT, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#333333"
_MARKS = {Verdict.WARN: (PENDING, "warned"), Verdict.DENY: (LIMIT, "refused"), Verdict.HOLD: (LIMIT, "on hold")}


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: datetime
    end: datetime
    top_tflop: int

    def x(self, moment: datetime) -> float:
        share = (moment - self.begin) / (self.end - self.begin)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, tflop: int) -> float:
        return round(HEIGHT - BOTTOM - tflop / self.top_tflop * (HEIGHT - TOP - BOTTOM), 1)


def draw(
    points: Sequence[Point], told: Sequence[Told], *, title: str, limit_tflop: int, begin: datetime, end: datetime
) -> str:
    """Draw one run.

    Args:
        points: its totals in order of time; at least one.
        told: what its customer was told; warnings and refusals are marked.
        end: of the scenario; where nothing happens any more long before, the picture ends earlier.
    """
    happened = [*(point.at for point in points), *(each.at for each in told)]
    end = min(end, max(happened) + max((max(happened) - begin) / 8, timedelta(hours=1)))
    # Room above the limit for its name and, above that, for what the customer was told: clear of all that is drawn.
    scale = _Scale(begin, end, max(limit_tflop, *(_top(point) for point in points)) * 28 // 25)
    parts = [
        *_axes(scale, title),
        _area(scale, points, [_settled(point) for point in points], [0] * len(points), SETTLED),
        _area(scale, points, [_top(point) for point in points], [_settled(point) for point in points], PENDING),
        _line(scale, points, [point.carried_in_tflop + point.settled.best_tflop for point in points], BEST),
        _level(scale, limit_tflop),
        *_marks(scale, told, limit_tflop),
        *_legend(),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _settled(point: Point) -> int:
    return point.carried_in_tflop + point.settled.high_tflop


def _top(point: Point) -> int:
    return _settled(point) + point.pending_tflop


def _steps(scale: _Scale, points: Sequence[Point], heights: Sequence[int]) -> list[str]:
    """Corners of a staircase: a total holds until the next point."""
    corners = []
    for index, (point, height) in enumerate(zip(points, heights, strict=True)):
        until = points[index + 1].at if index + 1 < len(points) else point.at
        corners += [f"{scale.x(point.at)},{scale.y(height)}", f"{scale.x(until)},{scale.y(height)}"]
    return corners


def _area(scale: _Scale, points: Sequence[Point], upper: Sequence[int], lower: Sequence[int], colour: str) -> str:
    corners = [*_steps(scale, points, upper), *reversed(_steps(scale, points, lower))]
    return f'<polygon points="{" ".join(corners)}" fill="{colour}" fill-opacity="0.75"/>'


def _line(scale: _Scale, points: Sequence[Point], heights: Sequence[int], colour: str) -> str:
    corners = " ".join(_steps(scale, points, heights))
    return f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _level(scale: _Scale, limit_tflop: int) -> str:
    y = scale.y(limit_tflop)
    text = f"limit: {format_below(limit_tflop)}"
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{LIMIT}" stroke-width="2" '
        f'stroke-dasharray="8 4"/><text x="{LEFT + 6}" y="{y - 6}" fill="{LIMIT}">{text}</text>'
    )


def _axes(scale: _Scale, title: str) -> list[str]:
    floor = HEIGHT - BOTTOM
    parts = [f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>']
    for amount in _round_amounts(scale.top_tflop):
        y = scale.y(amount)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#DDDDDD"/>')
        label = format_flop(amount, digits=2).removesuffix(" FLOP")
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{label}</text>')
    days = (scale.end - scale.begin) / timedelta(days=1)
    for day in _round_days(days):
        x = scale.x(scale.begin + timedelta(days=day))
        parts.append(f'<line x1="{x}" x2="{x}" y1="{floor}" y2="{floor + 5}" stroke="#999999"/>')
        parts.append(f'<text x="{x}" y="{floor + 18}" text-anchor="middle">{day:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">days</text>')
    parts.append(
        f'<text x="16" y="{(TOP + floor) / 2}" transform="rotate(-90 16 {(TOP + floor) / 2})" '
        'text-anchor="middle">operations (FLOP)</text>'
    )
    return parts


def _round_amounts(top_tflop: int) -> list[int]:
    """Four to ten round steps from 0 to the top."""
    unit = 10 ** (len(str(top_tflop)) - 1)
    step = next(unit * factor // 10 for factor in (1, 2, 5, 10, 20, 50) if top_tflop * 10 // (unit * factor) <= 10)
    return list(range(0, top_tflop + 1, max(step, 1)))


def _round_days(days: float) -> list[float]:
    """Up to twelve round days from 0 on."""
    step = next(each for each in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000) if days / each < 12)
    return [step * each for each in range(int(days / step) + 1)]


def _marks(scale: _Scale, told: Sequence[Told], limit_tflop: int) -> list[str]:
    """The first warning, refusal and hold, each named above the limit, where nothing else is drawn."""
    parts: list[str] = []
    seen: set[Verdict] = set()
    taken: list[tuple[int, float, float]] = []
    for each in told:
        mark = _MARKS.get(each.decision.verdict)
        if mark is None or each.decision.verdict in seen:
            continue
        seen.add(each.decision.verdict)
        colour, word = mark
        words = f"{word}, day {(each.at - scale.begin).days}"
        x, floor, limit = scale.x(each.at), HEIGHT - BOTTOM, scale.y(limit_tflop)
        row, left = _free_place(taken, x, 7 * len(words))
        taken.append((row, left, left + 7 * len(words)))
        anchor, gap = ("start", 6) if left > x else ("end", -6)
        y = round(limit - 26 - 15 * row, 1)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{y - 10}" y2="{floor}" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{x + gap:g}" y="{y}" text-anchor="{anchor}">{words}</text>')
    return parts


def _free_place(taken: Sequence[tuple[int, float, float]], x: float, width: int) -> tuple[int, float]:
    """Row and left edge of a label beside its line: right of it if nothing is there, else left, else a row higher."""
    for row in range(len(_MARKS)):
        for left in (x + 6, x - 6 - width):
            clear = all(row != other or left + width < begin or end < left for other, begin, end in taken)
            if clear and left >= LEFT and left + width <= WIDTH:
                return row, left
    return len(_MARKS), x - 6 - width


def _legend() -> list[str]:
    entries = [
        (SETTLED, "settled (high)"),
        (PENDING, "pending: held for running leases"),
        (BEST, "settled (best estimate)"),
    ]
    parts, x = [], LEFT
    for colour, text in entries:
        parts.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="46">{text}</text>')
        x += 40 + 7 * len(text)
    return parts
