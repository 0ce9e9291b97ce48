#!/usr/bin/env python3
"""A naive twin of merge and of what stands behind it. Makes random change events and a random job, runs
the job with the program under test (file source with format = "records", one file a batch) and computes the
same with dicts and lists, from the definition in docs/lua-api.md alone.

    merge_model.py [--program build/dev/cdcl] [--runs N] [--seed S] [--keep]

Judged are the current rows of the table and of everything behind it at the end (file_sink), and the changelog
batch by batch: it must lead from nothing to the same rows, with -U and +U in pairs. Numbers are exact:
integers, Decimal, doubles that are multiples of 1/4. On a difference the seed, script and events are told."""
import decimal, json, os, random, shutil, subprocess, sys, tempfile

import seeds

D = decimal.Decimal
decimal.getcontext().prec = 80

# the columns that events may carry, besides the key, the op and the sequence
VALUES = {'a': 'bigint', 'b': 'decimal(12,2)', 's': 'string', 'f': 'double', 't': 'boolean'}
WORDS = {'insert': ['insert', 'i', 'c', 'create', 'I', 'INSERT', 'Create'], 'update': ['update', 'u', 'U', 'Update'],
         'delete': ['delete', 'd', 'D', 'DELETE'], 'read': ['r', 'read', 'snapshot'],
         'truncate': ['t', 'truncate', 'T']}
MAPPED = {'insert': 'new!', 'update': 'mod', 'delete': 'Gone', 'truncate': 'wipe'}
DAY = 86400000


# ---- events ----

class Event:
    """One message. `row` holds the fields that are there, NULLs too; a tombstone has none."""

    def __init__(self, key, op, row, sequence, partition, ts):
        self.key, self.op, self.row, self.sequence = key, op, row, sequence
        self.partition, self.ts, self.offset = partition, ts, None

    def again(self):
        return Event(self.key, self.op, dict(self.row) if self.row is not None else None, self.sequence,
                     self.partition, self.ts)

    def line(self, job):
        if self.row is None:
            value = None
        else:
            fields = dict(zip(job.key, self.key))
            fields.update(self.row)
            fields.update(zip(job.sequence_columns, self.sequence))
            if job.op_style == 'expression':
                fields['gone'] = self.op == 'delete'
            elif job.op_style != 'none':
                fields[job.op_column] = job.word(self)
            if self.op == 'truncate':
                fields = {job.op_column: job.word(self)}
            value = text_of(fields)
        return json.dumps({'topic': 't', 'partition': self.partition, 'offset': self.offset, 'ts': self.ts,
                           'headers': [], 'key': None if self.op == 'truncate' else text_of(dict(zip(job.key, self.key))),
                           'value': value}, ensure_ascii=False)


def text_of(fields):
    return '{%s}' % ','.join('%s:%s' % (json.dumps(n), str(v) if isinstance(v, D) else
                                        json.dumps(v, ensure_ascii=False)) for n, v in fields.items())


# ---- the definition of merge ----

class Refused(Exception):
    """The event becomes a dead letter; the row stays as it was."""


class Entry:
    def __init__(self):
        self.row = None             # None: not there
        self.sequence = None        # of the last event that counted; kept when the row goes
        self.awaits = False         # a delete came: the tombstone that follows it says nothing new


