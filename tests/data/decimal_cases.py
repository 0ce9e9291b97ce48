#!/usr/bin/env python3
"""Writes tests/data/decimal_cases.txt: sums, differences, products, quotients and remainders as Spark types and
rounds them, computed with Python's exact integers. `decimal_cases.py [SEED]`; the seed is in the first line.

    op p1 s1 p2 s2 a b -> p s result    (unscaled integers; result "overflow" when it does not fit)"""
import random, sys


def adjusted(p, s):
    if p <= 38:
        return p, s
    return 38, max(38 - (p - s), min(s, 6))


def result_type(op, p1, s1, p2, s2):
    if op in '+-':
        s = max(s1, s2)
        return adjusted(max(p1 - s1, p2 - s2) + s + 1, s)
    if op == '*':
        return adjusted(p1 + p2 + 1, s1 + s2)
    if op == '/':
        s = max(6, s1 + p2 + 1)
        return adjusted(p1 - s1 + s2 + s, s)
    s = max(s1, s2)
    return adjusted(max(min(p1 - s1, p2 - s2) + s, 1), s)


def half_up(n, d):
    """n / d to the nearest whole number, halves away from zero."""
    q, r = divmod(abs(n), abs(d))
    q += 2 * r >= abs(d)
    return -q if (n < 0) != (d < 0) else q


def compute(op, s1, s2, a, b, s):
    """The exact result as a fraction, rounded once to s digits after the point."""
    w = max(s1, s2)
    x, y = a * 10 ** (w - s1), b * 10 ** (w - s2)
    if op == '/':
        return None if b == 0 else half_up(x * 10 ** s, y)
    if op == '%':
        if b == 0:
            return None
        r = abs(x) % abs(y)
        return half_up((-r if x < 0 else r) * 10 ** s, 10 ** w)
    if op == '*':
        return half_up(a * b * 10 ** s, 10 ** (s1 + s2))
    return half_up((x + y if op == '+' else x - y) * 10 ** s, 10 ** w)


def number(rng, p):
    kind = rng.random()
    if kind < 0.1:
        n = rng.choice([0, 1, 5, 10 ** p - 1, 10 ** (p - 1), 5 * 10 ** (p - 1)])
    elif kind < 0.4:
        n = rng.randrange(10 ** rng.randint(1, p))
    else:
        n = rng.randrange(10 ** p)
    return -n if rng.random() < 0.5 else n


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 20240115
    rng = random.Random(seed)
    print('# seed %d' % seed)
    for i in range(2000):
        op = '+-*/%'[i % 5]
        p1, p2 = (rng.choice([1, 5, 10, 18, 19, 20, 37, 38]) if rng.random() < 0.7 else rng.randint(1, 38)
                  for _ in range(2))
        s1, s2 = rng.choice([0, p1, rng.randint(0, p1)]), rng.choice([0, p2, rng.randint(0, p2)])
        a, b = number(rng, p1), number(rng, p2)
        p, s = result_type(op, p1, s1, p2, s2)
        n = compute(op, s1, s2, a, b, s)
        fits = n is not None and abs(n) < 10 ** p
        print(op, p1, s1, p2, s2, a, b, '->', p, s, n if fits else 'overflow')


if __name__ == '__main__':
    main()
