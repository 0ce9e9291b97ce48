#!/usr/bin/env python3
"""A naive twin of group_by + agg. Makes random changes and a random query, runs the query with the
program under test (file source, one file a batch, changes sink), and computes the same with lists.

    aggregate_model.py [--program build/dev/cdcl] [--runs N] [--seed S] [--keep]

Numbers are exact here: integers, Decimal, and doubles that are multiples of 1/4. The order of rows is
checked too. On a difference the seed, the script and both outputs are printed."""
import decimal, json, math, os, random, shutil, struct, subprocess, sys, tempfile

import seeds

D = decimal.Decimal
decimal.getcontext().prec = 80
MASK = 0xffffffff
NAN = float('nan')      # one object, so that tuples and lists with it compare as equal
TYPES = {'k1': 'string', 'k2': 'int', 'a': 'bigint', 'b': 'int', 'd': 'decimal(10,2)', 'f': 'double',
         's': 'string', 't': 'boolean'}


# ---- Spark's row order: pmod(murmur3(keys), 200) ----

def rotate(x, r):
    return ((x << r) | (x >> (32 - r))) & MASK


def mix_k(k):
    return (rotate((k * 0xcc9e2d51) & MASK, 15) * 0x1b873593) & MASK


def mix_h(h, k):
    return (rotate(h ^ k, 13) * 5 + 0xe6546b64) & MASK


def finish(h, n):
    h ^= n
    h ^= h >> 16
    h = (h * 0x85ebca6b) & MASK
    h ^= h >> 13
    h = (h * 0xc2b2ae35) & MASK
    return h ^ (h >> 16)


def hash_value(v, kind, h):
    if v is None:
        return h
    if kind == 'boolean' or kind == 'int':
        return finish(mix_h(h, mix_k(int(v) & MASK)), 4)
    if kind == 'double':
        v, kind = struct.unpack('<q', struct.pack('<d', v + 0.0))[0], 'bigint'
    if kind.startswith('decimal'):
        v, kind = int(v.scaleb(2)), 'bigint'
    if kind == 'bigint':
        return finish(mix_h(mix_h(h, mix_k(v & MASK)), mix_k((v >> 32) & MASK)), 8)
    data = v.encode()
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        h = mix_h(h, mix_k(struct.unpack_from('<I', data, i)[0]))
    for c in data[whole:]:
        h = mix_h(h, mix_k((c - 256 if c > 127 else c) & MASK))
    return finish(h, len(data))


def partition(key, kinds):
    h = 42
    for v, kind in zip(key, kinds):
        h = hash_value(v, kind, h)
    return (h - (1 << 32) if h >> 31 else h) % 200


# ---- aggregates over a list of rows ----

def order_of(v):
    """A sort key: strings by bytes, NaN greatest."""
    if isinstance(v, str):
        return v.encode()
    if isinstance(v, float):
        return (1, 0.0) if math.isnan(v) else (0, v)
    return v


def order_with_null(v):
    return (0,) if v is None else (1, order_of(v))


def bits_of(v):
    """Orders 0.0 before -0.0, which compare as equal."""
    return isinstance(v, float) and v == 0 and math.copysign(1, v) < 0


def same(v):
    return 'nan' if isinstance(v, float) and math.isnan(v) else v


def exact(values):
    """Apart what == takes for equal: 0.0 and -0.0."""
    return tuple(repr(v) if isinstance(v, float) else v for v in values)


class Values:
    """What one call has of one group. Taking back removes the oldest equal one."""

    def __init__(self, call):
        self.call, self.list, self.counts = call, [], {}
        self.distinct = call.distinct or call.name == 'collect_set'

    def take(self, sign, row):
        x = self.call.takes(row)
        if x is None:
            return
        if self.distinct:
            key = tuple(same(v) for v in x)
            before = self.counts.get(key, 0)
            self.counts[key] = before + sign
            if before != 0 and before + sign != 0:
                return
        if sign > 0:
            self.list.append(x)
        else:
            alike = self.list.index(x) if self.distinct else list(map(exact, self.list)).index(exact(x))
            del self.list[alike]