class Table:
    """Current rows by key, as `merge` keeps them."""

    def __init__(self, job):
        self.job, self.entries = job, {}
        self.dead = 0

    def rows(self):
        return {k: e.row for k, e in self.entries.items() if e.row is not None}

    def take(self, event):
        try:
            self.apply(event)
        except Refused:
            self.dead += 1

    def apply(self, event):
        job = self.job
        if event.op == 'truncate':
            if job.on_truncate == 'clear':
                for entry in self.entries.values():
                    entry.row = None
            return
        if any(k is None for k in event.key):
            raise Refused('NULL in the key')
        entry = self.entries.setdefault(event.key, Entry())
        if event.row is None:
            self.tombstone(entry, event)
            return
        if event.op == 'delete':
            entry.awaits = True
        if job.sequence_columns and entry.sequence is not None and \
                job.order(event.sequence) <= job.order(entry.sequence):
            return      # stale
        self.fresh(entry, event)
        entry.sequence = event.sequence

    def tombstone(self, entry, event):
        """Carries no sequence: after a delete it says nothing; a lone one deletes, in order of arrival."""
        if entry.awaits:
            entry.awaits = False
        elif entry.row is not None:
            entry.row = self.deleted(entry.row, event)

    def fresh(self, entry, event):
        job, old = self.job, entry.row
        if event.op == 'delete':
            if old is None:
                self.policy(job.on_delete_missing)
            else:
                entry.row = self.deleted(old, event)
        elif event.op == 'insert' and old is not None:
            if self.policy(job.on_insert_existing):
                entry.row = self.written(old, event)
        elif event.op == 'update' and old is None:
            if self.policy(job.on_update_missing):
                entry.row = self.written(None, event)
        else:
            entry.row = self.written(old, event)

    @staticmethod
    def policy(word):
        if word == 'error':
            raise Refused('policy')
        return word == 'apply'

    def written(self, old, event):
        """The row after an insert or update; the rules have their say."""
        job = self.job
        keeps = job.update == 'patch' and old is not None
        new = dict(zip(job.key, event.key))
        for c in job.columns:
            there = c in event.row and not (keeps and job.null_means == 'keep' and event.row[c] is None)
            new[c] = event.row[c] if there else old[c] if keeps else None
            if c in job.excepted and old is not None:
                new[c] = old[c]
        for c, v in zip(job.sequence_columns, event.sequence):
            new[c] = v
        if job.op_style == 'expression':
            new['gone'] = False
        return job.rule.written(old, new, event)

    def deleted(self, old, event):
        return self.job.rule.deleted(old, event)


class Rule:
    """No rule: the last write wins, a delete deletes."""

    script = ''
    order_free = False

    def __init__(self, rng, job):
        pass

    def written(self, old, new, event):
        return new

    def deleted(self, old, event):
        return None


class LuaRefuses(Rule):
    """A rule in Lua with each of its answers: a row, delete, as it was, a reason."""

    script = '''on_update = function(old, new)
      if new.a == -3 then return cdcl.delete end
      if new.a == -2 then return old end
      if new.a == -1 then return nil, "a is -1" end
      if new.s == "x" then new.s = "was " .. tostring(old.s) end
      return new
    end,
    on_insert = function(new) if new.a == -1 then return nil, "no" end return new end,
    on_delete = function(old) if old.s == "y" then return old end return cdcl.delete end'''

    def written(self, old, new, event):
        if old is None:
            if new['a'] == -1:
                raise Refused('no')
            return new
        if new['a'] == -3:
            return None
        if new['a'] == -2:
            return old
        if new['a'] == -1:
            raise Refused('a is -1')
        if new['s'] == 'x':
            new['s'] = 'was ' + ('nil' if old['s'] is None else old['s'])
        return new

    def deleted(self, old, event):
        return old if old['s'] == 'y' else None


# ---- what stands behind a table: computed anew from the current rows ----

def half_up(x, digits):
    return x.quantize(D(1).scaleb(-digits), rounding=decimal.ROUND_HALF_UP)


class LongOverflow(Exception):
    """A sum that a bigint cannot hold: the job must stop, with these words."""

    words = '[ARITHMETIC_OVERFLOW] long overflow in sum(a)'


def long_sum(values):
    total = sum(values)
    if not -(1 << 63) <= total < 1 << 63:
        raise LongOverflow
    return total


