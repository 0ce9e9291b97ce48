"""The readers that judge Parquet files: pyarrow, DuckDB and pandas in a virtual environment of their own.

The packages (readers.txt) come from PyPI once, into $CDCL_CACHE, else ~/.cache/cdcl. What cannot be had raises
Unavailable: a SKIP, with CI=true a failure. `python3 readers.py` prints the interpreter that has them.
"""
import fcntl, hashlib, os, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Unavailable(Exception):
    """The packages cannot be had on this machine."""


def run(what, *command):
    r = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode != 0:
        raise Unavailable('%s: %s' % (what, r.stdout.decode('utf-8', 'replace').strip()[-400:].replace('\n', ' ')))


def environment(name, requirements, make=True):
    """The interpreter of an environment with these packages; without `make`, only where it is there already."""
    cache = os.environ.get('CDCL_CACHE') or os.path.join(os.path.expanduser('~'), '.cache', 'cdcl')
    wanted = open(os.path.join(HERE, requirements), 'rb').read() + sys.version.encode()
    folder = os.path.join(cache, '%s-%s' % (name, hashlib.sha256(wanted).hexdigest()[:12]))
    python, done = folder + '/bin/python', folder + '/complete'
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, 'lock.' + name), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(done) and not make:
            raise Unavailable('%s is not installed; CI=true or CDCL_LONG=1 downloads it' % requirements)
        if not os.path.exists(done):
            shutil.rmtree(folder, ignore_errors=True)
            run('python3 -m venv', sys.executable, '-m', 'venv', folder)
            run('pip', python, '-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--only-binary', ':all:',
                '-r', os.path.join(HERE, requirements))
            open(done, 'w').close()
    return python


def readers():
    return environment('readers', 'readers.txt')


if __name__ == '__main__':
    print(readers())