def half_up(x, digits):
    return x.quantize(D(1).scaleb(-digits), rounding=decimal.ROUND_HALF_UP)


class Call:
    """One aggregate: its text, and the same over a list of rows."""

    def __init__(self, name, args=(), is_distinct=False, ignore_nulls=False, where=None):
        self.name, self.args, self.distinct = name, args, is_distinct
        self.ignore_nulls, self.where = ignore_nulls, where

    def text(self):
        inner = ', '.join(self.args) if self.args else '*'
        if self.distinct:
            inner = 'distinct ' + inner
        if self.ignore_nulls:
            inner += ', true'
        text = '%s(%s)' % (self.name, inner)
        return text + ' filter (where %s)' % self.where[0] if self.where else text

    def kind(self, kinds):
        x = kinds[self.args[0]] if self.args else None
        if self.name == 'count':
            return 'bigint'
        if self.name in ('sum', 'try_sum'):
            return {'int': 'bigint', 'bigint': 'bigint', 'double': 'double'}.get(x, 'decimal')
        if self.name == 'avg':
            return 'decimal' if x.startswith('decimal') else 'double'
        if self.name.startswith('collect'):
            return 'set' if self.name == 'collect_set' else 'array'
        return x

    def empty(self):
        return Values(self)

    def inexact(self, kinds):
        """A double that is no multiple of 1/4: sums of it depend on the order."""
        return self.name == 'avg' and not kinds[self.args[0]].startswith('decimal')

    def value(self, rows, kinds, table):
        if table:
            rows = self.by_value(rows)
            if self.name.endswith('_by'):
                return rows[0][0] if rows else None
        v = self.raw_value(rows, kinds)
        return NAN if isinstance(v, float) and math.isnan(v) else v

    def by_value(self, rows):
        """Of a Table's rows only first, last and any_value go by arrival."""
        if not self.args or self.name in ('first', 'last', 'any_value', 'count', 'sum', 'try_sum', 'avg'):
            return rows
        rows = sorted(rows, key=lambda r: [order_with_null(v) for v in reversed(r)] + [bits_of(r[0])])
        return rows[::-1] if self.name in ('max', 'max_by', 'bool_or') else rows

    def raw_value(self, rows, kinds):
        """`rows` holds what this call took of each row, in order of arrival."""
        if not self.args:
            return len(rows)
        if self.name in ('min_by', 'max_by'):
            return self.by(rows)
        values = [r[0] for r in rows]
        if self.name in ('first', 'last', 'any_value'):
            return None if not values else values[-1 if self.name == 'last' else 0]
        if self.name == 'count':
            return len(values)
        if self.name.startswith('collect'):
            return values
        return self.number(values, kinds[self.args[0]]) if values else None

    def takes(self, row):
        """The arguments of a row that counts, or None."""
        if self.where and not self.where[1](row):
            return None
        x = tuple(row[a] for a in self.args)
        if self.name in ('first', 'last', 'any_value'):
            return None if self.ignore_nulls and x[0] is None else x
        return None if x and x[-1] is None else x

    def by(self, rows):
        best = None
        for r in rows:
            y = r[1]
            c = 0 if best is None else self.compare(order_of(y), order_of(best[1]))
            if best is None or c >= 0:
                best = r
        return None if best is None else best[0]

    def compare(self, new, old):
        c = (new > old) - (new < old)
        return c if self.name == 'max_by' else -c

    def number(self, values, kind):
        if self.name in ('min', 'bool_and'):
            return min(values, key=order_of)
        if self.name in ('max', 'bool_or'):
            return max(values, key=order_of)
        if kind == 'double':
            total = sum(values)
            return total if self.name != 'avg' else total / len(values)
        if self.name != 'avg':
            return sum(values)
        if kind.startswith('decimal'):
            return half_up(sum(values) / len(values), int(kind.split(',')[1][:-1]) + 4)
        return sum(values) / len(values)