AGGREGATES = {   # text -> the same of a list of rows
    'count(*)': len,
    'count(a)': lambda rows: len(present(rows, 'a')),
    'count(distinct s)': lambda rows: len(set(present(rows, 's'))),
    'sum(a)': lambda rows: long_sum(present(rows, 'a')) if present(rows, 'a') else None,
    'sum(b)': lambda rows: sum(present(rows, 'b')) if present(rows, 'b') else None,
    'sum(f)': lambda rows: sum(present(rows, 'f')) if present(rows, 'f') else None,
    'avg(b)': lambda rows: half_up(sum(present(rows, 'b')) / len(present(rows, 'b')), 6) if present(rows, 'b') else None,
    'avg(f)': lambda rows: sum(present(rows, 'f')) / len(present(rows, 'f')) if present(rows, 'f') else None,
    'min(b)': lambda rows: min(present(rows, 'b'), default=None),
    'max(a)': lambda rows: max(present(rows, 'a'), default=None),
    'min(s)': lambda rows: min(present(rows, 's'), key=str.encode, default=None),
    'max(s)': lambda rows: max(present(rows, 's'), key=str.encode, default=None),
    'collect_list(a)': lambda rows: sorted(present(rows, 'a')),
    'bool_or(t)': lambda rows: any(present(rows, 't')) if present(rows, 't') else None,
}


def present(rows, column):
    return [r[column] for r in rows if r[column] is not None]


class View:
    """Something made from a table: its text in the script, its key, and its rows from the table's."""

    key = []
    text = ''

    def rows(self, rows):
        raise NotImplementedError


class Whole(View):
    def __init__(self, job):
        self.key = job.key

    def rows(self, rows):
        return rows


class Filtered(View):
    """filter, and a computed column."""

    def __init__(self, rng, key):
        self.key, self.above = key, rng.randint(-3, 6)
        self.adds = rng.random() < 0.5
        self.text = ':filter("a > %d or t")' % self.above + (':with("b * 2 as twice")' if self.adds else '')

    def rows(self, rows):
        keep = {k: dict(r) for k, r in rows.items() if (r['a'] is not None and r['a'] > self.above) or r['t']}
        for row in keep.values() if self.adds else ():
            row['twice'] = None if row['b'] is None else row['b'] * 2
        return keep


class Grouped(View):
    def __init__(self, rng, columns):
        self.key = rng.choice([['s'], ['t'], ['t', 's'], ['a']])
        self.calls = rng.sample(sorted(AGGREGATES), rng.randint(1, 6))
        self.text = ':group_by("%s"):agg(%s)' % (', '.join(self.key), ', '.join(
            '"%s as c%d"' % (c, i) for i, c in enumerate(self.calls)))

    def rows(self, rows):
        groups = {}
        for row in rows.values():
            groups.setdefault(tuple(row[c] for c in self.key), []).append(row)
        return {at: dict(zip(self.key, at), **{'c%d' % i: AGGREGATES[c](members) for i, c in enumerate(self.calls)})
                for at, members in groups.items()}


class Total(Grouped):
    """Without keys: one row, also of nothing."""

    def __init__(self, rng, columns):
        super().__init__(rng, columns)
        self.key = []
        self.text = self.text[self.text.index(':agg'):]

    def rows(self, rows):
        return super().rows(rows) or {(): {'c%d' % i: AGGREGATES[c]([]) for i, c in enumerate(self.calls)}}


class Sizes(View):
    """A group of groups: how many groups have how many members."""

    key = ['n']

    def __init__(self, rng, columns):
        self.by = rng.choice(['s', 't', 'a'])
        self.text = ':group_by("%s"):agg("count(*) as n"):group_by("n"):agg("count(*) as groups")' % self.by

    def rows(self, rows):
        sizes, out = {}, {}
        for row in rows.values():
            sizes[row[self.by]] = sizes.get(row[self.by], 0) + 1
        for n in sizes.values():
            out[(n,)] = {'n': n, 'groups': out.get((n,), {'groups': 0})['groups'] + 1}
        return out


def ordered(v):
    """Ascending, NULLs first."""
    return (0,) if v is None else (1, v.encode() if isinstance(v, str) else v)


