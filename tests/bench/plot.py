# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws charts as SVG, for light and dark pages. Knows nothing of what is drawn."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 66, 56
BAR, GAP, GROUP_GAP = 15, 3, 18
TICKS = 6

# Every series has a colour, a dash and a marker of its own: colour alone tells some readers nothing.
LIGHT = {'page': '#ffffff', 'text': '#1f2328', 'faint': '#59636e', 'grid': '#d1d9e0',
         'series': ('#0072b2', '#c2410c', '#59636e', '#007a55')}
DARK = {'page': '#0d1117', 'text': '#f0f6fc', 'faint': '#9198a1', 'grid': '#3d444d',
        'series': ('#58b4f0', '#ff9d5c', '#b4bcc4', '#4fd1a5')}
DASHES = ('none', '7 4', '2 4', '10 3 2 3')


def style_colours(colours):
    rules = [f'.{name} {{ fill: {colours[name]} }}' for name in ('page', 'text', 'faint')]
    rules += [f'.grid {{ stroke: {colours["grid"]} }}', f'.axis {{ stroke: {colours["faint"]} }}']
    for index, colour in enumerate(colours['series']):
        rules.append(f'.s{index} .line {{ stroke: {colour} }} .s{index} .mark {{ fill: {colour} }}')
    return '\n'.join(rules)


STYLE = f"""
{style_colours(LIGHT)}
text {{ font: 13px system-ui, "DejaVu Sans", sans-serif }}
.title {{ font-size: 15px; font-weight: 600 }}
.line {{ fill: none; stroke-width: 2 }}
@media (prefers-color-scheme: dark) {{
{style_colours(DARK)}
}}
"""


def number(value):
    """Three significant digits, as people write them."""
    if value == 0:
        return '0'
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f'{value:.{digits}f}'
    return text if digits == 0 else text.rstrip('0').rstrip('.') if abs(value) >= 100 else text


def tick_text(value):
    return f'{value:g}' if value < 10000 else f'{value / 1000:g} k'


class Scale:
    """From 0 to `largest`, or, if logarithmic, from the decade of `smallest`; to pixels from `start` to `end`."""

    def __init__(self, smallest, largest, pixels, logarithmic=False):
        self.start, self.end = pixels
        self.logarithmic = logarithmic
        if logarithmic:
            low, high = math.floor(math.log10(smallest)), math.ceil(math.log10(largest))
            self.ticks = [10 ** decade for decade in range(low, max(high, low + 1) + 1)]
        else:
            rough = largest / TICKS
            power = 10 ** math.floor(math.log10(rough))
            step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
            self.ticks = [step * count for count in range(math.ceil(largest / step) + 1)]

    def at(self, value):
        low, high = self.ticks[0], self.ticks[-1]
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.start + (self.end - self.start) * (value - low) / (high - low)


def text(x, y, words, anchor='start', kind='text'):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(str(words))}</text>'


def mark(x, y, style):
    if style == 0:
        return f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if style == 1:
        return f'<rect class="mark" x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'
    return f'<path class="mark" d="M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5z"/>'


def legend(names, styles):
    parts, x = [], LEFT
    for name, style in zip(names, styles):
        parts.append(f'<g class="s{style}"><path class="line" stroke-dasharray="{DASHES[style]}" d="M{x} 44h28"/>'
                     f'{mark(x + 14, 44, style)}</g>')
        parts.append(text(x + 36, 48, name))
        x += 60 + 7.5 * len(name)
    return parts


def document(title, height, parts):
    return '\n'.join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
                      f'height="{height}" role="img">', f'<title>{escape(title)}</title>', f'<style>{STYLE}</style>',
                      f'<rect class="page" width="{WIDTH}" height="{height}"/>',
                      text(LEFT if height == HEIGHT else 16, 24, title, kind='text title'), *parts, '</svg>', ''])


def axes(labels, x_title, y_title, scale):
    bottom = HEIGHT - BOTTOM
    parts = []
    for tick in scale.ticks:
        y = scale.at(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(text(LEFT - 8, y + 4, tick_text(tick), 'end', 'faint'))
    for index, label in enumerate(labels):
        parts.append(text(across(index, len(labels)), bottom + 20, label, 'middle', 'faint'))
    parts.append(f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>')
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_title, 'middle'))
    middle = (TOP + bottom) / 2
    parts.append(f'<g transform="rotate(-90 18 {middle})">{text(18, middle, y_title, "middle")}</g>')
    return parts


def across(index, count):
    """The places of the measured values are at equal distances."""
    return LEFT + 28 + (WIDTH - RIGHT - LEFT - 56) * index / max(count - 1, 1)


def draw_series(values, style, scale):
    """`values`: for each place the lowest, the middle and the highest, or None."""
    points = [(across(index, len(values)), value) for index, value in enumerate(values) if value]
    path = 'M' + 'L'.join(f'{x:.1f} {scale.at(value[1]):.1f}' for x, value in points)
    parts = [f'<g class="s{style}"><path class="line" stroke-dasharray="{DASHES[style]}" d="{path}"/>']
    for x, (low, middle, high) in points:
        parts.append(f'<path class="line" d="M{x:.1f} {scale.at(low):.1f}V{scale.at(high):.1f}"/>')
        parts.append(mark(x, scale.at(middle), style))
    return [*parts, '</g>']


def draw_lines(title, x_axis, y_title, series, logarithmic=False):
    """`x_axis`: its title and its labels; `series`: (name, style, values) as of draw_series()."""
    x_title, labels = x_axis
    known = [value for _, _, values in series for value in values if value]
    scale = Scale(min(low for low, _, _ in known), max(high for _, _, high in known), (HEIGHT - BOTTOM, TOP),
                  logarithmic)
    parts = axes(labels, x_title, y_title, scale)
    for _, style, values in series:
        parts += draw_series(values, style, scale)
    return document(title, HEIGHT, parts + legend([name for name, _, _ in series], [style for _, style, _ in series]))


def draw_bars(title, x_title, groups):
    """`groups`: (name, bars), each bar (name, style, value). Every bar has its name and its value beside it."""
    left, top = 160, 46
    bars = [bar for _, group in groups for bar in group]
    scale = Scale(0, max(value for _, _, value in bars), (left, WIDTH - 70))
    parts, y = [], top
    for group, members in groups:
        parts.append(text(16, y + 12, group))
        y += BAR + GAP
        for name, style, value in members:
            parts.append(text(left - 8, y + 12, name, 'end', 'faint'))
            parts.append(f'<g class="s{style}"><rect class="mark" x="{left}" y="{y}" '
                         f'width="{scale.at(value) - left:.1f}" height="{BAR}"/></g>')
            parts.append(text(scale.at(value) + 6, y + 12, number(value)))
            y += BAR + GAP
        y += GROUP_GAP
    grid = [f'<path class="grid" d="M{scale.at(tick):.1f} {top - 6}V{y}"/>' for tick in scale.ticks]
    numbers = [text(scale.at(tick), y + 16, tick_text(tick), 'middle', 'faint') for tick in scale.ticks]
    return document(title, y + 46, [*grid, *parts, *numbers, text((left + WIDTH - 70) / 2, y + 36, x_title, 'middle')])
