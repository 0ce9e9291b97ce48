"""docs/benchmarks.md and its charts, from a report: bench/page.py [REPORT.json] (build/bench/report.json, that of the last run).
The report goes beside it, docs/benchmarks.json; tests/bench holds the two together."""
import os, re, sys
import report as reports
from chart import svg
from figure import text

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEAD = '''# Benchmarks

Made by `bench/page.py` from a report of `make bench`, `make bench-full` or `make bench-peers` (build/bench/report.json); do
not edit. The figures themselves are in benchmarks.json. Each figure is the median over interleaved rounds, in brackets the
lowest and the highest; CPU is that of all threads of the process, start-up included. The broker and whatever else the
machine did shared the cores. Read the ratios: what disturbs one program of a round disturbs the others. How it is done:
docs/architecture.md, Bench.
'''


def table(columns, lines):
    rule = '|---|' + '---:|' * (len(columns) - 1)
    return ['| ' + ' | '.join(columns) + ' |', rule] + ['| ' + ' | '.join(line) + ' |' for line in lines]


def section_lines(section, folder):
    lines = ['', '## ' + section['title'], '']
    lines += ['%sLoad of the machine then: %.1f.' % (section['note'] + '. ' if section['note'] else '', section['load']), '']
    lines += table([''] + section['columns'],
                   [[row['name']] + [text(row['values'].get(c)) for c in section['columns']] for row in section['rows']])
    lines += ['', *('- %s: %s' % (row['name'], row['wrong']) for row in section['rows'] if row.get('wrong'))]
    if section['chart']:
        name = 'benchmarks-%s.svg' % section['key']
        rows = [(row['name'], row['values'].get(section['chart'])) for row in section['rows']]
        with open(os.path.join(folder, name), 'w') as f:
            f.write(svg(section['title'], section['chart'], rows))
        lines += ['', '![%s](%s)' % (section['title'], name)]
    return lines


def busy(report):
    """What a reader must know when others had the cores too."""
    low, high = reports.load_of(report)
    if high <= report['machine']['cores'] + 1:
        return ''
    return (' **%.0f to %.0f processes wanted the %d cores while this was measured: wall times, rates and latencies are those of '
            'a crowded machine, and only ratios of CPU time and instructions say something.**' % (low, high, report['machine']['cores']))


def write(report, folder):
    reports.save(report, os.path.join(folder, 'benchmarks.json'))
    for name in os.listdir(folder):
        if re.fullmatch(r'benchmarks-\w+\.svg', name):
            os.remove(os.path.join(folder, name))
    machine = report['machine']
    lines = [HEAD, '%s. %s. Commit %s, %s.%s' % (reports.machine_text(report), machine['versions'], machine['commit'],
                                                 report['settings']['date'], busy(report)), '', '## Reach', '']
    lines += table(['what', 'reach', 'reached', 'verdict'],
                   [[r['what'], r['reach'], r['reached'], r['verdict']] for r in report['reach']])
    for section in report['sections']:
        lines += section_lines(section, folder)
    with open(os.path.join(folder, 'benchmarks.md'), 'w') as f:
        f.write(re.sub(r'\n{3,}', '\n\n', '\n'.join(lines)) + '\n')


if __name__ == '__main__':
    write(reports.load(sys.argv[1] if len(sys.argv) > 1 else ROOT + '/build/bench/report.json'), ROOT + '/docs')
