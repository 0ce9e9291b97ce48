"""Runs the tests of a module, each in a folder of its own. Prints TAP."""
import re, sys, tempfile


def main(module):
    """The module's test_ functions in their order; its `folder` is each one's."""
    pattern = sys.argv[1] if len(sys.argv) > 1 else ''
    tests = [(name[5:].replace('_', ' '), f) for name, f in module.items() if name.startswith('test_')]
    tests = [t for t in tests if re.search(pattern, t[0])]
    print('1..%d' % len(tests))
    print('# SEED=%d' % module['SEED'])
    bad = 0
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix='cdcl-parquet.', ignore_cleanup_errors=True) as module['folder']:
            try:
                test()
                print('ok %d - %s' % (number, name), flush=True)
            except Exception as why:
                bad += 1
                told = '%s: %s' % (type(why).__name__, why)
                print('# %s\nnot ok %d - %s' % (told.replace('\n', '\n# '), number, name), flush=True)
    return 1 if bad else 0
