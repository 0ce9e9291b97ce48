"""One process, run and accounted for (bench_account): wall time, CPU of all its threads, peak memory, what it printed."""
import os, subprocess, tempfile

SECONDS_MAX = 1800
ACCOUNT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'build', 'bench', 'bench_account')


class Run:
    def __init__(self, account, status, out, err):
        self.status, self.text, self.said = status, out, err
        self.wall, self.cpu, peak_kb = (float(word) for word in account.split())
        self.peak_mb = peak_kb / 1024


def measure(command, env, cwd=None):
    with tempfile.NamedTemporaryFile() as account:
        done = subprocess.run([ACCOUNT, account.name, *command], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS_MAX)
        said = account.read().decode()
    if not said:
        raise RuntimeError('%s: %s' % (command[0], done.stderr.decode('utf-8', 'replace')))
    return Run(said, done.returncode, done.stdout.decode('utf-8', 'replace'), done.stderr.decode('utf-8', 'replace'))
