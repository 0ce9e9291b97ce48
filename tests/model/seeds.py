"""The command line of the models: random runs, or one again by its seed."""
import argparse, random


def main(run_one):
    """run_one(program, seed, keep) answers what differs, or None."""
    p = argparse.ArgumentParser()
    p.add_argument('--program', default='build/dev/cdcl')
    p.add_argument('--runs', type=int, default=200)
    p.add_argument('--seed', type=int, default=None)
    p.add_argument('--keep', action='store_true')
    o = p.parse_args()
    if o.seed is not None:
        problem = run_one(o.program, o.seed, o.keep)
        print(problem or 'same')
        return 1 if problem else 0
    first = random.SystemRandom().randint(0, 1 << 32)
    print('seeds %d to %d' % (first, first + o.runs - 1))
    bad = 0
    for seed in range(first, first + o.runs):
        problem = run_one(o.program, seed, o.keep)
        if problem:
            bad += 1
            print(problem)
            if bad == 5:
                break
    print('%d runs, %d differ' % (seed - first + 1, bad))
    return 1 if bad else 0
