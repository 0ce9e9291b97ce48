"""What a job must answer: a count and a sum for each name, and the checksum of them all."""
import hashlib, re

OPERATIONS = ('insert', 'update', 'delete')


def read(text):
    """From lines `total NAME COUNT SUM`, else from the last box that was printed."""
    lines = re.findall(r'^total (\w+) (\d+) (-?\d+)$', text, re.M)
    if not lines:
        lines = re.findall(r'^\|(\w+) *\|(\d+) *\|(-?\d+) *\|$', text.rsplit('Batch: ', 1)[-1], re.M)
    return {name: (int(count), int(total)) for name, count, total in lines}


def part(truth, which):
    """operations, rows or products of all that is true of a topic."""
    if which == 'operations':
        return {name: t for name, t in truth.items() if name in OPERATIONS}
    if which == 'rows':
        return {name: t for name, t in truth.items() if name == 'rows'}
    return {name: t for name, t in truth.items() if name not in OPERATIONS and name != 'rows'}


def checksum(totals):
    lines = ''.join('%s %d %d\n' % (name, *total) for name, total in sorted(totals.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:8]