# ---- a group_by: consumes (kind, row), keeps what it took ----

class Own(Call):
    """A user's own aggregate: the sum of an integer column, in Lua."""

    def lua(self, name):
        c = self.args[0]
        return ('cdcl.aggregate { "%s bigint", state = "n bigint, s bigint", '
                'add = function(st, r) if r.%s then st.n = st.n + 1; st.s = st.s + r.%s end end, '
                'retract = function(st, r) if r.%s then st.n = st.n - 1; st.s = st.s - r.%s end end, '
                'finish = function(st) if st.n == 0 then return nil end return st.s end }' % (
                    name, c, c, c, c))


class Having:
    """A filter after a group: on a column that is greater than a number, or not NULL."""

    def __init__(self, rng, kinds):
        numbers = [c for c, k in kinds.items() if k in ('int', 'bigint')]
        self.column = rng.choice(numbers or sorted(kinds))
        self.above = rng.randint(-3, 6) if numbers else None

    def text(self):
        return '%s > %d' % (self.column, self.above) if self.above is not None else \
            '%s is not null' % self.column

    def keeps(self, row):
        v = row[self.column]
        return v is not None and (self.above is None or v > self.above)

    def apply(self, changes):
        out, i = [], 0
        while i < len(changes):
            kind, row = changes[i]
            if kind != '-U':
                out += [changes[i]] if self.keeps(row) else []
                i += 1
                continue
            new = changes[i + 1][1]
            was, now = self.keeps(row), self.keeps(new)
            out += [('-U' if now else '-D', row)] if was else []
            out += [('+U' if was else '+I', new)] if now else []
            i += 2
        return out


class Order:
    """order_by and limit at the end of a complete job."""

    def __init__(self, rng, kinds):
        columns = [c for c, k in kinds.items() if k not in ('array', 'set')]
        self.keys = [(c, rng.random() < 0.5, rng.choice([None, True, False]))
                     for c in rng.sample(columns, min(len(columns), rng.randint(1, 2)))]
        self.limit = rng.choice([None, 0, 3, 1500])

    def text(self):
        words = []
        for column, down, last in self.keys:
            words.append(column + (' desc' if down else '') +
                         ('' if last is None else ' nulls last' if last else ' nulls first'))
        return ':order_by("%s")' % '", "'.join(words) + \
            ('' if self.limit is None else ':limit(%d)' % self.limit)

    def apply(self, changes):
        for column, down, last in reversed(self.keys):
            nulls = [c for c in changes if c[1][column] is None]
            rest = [c for c in changes if c[1][column] is not None]
            rest.sort(key=lambda c: order_of(c[1][column]), reverse=False)
            if down:  # stable the other way round too
                rest = [c for c in self.reverse_groups(rest, column)]
            changes = rest + nulls if (down if last is None else last) else nulls + rest
        return changes if self.limit is None else changes[:self.limit]

    @staticmethod
    def reverse_groups(rows, column):
        groups = []
        for r in rows:
            if groups and order_of(groups[-1][0][1][column]) == order_of(r[1][column]):
                groups[-1].append(r)
            else:
                groups.append([r])
        return [r for g in reversed(groups) for r in g]


class Members:
    def __init__(self, calls):
        self.rows, self.values = 0, [c.empty() for c in calls]


