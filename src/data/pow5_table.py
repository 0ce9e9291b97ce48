#!/usr/bin/env python3
"""Writes src/data/pow5_table.c: the first 128 bits of 5^q for q from -342 to 308, cut off for whole powers, the next
above for fractions (Lemire, "Number parsing at a gigabyte per second", 2021)."""


def bits(q):
    if q >= 0:
        c = 5 ** q
        return c << (128 - c.bit_length()) if c.bit_length() <= 128 else c >> (c.bit_length() - 128)
    power = 5 ** -q
    z = (power - 1).bit_length()
    c = (1 << (z + 127 if q >= -27 else 2 * z + 128)) // power + 1
    return c >> (c.bit_length() - 128) if c.bit_length() > 128 else c


def main():
    print('#include "data/pow5_table.h"\n\n/* Written by pow5_table.py. */\n')
    print('const uint64_t pow5_table[pow5_most - pow5_least + 1][2] = {')
    for q in range(-342, 309):
        c = bits(q)
        assert c.bit_length() == 128
        print('\t{0x%016x, 0x%016x},' % (c >> 64, c & (1 << 64) - 1))
    print('};')


if __name__ == '__main__':
    main()