class Topped(View):
    """The first rows of each group; equal ones by the table's key."""

    def __init__(self, rng, job):
        self.key, self.n = job.key, rng.choice([1, 2, 5])
        self.by, self.down = rng.choice(['a', 'b', 'f', 's']), rng.random() < 0.5
        self.groups = rng.choice([[], ['s'], ['t'], ['t', 's']])
        self.text = '%s:top(%d, "%s%s")' % (':group_by("%s")' % ', '.join(self.groups) if self.groups else '', self.n,
                                            self.by, ' desc' if self.down else '')

    def rows(self, rows):
        groups = {}
        for at, row in rows.items():
            groups.setdefault(tuple(row[c] for c in self.groups), []).append((at, row))
        out = {}
        for members in groups.values():
            members.sort(key=lambda m: [ordered(c) for c in m[0]])
            members.sort(key=lambda m: ordered(m[1][self.by]), reverse=self.down)
            out.update(members[:self.n])    # reverse keeps equal ones in order, and NULLs are last, as with desc
        return out


class Joined(View):
    """With groups of itself (both sides of a change), or with itself under other names (many to many)."""

    def __init__(self, rng, job):
        self.kind, self.by = rng.choice(['inner', 'left']), rng.choice(['s', 't', 'a'])
        self.groups, self.job = rng.random() < 0.5, job
        names = [c + '2' for c in job.key]
        self.key = job.key if self.groups else job.key + names
        right = 't:group_by("%s"):agg("count(*) as n", "min(b) as least")' % self.by if self.groups else \
            't:select(%s, "%s as by2", "b as b2")' % (', '.join('"%s as %s2"' % (c, c) for c in job.key), self.by)
        self.text = ':join(%s, "%s"%s)' % (right, self.by if self.groups else self.by + ' = by2',
                                           ', "left"' if self.kind == 'left' else '')

    def rows(self, rows):
        others = {}
        for at, row in rows.items():
            others.setdefault(row[self.by], []).append((at, row))
        others.pop(None, None)
        out = {}
        for at, row in rows.items():
            found = others.get(row[self.by], [])
            if self.groups:
                if found or self.kind == 'left':
                    first = {self.by: row[self.by]}
                    first.update(row)
                    first['n'] = len(found) or None
                    first['least'] = AGGREGATES['min(b)']([r for _, r in found])
                    out[at] = first
                continue
            if not found and self.kind == 'left':
                found = [((None,) * len(at), {self.by: None, 'b': None})]
            for other, r in found:
                out[at + other] = dict(row, **dict(zip([c + '2' for c in self.job.key], other)),
                                       by2=r[self.by], b2=r['b'])
        return out


class Chain(View):
    def __init__(self, first, then):
        self.first, self.then, self.key = first, then, then.key
        self.text = first.text + then.text

    def rows(self, rows):
        return self.then.rows(self.first.rows(rows))


def random_views(rng, job):
    views = [Whole(job)]
    for _ in range(rng.choice([0, 1, 2, 3])):
        view = rng.choice([Grouped, Grouped, Total, Sizes])(rng, job.columns)
        if rng.random() < 0.4:
            view = Chain(Filtered(rng, job.key), view)
        views.append(view)
    if rng.random() < 0.4:
        views.append(Filtered(rng, job.key))
    if rng.random() < 0.5:
        view = rng.choice([Topped, Joined])(rng, job)
        if rng.random() < 0.3:
            view = Chain(view, Grouped(rng, job.columns))
        elif rng.random() < 0.3 and isinstance(view, Topped):
            view = Chain(Filtered(rng, job.key), view)
        views.append(view)
    return views


# ---- a random job ----

