#!/usr/bin/env python3
"""A naive twin of join and top. Makes random changes of two Tables and a random view of them, runs the job with
the program under test (file sources, one file of each a batch), and computes the view anew from the current rows.

    table_model.py [--program build/dev/cdcl] [--runs N] [--seed S] [--keep]

Judged batch by batch: the changelog leads from the rows before to the rows after, -U +U in pairs, nothing said twice
and nothing that did not change; update mode says just what came; complete mode is the rows."""
import collections, json, os, random, shutil, sqlite3, subprocess, sys, tempfile

import seeds

A = {'id': 'int', 'k': 'int', 's': 'string', 'v': 'int'}
B = {'bid': 'bigint', 'bs': 'string', 'w': 'int'}


class Values:
    """A Table in the script, its columns, key and rows."""

    def __init__(self, text, columns, key, rows):
        self.text, self.columns, self.key, self.rows = text, columns, key, rows


def order(v):
    """Ascending, NULLs first."""
    return (0,) if v is None else (1, v.encode() if isinstance(v, str) else v)


class Reversed:
    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        return other.v < self.v

    def __eq__(self, other):
        return other.v == self.v


# ---- views: each answers a Values whose rows(tables) computes a list of dicts ----

def filtered(rng, t):
    numbers = [c for c in t.columns if c in ('v', 'w', 'n', 'top', 'k')]
    if not numbers:
        return t
    c, above = rng.choice(numbers), rng.randint(0, 3)
    return Values('%s:filter "%s > %d"' % (t.text, c, above), t.columns, t.key,
                  lambda now: [r for r in t.rows(now) if r[c] is not None and r[c] > above])


def dropped(rng, t):
    """Without a column; a key stays, hidden."""
    if len(t.columns) < 3:
        return t
    c = rng.choice(t.columns)
    in_key = t.key is not None and c in t.key

    def rows(now):
        return [{n + '#' if n == c else n: v for n, v in r.items() if n != c or in_key} for r in t.rows(now)]
    return Values('%s:drop_columns "%s"' % (t.text, c), [x for x in t.columns if x != c],
                  [k + '#' if k == c else k for k in t.key] if t.key is not None else None, rows)


def mapped(rng, t, kinds):
    """Through Lua: the new columns hold no key."""
    columns = rng.sample(t.columns, rng.randint(1, len(t.columns)))
    text = '%s:map("%s", function(row) return %s end)' % (
        t.text, ', '.join('%s %s' % (c, kinds[c]) for c in columns), ', '.join('row.' + c for c in columns))
    return Values(text, columns, None, lambda now: [{c: r[c] for c in columns} for r in t.rows(now)])


def grouped(rng, t, name):
    """count and max by a column."""
    by = rng.choice([c for c in t.columns if c in ('k', 's', 'bs', 'bid', 'v', 'w')] or t.columns[:1])
    numbers = [c for c in t.columns if c in ('v', 'w', 'id')] or [by]
    of = rng.choice(numbers)

    def rows(now):
        groups = collections.OrderedDict()
        for r in t.rows(now):
            groups.setdefault(r[by], []).append(r)
        return [{by: k, name: len(rs), name + 'max': max((r[of] for r in rs if r[of] is not None), default=None)}
                for k, rs in groups.items()]
    return Values('%s:group_by "%s":agg("count(*) as %s", "max(%s) as %smax")' % (t.text, by, name, of, name),
                  [by, name, name + 'max'], [by], rows)


def top(rng, t):
    n = rng.choice([1, 2, 3, 10])
    keys = rng.sample(t.columns, rng.choice([0, 1, 1, 2]) if len(t.columns) > 2 else 0)
    by = [(c, rng.random() < 0.5, rng.choice([None, True, False])) for c in rng.sample(t.columns, min(len(t.columns), rng.randint(1, 2)))]
    if t.key is None:
        by += [(c, False, None) for c in t.columns if c not in [b[0] for b in by]]   # a whole order
    text = ', '.join(c + (' desc' if d else '') + ('' if last is None else ' nulls last' if last else ' nulls first')
                     for c, d, last in by)

    def sort_key(r):
        out = []
        for c, down, last in by:
            last = down if last is None else last
            if r[c] is None:
                out.append((2 if last else 0,))
            else:
                out.append((1, Reversed(order(r[c])) if down else order(r[c])))
        return out + [order(r[c]) for c in t.key or ()]

    def rows(now):
        groups = collections.OrderedDict()
        for r in t.rows(now):
            groups.setdefault(tuple(r[k] for k in keys), []).append(r)
        return [r for rs in groups.values() for r in sorted(rs, key=sort_key)[:n]]
    by_group = ':group_by("%s")' % '", "'.join(keys) if keys else ''
    return Values('%s%s:top(%d, "%s")' % (t.text, by_group, n, text), t.columns, t.key, rows)