class Group:
    def __init__(self, keys, calls, kinds, prefix, table=False):
        self.keys, self.calls, self.kinds, self.table = keys, calls, kinds, table
        self.groups = {}        # key -> Members, in order of birth
        self.born = False       # a global group's first row is out
        if not keys:
            self.groups[()] = Members(calls)
        self.before = {}        # touched in this batch -> the row that was there, or None
        self.names = ['%s%d' % (prefix, i) for i in range(len(calls))]
        self.out_kinds = {k: kinds[k] for k in keys}
        for name, call in zip(self.names, calls):
            self.out_kinds[name] = call.kind(kinds)

    def row(self, key):
        out = dict(zip(self.keys, key))
        for name, call, values in zip(self.names, self.calls, self.groups[key].values):
            out[name] = call.value(values.list, self.kinds, self.table)
        return out

    def take(self, sign, row):
        key = tuple(0.0 if isinstance(row[k], float) and row[k] == 0 else row[k] for k in self.keys)   # -0.0 is 0.0
        if key not in self.before:
            self.before[key] = self.row(key) if key in self.groups else None
        if key not in self.groups:
            self.groups[key] = Members(self.calls)
        group = self.groups[key]
        group.rows += sign
        for values in group.values:
            values.take(sign, row)

    def canonical(self, row):
        """A row is unchanged when it is the same to the byte: -0.0 is not 0.0. Sets have no order of arrival."""
        return {c: exact(sorted(v, key=order_of) if self.out_kinds[c] == 'set' else v) if isinstance(v, list)
                else exact((v,)) for c, v in row.items()}

    def ordered(self, keys):
        kinds = [self.kinds[k] for k in self.keys]
        return sorted(keys, key=lambda key: partition(key, kinds))

    def emit(self, mode):
        """What the batch gives; the batch is then over."""
        changes = []
        if not self.keys:
            self.before.setdefault((), self.row(()))
            if not self.born:
                self.before[()] = None
            self.born = True
        there = lambda k: not self.keys or self.groups[k].rows  # noqa: E731
        if mode == 'complete':
            changes = [('+I', self.row(k)) for k in self.ordered(self.groups) if there(k)]
        elif mode == 'update':
            changes = [('+I', self.row(k)) for k in self.ordered(self.before) if there(k)]
        else:
            for key in self.ordered(self.before):
                old = self.before[key]
                new = self.row(key) if there(key) else None
                if old is not None and new is not None:
                    if self.canonical(old) != self.canonical(new):
                        changes += [('-U', old), ('+U', new)]
                elif old is not None:
                    changes.append(('-D', old))
                elif new is not None:
                    changes.append(('+I', new))
        for key in self.before:
            if not there(key):
                del self.groups[key]
        self.before = {}
        return changes


# ---- random jobs ----

def random_rows(rng, count):
    keys = ['a', 'b', 'c', None, '', 'grün', 'a long key of more than sixteen bytes']
    rows = []
    for _ in range(count):
        odd = rng.choice([NAN, -0.0, math.inf, -math.inf]) if rng.random() < 0.05 else 0.0
        rows.append({
            'k1': rng.choice(keys), 'k2': rng.choice([None, 0, 1, -1, 2147483647, 7]),
            'a': rng.choice([None, rng.randint(-5, 5), rng.randint(-1 << 50, 1 << 50)]),
            'b': rng.choice([None, rng.randint(-9, 9), rng.randint(-1 << 31, (1 << 31) - 1)]),
            'd': rng.choice([None, D(rng.randint(-99999, 99999)).scaleb(-2)]),
            'f': rng.choice([None, rng.randint(-4000, 4000) / 4, rng.randint(-8, 8) / 4, odd]),
            's': rng.choice([None, '', 'x', 'y', 'ä', 'zebra' * rng.randint(1, 30)]),
            't': rng.choice([None, True, False])})
        for c in rng.sample(sorted(TYPES), 2):
            if rng.random() < 0.1:
                rows[-1][c] = None
    return rows


def to_json(row):
    parts = []
    for name, v in row.items():
        if v is None:
            continue
        parts.append('%s:%s' % (json.dumps(name), str(v) if isinstance(v, D) else json.dumps(v)))   # NaN, Infinity: as Spark reads them
    return '{%s}' % ','.join(parts)


