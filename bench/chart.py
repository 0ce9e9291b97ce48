"""A bar chart of one column of a table, as SVG text: a bar for the median, a line for the spread of the rounds."""
from html import escape
from figure import number

WIDTH, LABEL, BAR, GAP, TOP, RIGHT = 760, 290, 16, 6, 34, 90


def bar(y, name, f, scale):
    width, low, high = (f[k] * scale for k in ('median', 'low', 'high'))
    middle = y + BAR / 2
    parts = ['<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LABEL - 8, y + BAR - 4, escape(name)),
             '<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>' % (
                 'ours' if 'cdcl' in name else 'theirs', LABEL, y, max(width, 1), BAR)]
    if f['rounds'] > 1:
        parts.append('<path d="M%.1f %.1fH%.1f"/>' % (LABEL + low, middle, LABEL + high))
    parts.append('<text x="%.1f" y="%.1f">%s</text>' % (LABEL + max(high, width) + 6, y + BAR - 4, number(f['median'], f['digits'])))
    return parts


def svg(title, column, rows):
    """rows: name and figure; those without a figure are left out."""
    rows = [(name, f) for name, f in rows if isinstance(f, dict)]
    most = max((f['high'] for _, f in rows), default=1) or 1
    scale = (WIDTH - LABEL - RIGHT) / most
    height = TOP + len(rows) * (BAR + GAP) + GAP
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">' % (
        WIDTH, height, WIDTH, height),
        '<style>svg{background:#fff}text{font:12px sans-serif;fill:#222}.head{font-weight:bold;font-size:13px}'
        '.ours{fill:#2b6cb0}.theirs{fill:#b8bfc8}path{stroke:#222;stroke-width:1.5}</style>',
        '<text class="head" x="8" y="20">%s: %s</text>' % (escape(title), escape(column))]
    for i, (name, f) in enumerate(rows):
        parts += bar(TOP + i * (BAR + GAP), name, f, scale)
    return '\n'.join(parts + ['</svg>', ''])
