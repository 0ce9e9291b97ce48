"""Columns that come, grow and go while a killed job runs: `schema = "auto"` over flat messages. The model is that of
changes.py with all columns from the start, so it says what docs/lua-api.md promises: as if they had been known. What
is computed over the stream keeps to columns that stay what they are (the manual: groups of a Stream do)."""
import decimal, json

import changes, targets

D = decimal.Decimal
COLUMNS = changes.COLUMNS + ('color', 'day', 'mark', 'more')

JOB = '''local cdcl = require "cdcl"
cdcl.job { name = "kill", checkpoint = "state"%(trigger)s, dead_letters = { %(dead)s },
  error_budget = 1000000000, error_budget_per_minute = 1000000000 }
local events = cdcl.kafka { topic = "%(topic)s", mode = "drop", starting_offsets = "earliest",
  max_offsets_per_trigger = %(limit)d, schema = "auto" }
local orders = events:merge { name = "orders", key = "id"%(merge)s }
local units = orders:group_by "product":agg("count(*) as n", "sum(quantity) as units", "max(price) as top",
  "min(seq) as oldest", "count(distinct quantity) as kinds")
local ops = events:group_by "op":agg("count(*) as n", "count(distinct id) as ids", "max(seq) as last")
orders:agg "count(*) as n":to(cdcl.foreach_batch({ output_mode = "update" }, function() end))
local all = events:with("@partition as p", "@offset as o")
'''


class Events(changes.Events):
    """Every some hundred events one thing more is different; each comes at last, in any order."""
    unfit = None

    def __init__(self, seed, keys):
        super().__init__(seed, keys)
        self.to_come = ['color', 'day', 'half', 'mark', 'gone']
        self.rng.shuffle(self.to_come)
        self.to_come.insert(self.rng.randrange(self.to_come.index('mark') + 1, 6), 'word')
        self.there = set()
        self.change_at = self.first + 1

    def change(self, op, key):
        r = self.rng
        fields = super().change(op, key)
        if len(self.all) >= self.change_at and self.to_come:
            self.there.add(self.to_come.pop(0))
            self.change_at = len(self.all) + r.choice([1, 30, 300])
        if fields.get('quantity') is not None and 'half' in self.there and r.random() < 0.5:
            fields['quantity'] += D('0.5')
        if 'gone' in self.there:
            fields.pop('price', None)
        for name, value in (('color', r.choice(['red', 'a "blue" one', 'x'])), ('day', '2024-05-%02d' % r.randrange(1, 29)),
                            ('mark', 'word %d' % r.randrange(9) if 'word' in self.there else r.randrange(100))):
            if name in self.there and r.random() < 0.5:
                fields[name] = None if r.random() < 0.2 else value
        return fields


class Model(changes.Model):
    """A column that became one of texts holds them all as texts."""
    columns = COLUMNS

    def take(self, e):
        if isinstance(e.fields, dict) and e.fields.get('mark') is not None:
            e.fields['mark'] = str(e.fields['mark'])
        super().take(e)

    def ops(self):
        return {at: {n: v for n, v in row.items() if n != 'units'} for at, row in super().ops().items()}


def form(row):
    """One form for what was written before a column came or grew, and after it."""
    out = dict.fromkeys(COLUMNS) if 'id' in row else {}
    for name, value in row.items():
        if value is not None and name in ('quantity', 'units'):
            value = D(str(value))
        elif value is not None and name == 'mark':
            value = str(value)
        elif name == 'more' and isinstance(value, str):
            value = json.loads(value)
        elif name not in ('quantity', 'units'):
            value = targets.plain({name: value})[name]
        out[name] = value
    return out
