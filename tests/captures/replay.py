"""Other orders of the same recorded changes, that must end in the same table when positions decide.

What stays as it is, because Debezium says nothing that could repair it: the record that begins a
snapshot (it opens a new epoch), and a tombstone is never moved before its delete: a tombstone has no
position, so a lone one deletes in order of arrival."""
import json


def units(records):
    """Lists of records that move together: a delete and its tombstone."""
    out, open_delete = [], {}
    for r in records:
        if r['value'] is None and r['key'] in open_delete:
            open_delete.pop(r['key']).append(r)
            continue
        out.append([r])
        if r['value'] is not None and '"op":"d"' in r['value']:
            open_delete[r['key']] = out[-1]
    return out


def fixed(unit):
    return unit[0]['value'] is not None and '"snapshot":"first"' in unit[0]['value']


def flat(list_of_units):
    return [r for unit in list_of_units for r in unit]


def reordered(rng, records):
    """The changes of each key in another order, at the places where the key had changes."""
    all_units, places = units(records), {}
    for at, unit in enumerate(all_units):
        if not fixed(unit):
            places.setdefault(unit[0]['key'], []).append(at)
    out = list(all_units)
    for at in places.values():
        moved = [all_units[i] for i in at]
        rng.shuffle(moved)
        for i, unit in zip(at, moved):
            out[i] = unit
    return flat(out)


def repeated(rng, records):
    """Slices again, as after a restart of the connector: some at once, some much later."""
    out = units(records)
    for _ in range(12):
        begin = rng.randrange(len(out))
        again = [u for u in out[begin:begin + rng.randrange(1, 2000)] if not fixed(u)]
        at = min(len(out), begin + rng.randrange(1, 4000))
        out[at:at] = again
    return flat(out)


def tombstones_moved(rng, records):
    """Each tombstone some records later than it was, behind newer changes of its key; not behind the key's
    next delete, which has a tombstone of its own."""
    keyed, next_delete = [], {}
    for at in reversed(range(len(records))):
        r = records[at]
        place = at
        if r['value'] is None and rng.random() < 0.5:
            place = min(at + rng.randrange(0, 3000), next_delete.get(r['key'], len(records)) - 1)
        elif r['value'] is not None and '"op":"d"' in r['value']:
            next_delete[r['key']] = at
        keyed.append((place, at, r))
    return [r for _, _, r in sorted(keyed, key=lambda x: x[:2])]


def everything(rng, records):
    return repeated(rng, reordered(rng, records))


def renumbered(records):
    """A topic numbers what arrives."""
    return [dict(r, offset=at) for at, r in enumerate(records)]


WAYS = {'keys reordered': reordered, 'slices repeated': repeated, 'tombstones moved': tombstones_moved,
        'reordered and repeated': everything}