class Job:
    def __init__(self, rng):
        self.rng = rng
        self.key = rng.choice([['k'], ['g', 'k']])
        self.kinds = dict({'k': 'int', 'g': 'string'}, **VALUES)
        self.columns = list(VALUES)
        self.update = rng.choice(['replace', 'patch'])
        self.null_means = rng.choice(['null', 'keep']) if self.update == 'patch' else 'null'
        self.excepted = set(rng.sample(self.columns, rng.choice([0, 0, 0, 1, 2])))
        self.sequence_columns, self.sequence_text = rng.choice(
            [([], None), (['ver'], 'ver'), (['ver', 'sub'], 'ver, sub'), (['ver', 'sub'], 'ver * 1000 + sub')])
        self.op_style = rng.choice(['default', 'named', 'mapped', 'expression', 'none'])
        self.op_column = 'op' if self.op_style in ('default', 'mapped') else 'what'
        policies = ['apply'] * 3 + ['ignore', 'error']
        self.on_insert_existing = rng.choice(policies)
        self.on_update_missing = rng.choice(policies)
        self.on_delete_missing = rng.choice(['apply'] * 3 + ['ignore', 'error'])
        if self.sequence_columns:  # an order that is repaired later must not depend on what is there by chance
            self.on_delete_missing = 'apply'
        self.on_truncate = rng.choice(['clear', 'ignore'])
        self.rule = rng.choice([Rule, Rule, Rule, LuaRefuses])(rng, self)
        self.batches = self.make_batches()
        self.views = random_views(rng, self)
        self.watched = rng.choice(self.views)   # whose changelog is judged

    def order(self, sequence):
        if self.sequence_text == 'ver * 1000 + sub':
            return sequence[0] * 1000 + sequence[1]
        return sequence

    def word(self, event):
        if self.op_style == 'mapped':
            return MAPPED[event.op] if event.op in MAPPED else 'r'
        rng = random.Random('%s %s' % (event.op, event.offset))
        return rng.choice(WORDS[event.op])

    def value(self, column):
        rng, kind = self.rng, VALUES[column]
        if rng.random() < 0.15:
            return None
        if kind == 'bigint':
            return rng.choice([rng.randint(-3, 9), rng.randint(-(1 << 52), 1 << 52), (1 << 53) + 1])
        if kind.startswith('decimal'):
            return D(rng.randint(-99999, 99999)).scaleb(-2)
        if kind == 'double':
            return rng.randint(-4000, 4000) / 4
        if kind == 'boolean':
            return rng.random() < 0.5
        return rng.choice(['', 'x', 'y', 'ä😀', 'null', 'a long text of more than sixteen bytes' * rng.randint(1, 5)])

    def make_batches(self):
        rng = self.rng
        keys = rng.choice([3, 8, 40])
        count = rng.choice([10, 40, 200, 200, 3000])
        ops = {'default': ['insert', 'insert', 'update', 'update', 'delete', 'read'],
               'expression': ['upsert', 'upsert', 'delete'], 'none': ['upsert']}
        ops['named'] = ops['mapped'] = ops['default']
        events, last = [], {}
        for at in range(count):
            key = tuple(rng.choice(['', 'g', 'grün']) if c == 'g' else rng.randint(1, keys) for c in self.key)
            op = rng.choice(ops[self.op_style])
            row = {c: self.value(c) for c in self.columns if rng.random() < 0.85}
            if op == 'truncate' or rng.random() < (0.2 if self.op_style == 'none' else 0.06):
                events.append(Event(key, 'tombstone', None, (), 0, 1700000000000 + at))
                continue
            last[key] = last.get(key, 0) + rng.choice([0, 1, 1, 2])
            sequence = (last[key] // 3, last[key] % 3)[:len(self.sequence_columns)]
            if len(self.sequence_columns) == 1:
                sequence = (last[key],)
            events.append(Event(key, op, row, sequence, 0, 1700000000000 + at))
            if op == 'delete' and rng.random() < 0.5:
                events.append(Event(key, 'tombstone', None, (), 0, 1700000000000 + at))
        events = self.disturbed(events)
        if self.op_style in ('default', 'named', 'mapped') and not self.sequence_columns and rng.random() < 0.3:
            events.insert(rng.randrange(len(events)), Event((None,) * len(self.key), 'truncate', {}, (), 0, 1700000000000))
        for at, event in enumerate(events):
            event.offset = at
        return self.cut(events)

    def disturbed(self, events):
        """Duplicates, slices again, and late events."""
        rng = self.rng
        if rng.random() < 0.5:
            for _ in range(rng.randint(1, 4)):
                begin = rng.randrange(len(events))
                again = [e.again() for e in events[begin:begin + rng.randint(1, 20)]]
                at = rng.randint(begin, len(events))
                events[at:at] = again
        if rng.random() < 0.5:
            for _ in range(rng.randint(1, max(1, len(events) // 10))):
                event = events.pop(rng.randrange(len(events)))
                events.insert(rng.randint(0, len(events)), event)
        return events

    def cut(self, events):
        batches, at = [], 0
        while at < len(events):
            size = self.rng.choice([1, 5, 50, 1500])
            batches.append(events[at:at + size])
            at += size
            if len(batches) == 8:
                batches[-1] += events[at:]
                break
        return batches

    # ---- as a script ----

    def options(self):
        o = ['name = "t"', 'key = "%s"' % ', '.join(self.key), 'update = "%s"' % self.update]
        if self.update == 'patch':
            o.append('null_means = "%s"' % self.null_means)
        if self.excepted:
            o.append('except = "%s"' % ', '.join(sorted(self.excepted)))
        if self.sequence_text:
            o.append('sequence_by = "%s"' % self.sequence_text)
        if self.op_style == 'named':
            o.append('op = "what"')
        elif self.op_style == 'mapped':
            o.append('op = "op"')
            o.append('op_map = { %s }' % ', '.join('["%s"] = "%s"' % (w, op) for op, w in MAPPED.items()))
        elif self.op_style == 'expression':
            o.append('op = "case when gone then \'delete\' else \'upsert\' end"')
        if self.op_style in ('default', 'named', 'mapped'):
            for name in ('on_insert_existing', 'on_update_missing', 'on_delete_missing'):
                o.append('%s = "%s"' % (name, getattr(self, name)))
            o.append('on_truncate = "%s"' % self.on_truncate)
        if self.rule.script:
            o.append(self.rule.script)
        return ',\n    '.join(o)

    def schema(self):
        columns = [(c, self.kinds[c]) for c in self.key] + [(c, VALUES[c]) for c in self.columns] + \
            [(c, 'bigint') for c in self.sequence_columns]
        if self.op_style == 'expression':
            columns.append(('gone', 'boolean'))
        elif self.op_style != 'none':
            columns.append((self.op_column, 'string'))
        return ', '.join('%s %s' % c for c in columns)

    def script(self, folder):
        lines = ['local cdcl = require "cdcl"', 'cdcl.job { name = "model", error_budget = 1000000, error_budget_per_minute = 1000000 }',
                 'local t = cdcl.file { path = "%s/in/*.jsonl", format = "records", schema = "%s", envelope = "flat", '
                 'max_files_per_trigger = 1 }' % (folder, self.schema()), '  :merge {', '    ' + self.options(), '  }',
                 ]
        for i, view in enumerate(self.views):
            watch = 'cdcl.changes { output_mode = "changelog" }, ' if view is self.watched else ''
            lines.append('t%s:to(%scdcl.file_sink { path = "%s/%d.jsonl", format = "jsonl" })' % (
                view.text, watch, folder, i))
        return '\n'.join(lines) + '\n'

    def out_columns(self):
        gone = ['gone'] if self.op_style == 'expression' else []
        return self.key + self.columns + self.sequence_columns + gone


# ---- judging ----

def parse(line):
    return json.loads(line, parse_float=D)


def equal(want, got):
    if want is None or got is None or isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, float):
        return isinstance(got, (D, int)) and float(got) == want
    if isinstance(want, D):
        return isinstance(got, (D, int)) and D(got) == want
    if isinstance(want, list):  # nothing says in which order a table's rows are collected
        return isinstance(got, list) and sorted(got) == want
    return want == got and type(want) is type(got)


def row_equal(want, got):
    return list(want) == list(got) and all(equal(want[c], got[c]) for c in want)


def final_problem(name, want, lines, key):
    got = {}
    for line in lines:
        row = parse(line)
        at = tuple(row[c] for c in key)
        if at in got:
            return '%s: two rows of key %r' % (name, at)
        got[at] = row
    for at in want:
        if at not in got:
            return '%s: no row of key %r, wanted %r' % (name, at, want[at])
        if not row_equal(want[at], got[at]):
            return '%s: wanted %r\n got %r' % (name, want[at], got[at])
    extra = [at for at in got if at not in want]
    return '%s: too much: %r' % (name, got[extra[0]]) if extra else None


class Changelog:
    """Applies changelog lines; every line must fit what the ones before it made."""

    def __init__(self, key):
        self.key, self.rows, self.before = key, {}, None

    def take(self, line):
        row = parse(line)
        kind = row.pop('@kind')
        at = tuple(row[c] for c in self.key)
        if (self.before is not None) != (kind == '+U') or (kind == '+U' and self.before != at):
            return '-U and +U are no pair: ' + line
        self.before = None
        if kind == '+I':
            if at in self.rows:
                return '+I over a row: ' + line
            self.rows[at] = row
        elif kind == '+U':
            self.rows[at] = row
        else:
            if at not in self.rows or not row_equal(self.rows[at], row):
                return '%s of another row: %s\n there is %r' % (kind, line, self.rows.get(at))
            if kind == '-U':
                self.before = at
            else:
                del self.rows[at]
        return None


def changelog_problem(key, batches, lines):
    """`batches`: the rows after each batch. The lines must pass through each of these, in turn."""
    log, at = Changelog(key), 0
    for number, want in enumerate(batches):
        while not (log.before is None and len(log.rows) == len(want) and
                   all(k in log.rows and row_equal(want[k], log.rows[k]) for k in want)):
            if at == len(lines):
                return 'the changelog never comes to the rows after batch %d: %s' % (number, final_problem(
                    't', want, [json.dumps(r, default=float) for r in log.rows.values()], key))
            problem = log.take(lines[at])
            if problem:
                return 'batch %d, line %d: %s' % (number, at + 1, problem)
            at += 1
    while at < len(lines):
        problem = log.take(lines[at])
        if problem:
            return problem
        at += 1
    return None if log.before is None else 'a -U is the last line'


def run_one(program, seed, keep=False):
    job = Job(random.Random(seed))
    folder = tempfile.mkdtemp(prefix='model.')
    os.mkdir(folder + '/in')
    for i, batch in enumerate(job.batches):
        with open('%s/in/%04d.jsonl' % (folder, i), 'w', encoding='utf-8') as f:
            f.writelines(e.line(job) + '\n' for e in batch)
    script = job.script(folder)
    with open(folder + '/job.lua', 'w', encoding='utf-8') as f:
        f.write(script)
    r = subprocess.run([program, 'run', '--available-now', '-q', folder + '/job.lua'], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120, check=False)
    try:
        problem = judge(job, folder, r)
    except (OSError, ValueError, KeyError, LongOverflow) as e:
        problem = '%s: %s' % (type(e).__name__, e)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return None if problem is None else 'seed %d\n%s%s' % (seed, script, problem)


def overflows(job):
    table, columns = Table(job), job.out_columns()
    for batch in job.batches:
        for event in batch:
            table.take(event)
        rows = {k: {c: row.get(c) for c in columns} for k, row in table.rows().items()}
        try:
            for view in job.views + [job.watched]:
                view.rows(rows)
        except LongOverflow:
            return True
    return False


def judge(job, folder, ran):
    if ran.returncode != 0:
        said = ran.stderr.decode('utf-8', 'replace')
        if ran.returncode == 1 and LongOverflow.words in said and overflows(job):
            return None
        return 'exit %d: %s' % (ran.returncode, said[-3000:])
    table, batches, columns = Table(job), [], job.out_columns()
    for batch in job.batches:
        for event in batch:
            table.take(event)
        batches.append({k: {c: row.get(c) for c in columns} for k, row in table.rows().items()})
    for i, view in enumerate(job.views):
        with open('%s/%d.jsonl' % (folder, i), encoding='utf-8', newline='') as f:
            lines = [line for line in f.read().split('\n') if line]
        problem = final_problem('t' + view.text, view.rows(batches[-1]), lines, view.key)
        if problem:
            return problem
    log = [line for line in ran.stdout.decode('utf-8').split('\n') if line]
    return changelog_problem(job.watched.key, [job.watched.rows(b) for b in batches], log)


if __name__ == '__main__':
    sys.exit(seeds.main(run_one))