def random_call(rng, kinds, inexact=()):
    numbers = [c for c, k in kinds.items() if (k in ('int', 'bigint', 'double') or k.startswith('decimal(')) and
               c not in inexact]
    simple = [c for c, k in kinds.items() if k not in ('array', 'set', 'decimal')]
    bools = [c for c, k in kinds.items() if k == 'boolean']
    if not simple:
        return Call('count')
    where = None
    ints = [c for c, k in kinds.items() if k in ('int', 'bigint')]
    if ints and rng.random() < 0.25:
        c = rng.choice(ints)
        where = ('%s > 0' % c, lambda r, c=c: r[c] is not None and r[c] > 0)
    small = [c for c, k in kinds.items() if k == 'int']  # their sums stay exact in Lua's numbers
    if small and rng.random() < 0.08:
        return Own('sum', (rng.choice(small),))
    name = rng.choice(['count', 'count', 'sum', 'sum', 'try_sum', 'avg', 'min', 'max', 'first', 'last',
                       'any_value', 'min_by', 'max_by', 'bool_and', 'bool_or', 'collect_list',
                       'collect_set'])
    if name == 'count' and rng.random() < 0.4:
        return Call('count', where=where)
    if name in ('sum', 'try_sum', 'avg') and numbers:
        c = rng.choice(numbers)
        return Call(name, (c,), is_distinct=name != 'try_sum' and rng.random() < 0.3, where=where)
    if name.startswith('bool') and bools:
        return Call(name, (rng.choice(bools),), where=where)
    if name.endswith('_by'):
        return Call(name, (rng.choice(simple), rng.choice(simple)), where=where)
    if name in ('first', 'last', 'any_value'):
        ignore = name != 'any_value' and rng.random() < 0.5
        return Call(name, (rng.choice(simple),), ignore_nulls=ignore, where=where)
    if name in ('min', 'max', 'collect_list', 'collect_set'):
        return Call(name, (rng.choice(simple),), where=where)
    return Call('count', (rng.choice(simple),), is_distinct=rng.random() < 0.5, where=where)


class Job:
    def __init__(self, rng):
        self.mode = rng.choice(['complete', 'update', 'changelog'])
        keys = rng.choice([[], ['k1'], ['k2'], ['t'], ['f'], ['d'], ['a'], ['k1', 'k2'], ['s', 't', 'k2'], ['f', 'd']])
        calls = [random_call(rng, TYPES) for _ in range(rng.randint(1, 5))]
        self.stages = [Group(keys, calls, TYPES, 'c')]
        self.having = {}
        if rng.random() < 0.3:
            self.having[0] = Having(rng, self.stages[0].out_kinds)
        if rng.random() < 0.5:
            first = self.stages[0]
            kinds = {k: v for k, v in first.out_kinds.items() if v not in ('array', 'set', 'decimal')}
            groupable = [k for k, v in kinds.items() if v != 'double' and 'decimal' not in v]
            keys = rng.sample(groupable, min(len(groupable), rng.randint(1, 2)))
            inexact = [n for n, c in zip(first.names, first.calls) if c.inexact(TYPES)]
            calls = [random_call(rng, kinds, inexact) for _ in range(rng.randint(1, 5))]
            self.stages.append(Group(keys, calls, kinds, 'e', table=True))
            if rng.random() < 0.3:
                self.having[1] = Having(rng, self.stages[1].out_kinds)
        self.order = None
        kinds = self.stages[-1].out_kinds
        sortable = any(k not in ('array', 'set') for k in kinds.values())
        if self.mode == 'complete' and sortable and rng.random() < 0.4:
            self.order = Order(rng, kinds)
        size = rng.choice([5, 40, 40, 300, 2500])
        self.batches = [random_rows(rng, rng.randint(1, size)) for _ in range(rng.randint(1, 5))]

    def script(self, folder):
        schema = ', '.join('%s %s' % c for c in TYPES.items())
        lines = ['local cdcl = require "cdcl"', 'cdcl.job { name = "model" }',
                 'cdcl.file { path = "%s/in/*.jsonl", schema = "%s", max_files_per_trigger = 1 }' % (
                     folder, schema)]
        for i, stage in enumerate(self.stages):
            aggregates = ', '.join(
                c.lua(n) if isinstance(c, Own) else '[[%s as %s]]' % (c.text(), n)
                for c, n in zip(stage.calls, stage.names))
            keys = ', '.join('"%s"' % k for k in stage.keys)
            lines.append('  %s:agg(%s)' % (':group_by(%s)' % keys if keys else '', aggregates))
            if i in self.having:
                lines.append('  :filter("%s")' % self.having[i].text())
        if self.order:
            lines.append('  ' + self.order.text())
        lines.append('  :to(cdcl.changes { output_mode = "%s" })' % self.mode)
        return '\n'.join(lines) + '\n'

    def expected(self):
        batches = []
        for rows in self.batches:
            changes = [('+I', r) for r in rows]
            for i, stage in enumerate(self.stages):
                for kind, row in changes:
                    stage.take(-1 if kind in ('-U', '-D') else 1, row)
                last = i == len(self.stages) - 1
                changes = stage.emit(self.mode if last else 'changelog')
                if i in self.having:
                    changes = self.having[i].apply(changes)
            if self.order:
                changes = self.order.apply(changes)
            batches.append(changes)
        return batches


