"""The machine that figures come from, and what else ran on it."""
import os, platform, re, subprocess


def first(path, pattern, otherwise='unknown'):
    try:
        with open(path) as f:
            found = re.search(pattern, f.read(), re.M)
    except OSError:
        return otherwise
    return found.group(1).strip() if found else otherwise


def output(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode('utf-8', 'replace').strip()


def describe(cdcl, root):
    memory = int(first('/proc/meminfo', r'^MemTotal:\s+(\d+)', '0')) / (1 << 20)
    return {
        'processor': first('/proc/cpuinfo', r'^model name\s*:\s*(.*)$'),
        'cores': os.cpu_count(),
        'memory': '%.0f GB' % memory,
        'kernel': platform.release(),
        'system': first('/etc/os-release', r'^PRETTY_NAME="(.*)"$'),
        'versions': output(cdcl, 'version').replace('\n  ', ', '),
        'commit': output('git', '-C', root, 'describe', '--always', '--dirty'),
    }


def load():
    """Mean number of processes that wanted a core in the last minute."""
    return os.getloadavg()[0]


def available_gb():
    return int(first('/proc/meminfo', r'^MemAvailable:\s+(\d+)', '0')) / (1 << 20)