def comparable(kinds, a, b):
    number = ('int', 'bigint')
    return kinds[a] == kinds[b] or (kinds[a] in number and kinds[b] in number)


def joined(rng, left, right, kinds):
    """Of left and right, whose columns have different names unless they are the one joined on; None: cannot be."""
    pairs = [(a, b) for a in left.columns for b in right.columns if comparable(kinds, a, b)]
    both = set(left.columns) & set(right.columns)
    if len(both) > 1:
        return None
    pairs = [(a, b) for a, b in pairs if (a == b) == bool(both) and (not both or a in both)]
    if not pairs:
        return None
    pairs = rng.sample(pairs, 2 if len(pairs) > 1 and rng.random() < 0.2 and not both else 1)
    kind = rng.choice(['inner', 'left'])
    shared = [a for a, b in pairs if a == b]
    columns = shared + [c for c in left.columns if c not in shared] + [c for c in right.columns if c not in shared]

    hidden = [c for c in (left.key or []) + (right.key or []) if c not in columns]

    def rows(now):
        out, others = [], right.rows(now)
        for l in left.rows(now):
            found = [r for r in others if all(l[a] is not None and l[a] == r[b] for a, b in pairs)]
            if not found and kind == 'left':
                found = [dict.fromkeys(right.columns + (right.key or []))]
            out += [{c: l[c] if c in l else r[c] for c in columns + hidden} for r in found]
        return out
    on = ' and '.join(a if a == b else '%s = %s' % (a, b) for a, b in pairs)
    if right.key is not None and all(k in [b for _, b in pairs] for k in right.key):
        key = left.key      # a foreign key
    elif kind == 'inner' and left.key is not None and all(k in [a for a, _ in pairs] for k in left.key):
        key = right.key
    else:
        key = left.key and right.key and left.key + right.key
    return Values('%s:join(%s, "%s"%s)' % (left.text, right.text, on, '' if kind == 'inner' and rng.random() < 0.5
                                           else ', "%s"' % kind), columns, key, rows)


def renamed(t, suffix, kinds):
    text, names = t.text, {}
    for c in t.columns:
        names[c] = c + suffix
        kinds[c + suffix] = kinds[c]
        text += ':rename("%s", "%s")' % (c, names[c])
    return Values(text, list(names.values()), t.key and [names[c] for c in t.key],
                  lambda now: [{names[c]: v for c, v in r.items()} for r in t.rows(now)])


# ---- a job ----