def equal(want, got, kind):
    if want is None or got is None:
        return want is got
    if kind == 'double':
        want, got = float(want), float(got)
        return want == got or abs(want - got) <= 1e-12 * max(abs(want), abs(got)) or \
            (math.isnan(want) and math.isnan(got))
    if kind in ('array', 'set'):
        if any(isinstance(v, float) for v in want):
            got = [float(v) for v in got]
        if kind == 'set':  # its order is Spark's, which a unit test checks
            want, got = sorted(want, key=order_of), sorted(got, key=order_of)
        return len(want) == len(got) and all(
            equal(w, g, 'double' if isinstance(w, float) else 'any') for w, g in zip(want, got))
    if isinstance(want, D):
        return D(got) == want
    return want == got and isinstance(want, bool) == isinstance(got, bool)


def compare(job, lines):
    """None, or what differs first."""
    kinds = job.stages[-1].out_kinds
    at = 0
    for number, changes in enumerate(job.expected()):
        for kind, want in changes:
            if at == len(lines):
                return 'batch %d: nothing more, wanted %s %r' % (number, kind, want)
            got = json.loads(lines[at], parse_float=D)
            got_kind = got.pop('@kind', '+I')
            if got_kind != kind or list(got) != list(kinds) or \
                    not all(equal(want[c], got[c], k) for c, k in kinds.items()):
                return 'batch %d, line %d: wanted %s %r\n got %s' % (number, at + 1, kind, want, lines[at])
            at += 1
    return None if at == len(lines) else 'more than wanted: ' + lines[at]


def run_one(program, seed, keep=False):
    rng = random.Random(seed)
    job = Job(rng)
    folder = tempfile.mkdtemp(prefix='model.')
    os.mkdir(folder + '/in')
    for i, rows in enumerate(job.batches):
        with open('%s/in/%04d.jsonl' % (folder, i), 'w', encoding='utf-8') as f:
            f.writelines(to_json(r) + '\n' for r in rows)
    script = job.script(folder)
    with open(folder + '/job.lua', 'w', encoding='utf-8') as f:
        f.write(script)
    r = subprocess.run([program, 'run', '--available-now', '-q', folder + '/job.lua'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                       timeout=120, check=False)
    if r.returncode != 0:
        problem = 'exit %d: %s' % (r.returncode, r.stderr.decode('utf-8', 'replace'))
    else:
        problem = compare(job, r.stdout.decode('utf-8').splitlines())
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return None if problem is None else 'seed %d\n%s%s' % (seed, script, problem)


if __name__ == '__main__':
    sys.exit(seeds.main(run_one))
