"""The report: sections (a table each) with the machine and the reach, as text and as JSON.

A section is {key, title, note, columns, rows, chart}; a row {name, values: column -> figure or text, wrong}.
"""
import json
from figure import text


def grid(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return '\n'.join('  '.join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths))).rstrip()
                     for line in lines)


def cells(section):
    lines = [[''] + section['columns']]
    for row in section['rows']:
        lines.append([row['name']] + [text(row['values'].get(column)) for column in section['columns']])
    return lines


def show(section):
    print('\n%s%s' % (section['title'], ' (%s)' % section['note'] if section['note'] else ''))
    print(grid(cells(section)), flush=True)


def show_reach(reach):
    print('\nReach, and what was reached')
    print(grid([['what', 'reach', 'reached', 'verdict']] + [[r['what'], r['reach'], r['reached'], r['verdict']] for r in reach]),
          flush=True)


def load_of(report):
    loads = [report['settings']['load_before'], report['settings']['load_after'], *(s['load'] for s in report['sections'])]
    return min(loads), max(loads)


def machine_text(report):
    m, s = report['machine'], report['settings']
    return ('%(processor)s, %(cores)d cores, %(memory)s, Linux %(kernel)s, %(system)s' % m
            + '; load %.1f to %.1f' % load_of(report)
            + '; %s events, %d rounds' % (format(s['events'], ','), s['rounds']))


def save(report, path):
    with open(path, 'w') as f:
        json.dump(report, f, indent=1, ensure_ascii=False)
        f.write('\n')


def load(path):
    with open(path) as f:
        return json.load(f)