class Job:
    def __init__(self, rng):
        self.rng, self.kinds = rng, dict(A, n='bigint', nmax='int', m='bigint', mmax='int', **B)
        a = Values('a', list(A), ['id'], lambda now: list(now['a'].values()))
        b = Values('b', list(B), ['bid'], lambda now: list(now['b'].values()))
        self.stream = rng.random() < 0.15
        self.view = None
        while self.view is None:
            self.view = self.random_view(a, b)
        keys, size = rng.choice([3, 8, 30]), rng.choice([3, 10, 40, 40, 1500])
        self.batches = [([self.event(A, 'id', keys) for _ in range(rng.randint(1, size))],
                         [self.event(B, 'bid', keys) for _ in range(rng.randint(1, size))])
                        for _ in range(rng.randint(1, 6))]
        # the run may end and go on from its checkpoint in between
        self.starts = [0] + ([rng.randrange(1, len(self.batches))] if len(self.batches) > 1 and rng.random() < 0.3 else [])

    def random_view(self, a, b):
        rng = self.rng
        rights = [lambda: b, lambda: b, lambda: filtered(rng, b), lambda: grouped(rng, b, 'm'), lambda: top(rng, b)]
        if not self.stream:
            rights += [lambda: grouped(rng, a, 'n'), lambda: renamed(a, 'r', self.kinds)]
        right = rng.choice(rights)()
        left = a if self.stream else rng.choice([lambda: a, lambda: a, lambda: filtered(rng, a), lambda: top(rng, a),
                                                 lambda: grouped(rng, a, 'n')])()
        view = joined(rng, left, right, self.kinds)
        if view is None:
            return None
        if self.stream:
            return view
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            step = rng.choice(['top', 'group', 'filter', 'join', 'drop', 'map'])
            if step == 'top':
                view = top(rng, view)
            elif step == 'group':
                view = grouped(rng, view, 'q')
                self.kinds.update({'q': 'bigint', 'qmax': 'int'})
            elif step == 'drop':
                view = dropped(rng, view)
            elif step == 'map':
                view = mapped(rng, view, self.kinds)
            elif step == 'filter':
                view = filtered(rng, view)
            else:
                view = joined(rng, view, renamed(b, 'z', self.kinds), self.kinds) or view
            if step == 'group':
                break
        return view

    def event(self, kinds, key, keys):
        rng = self.rng
        row = {}
        for c in kinds:
            if c == key:
                row[c] = rng.randint(1, keys)
            elif kinds[c] == 'string':
                row[c] = rng.choice([None, '', 'x', 'y', 'ä', 'z' * 20])
            else:
                row[c] = rng.choice([None, 0, rng.randint(1, 5), rng.randint(1, keys)])
        row['op'] = 'delete' if rng.random() < 0.2 else 'upsert'
        return row

    def script(self, folder):
        def table(name, kinds, key):
            others = [c for c in kinds if c != key]
            return 'local %s = %s:group_by "%s":agg(%s):filter "op <> \'delete\'":drop_columns "op"' % (
                name, name + '_events', key, ', '.join('"last(%s) as %s"' % (c, c) for c in others + ['op']))

        def source(name, kinds):
            return 'local %s_events = cdcl.file { path = "%s/%s/*.jsonl", schema = "%s", max_files_per_trigger = 1 }' % (
                name, folder, name, ', '.join('%s %s' % c for c in dict(kinds, op='string').items()))
        kept = ', checkpoint = "%s/state"' % folder if len(self.starts) > 1 else ''
        lines = ['local cdcl = require "cdcl"', 'cdcl.job { name = "model"%s }' % kept, source('a', A), source('b', B)]
        if self.stream:
            lines.append('local a = a_events:drop_columns "op"')
        else:
            lines.append(table('a', A, 'id'))
        lines += [table('b', B, 'bid'), 'local view = ' + self.view.text]
        for mode in ['append'] if self.stream else ['changelog', 'update', 'complete']:
            lines.append('view:to(cdcl.foreach_batch({ output_mode = "%s" }, function(rows)\n'
                         '  print("%s")\n'
                         '  for row in rows:each() do print(row["@kind"], row) end\nend))' % (mode, mode))
        if not self.stream:
            lines.append('view:to(cdcl.file_sink { path = "%s/out.jsonl", format = "jsonl" })' % folder)
        if self.upserts():
            lines.append('view:to(cdcl.sqlite_sink { path = "%s/out.db", table = "view" })' % folder)
        return '\n'.join(lines) + '\n'

    def upserts(self):
        return not self.stream and self.view.key and all(c in self.view.columns for c in self.view.key)

    def states(self):
        """After each batch: the current rows, and the rows of `a` as a Stream."""
        now = {'a': {}, 'b': {}}
        for a, b in self.batches:
            for name, key, events in (('a', 'id', a), ('b', 'bid', b)):
                for event in events:
                    row = {c: v for c, v in event.items() if c != 'op'}
                    if event['op'] == 'delete':
                        now[name].pop(event[key], None)
                    else:
                        now[name][event[key]] = row
            if self.stream:
                now['a'] = {i: {c: v for c, v in e.items() if c != 'op'} for i, e in enumerate(a)}
            yield now


def bag(rows, columns):
    return collections.Counter(tuple((c, r[c]) for c in columns) for r in rows)


def changelog_problem(key, before, after, changes):
    rows, waits, keys, last = before.copy(), None, set(), None
    for kind, row in changes:
        at = tuple(row.items())
        if (kind == '+U') != (waits is not None):
            return '-U and +U are no pair: %s %r' % (kind, row)
        if key is not None and kind != '+U':
            k = tuple(row[c] for c in key)
            if k in keys:
                return 'a second change of %r' % (k,)
            keys.add(k)
        if kind == '+U' and key is not None and tuple(row[c] for c in key) != waits:
            return '+U of another key: %r' % row
        waits = tuple(row[c] for c in key or ()) if kind == '-U' else None
        if kind in ('-U', '-D'):
            if rows[at] == 0:
                return '%s of a row that is not there: %r' % (kind, row)
            rows[at] -= 1
        else:
            rows[at] += 1
            if kind == '+U' and at == last:
                return 'a change of nothing: %r' % row
        last = at
    if waits is not None:
        return 'a -U is the last row'
    if +rows != after:
        return 'wanted more %r\n wanted less %r' % (after - rows, rows - after)
    return None


