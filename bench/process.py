"""One process, run and accounted for: wall time, CPU of all its threads and children, peak memory, what it printed."""
import os, subprocess, tempfile, threading, time

SECONDS_MAX = 1800


class Run:
    def __init__(self, wall, used, status, out, err):
        self.wall, self.status, self.text, self.said = wall, status, out, err
        self.cpu = used.ru_utime + used.ru_stime
        self.peak_mb = used.ru_maxrss / 1024


def measure(command, env, cwd=None, stdin=None):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err)
        limit = threading.Timer(SECONDS_MAX, process.kill)
        limit.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        finally:
            limit.cancel()
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        return Run(wall, used, process.returncode, out.read().decode('utf-8', 'replace'),
                   err.read().decode('utf-8', 'replace'))