def batches_of(text):
    """[mode, [(kind, row)]] in turn."""
    out = []
    for line in text.splitlines():
        if '\t' not in line:
            out.append((line, []))
            continue
        kind, row = line.split('\t', 1)
        out[-1][1].append((kind, json.loads(row)))
    return out


def batch_problem(job, mode, before, after, changes):
    if mode == 'changelog':
        visible = job.view.key is not None and all(c in job.view.columns for c in job.view.key)
        return changelog_problem(job.view.key if visible else None, before, after, changes)
    got = bag((row for _, row in changes), job.view.columns)
    want = after - before if mode == 'update' else after
    # a group that got input is told again, as in Spark, and so is a row whose change is no longer to be seen; where a key
    # was dropped, also before a join, one row may go and another come that looks the same
    hides = ':drop_columns' in job.view.text or ':map' in job.view.text
    seen = not hides and ':agg' not in job.view.text.rsplit(':join', 1)[-1]
    most = want if seen or mode != 'update' else after
    return None if not want - got and not got - most else 'wanted more %r\n wanted less %r' % (want - got, got - most)


def sink_problem(job, folder, want):
    """What file and database hold at the end."""
    with open(folder + '/out.jsonl', encoding='utf-8') as f:
        got = bag([json.loads(line) for line in f], job.view.columns)
    if got != want:
        return 'file: wanted more %r\n wanted less %r' % (want - got, got - want)
    if not job.upserts():
        return None
    db = sqlite3.connect(folder + '/out.db')
    rows = db.execute('select %s from "view"' % ', '.join('"%s"' % c for c in job.view.columns)).fetchall()
    db.close()
    got = bag([dict(zip(job.view.columns, row)) for row in rows], job.view.columns)
    return None if got == want else 'sqlite: wanted more %r\n wanted less %r' % (want - got, got - want)


def judge(job, folder, runs):
    for ran in runs:
        if ran.returncode != 0:
            return 'exit %d: %s' % (ran.returncode, ran.stderr.decode('utf-8', 'replace')[-3000:])
    got = [output for ran in runs for output in batches_of(ran.stderr.decode('utf-8'))]
    modes = ['append'] if job.stream else ['changelog', 'update', 'complete']
    if len(got) != len(modes) * len(job.batches):
        return '%d outputs of %d batches' % (len(got), len(job.batches))
    before = collections.Counter()
    for number, now in enumerate(job.states()):
        after = bag(job.view.rows(now), job.view.columns)
        for _ in modes:
            mode, changes = got.pop(0)
            problem = batch_problem(job, mode, before, after, changes)
            if problem:
                return 'batch %d, %s: %s' % (number, mode, problem)
        before = after
    return None if job.stream else sink_problem(job, folder, before)


def run_one(program, seed, keep=False):
    job = Job(random.Random(seed))
    folder = tempfile.mkdtemp(prefix='model.')
    for name in 'ab':
        os.mkdir('%s/%s' % (folder, name))
    script = job.script(folder)
    with open(folder + '/job.lua', 'w', encoding='utf-8') as f:
        f.write(script)
    runs = []
    for start, end in zip(job.starts, job.starts[1:] + [len(job.batches)]):
        for i in range(start, end):
            for name, rows in zip('ab', job.batches[i]):
                with open('%s/%s/%04d.jsonl' % (folder, name, i), 'w', encoding='utf-8') as f:
                    f.writelines(json.dumps(row, ensure_ascii=False) + '\n' for row in rows)
        runs.append(subprocess.run([program, 'run', '--available-now', '-q', folder + '/job.lua'],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   timeout=120, check=False))
    try:
        problem = judge(job, folder, runs)
    except (ValueError, OSError, sqlite3.Error) as e:
        problem = '%s: %s\n%s' % (type(e).__name__, e, runs[-1].stderr.decode('utf-8', 'replace')[:2000])
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return None if problem is None else 'seed %d\n%s%s' % (seed, script, problem)


if __name__ == '__main__':
    sys.exit(seeds.main(run_one))
