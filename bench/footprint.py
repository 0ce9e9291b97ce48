"""From exec to the first row, resident memory when idle and at full speed, on every lane.

A start is little but page faults, wake-ups and answers of the broker, so the machine decides: beside it stands the start of the
same job over a file, by turns, which is the part that is not Kafka's. A broker that has answered little so far is not measured: its
first answers take tens of milliseconds, until its code is compiled.
"""
import os, re, select, subprocess, tempfile, time
import lane
from figure import figure
from process import measure

COLUMNS = ['exec to first row, ms', 'the same from a file, ms', 'idle MB', 'full speed MB']
STARTS, WARM_STARTS, WAIT_S, READ_MAX = 15, 25, 30, 1 << 16
JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'jobs', 'operations.lua')


def command(cdcl, topic, lane_name, *more):
    return [cdcl, 'run', '-q', '--set', 'topic=' + topic, *lane.setting(lane_name), *more, JOB]


def start(arguments, env):
    return subprocess.Popen(arguments, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def stop(process):
    process.terminate()
    process.stdout.close()
    process.wait()


def wait_for(process, wanted):
    """Until this stands in what it printed."""
    text, deadline = b'', time.monotonic() + WAIT_S
    while wanted not in text:
        ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
        more = os.read(process.stdout.fileno(), READ_MAX) if ready else b''
        if not more:
            raise RuntimeError('no row came')
        text += more


def first_row_ms(cdcl, topic, lane_name, env, *more):
    began = time.monotonic()
    process = start(command(cdcl, topic, lane_name, '--trigger', 'default', '--from', 'earliest', *more), env)
    try:
        wait_for(process, b'|insert')
        return (time.monotonic() - began) * 1000
    finally:
        stop(process)


def starts_ms(cdcl, topic, lane_name, env):
    """Over Kafka and over a file."""
    with tempfile.NamedTemporaryFile('w', suffix='.jsonl') as f:
        f.writelines('{"order_id":%d,"product":"Mouse","quantity":1,"op":"insert"}\n' % n for n in range(topic.events))
        f.flush()
        for _ in range(WARM_STARTS):
            first_row_ms(cdcl, topic.name, lane_name, env)
        both = [(first_row_ms(cdcl, topic.name, lane_name, env), first_row_ms(cdcl, topic.name, lane_name, env, '--input', f.name))
                for _ in range(STARTS)]
    return [figure(ms, 'ms', 1) for ms in zip(*both)]


def idle_mb(cdcl, topic, lane_name, env):
    """Two seconds after the first box, waiting for messages."""
    process = start(command(cdcl, topic, lane_name, '--trigger', 'default', '--from', 'latest'), env)
    try:
        select.select([process.stdout], [], [], WAIT_S)
        time.sleep(2)
        with open('/proc/%d/status' % process.pid) as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1)) / 1024
    finally:
        stop(process)


def full_speed_mb(cdcl, topic, lane_name, env):
    run = measure(command(cdcl, topic, lane_name, '--from', 'earliest', '--available-now'), env)
    if run.status != 0:
        raise RuntimeError(run.said)
    return run.peak_mb


def section(build, small, large, lanes, rounds, env):
    cdcl, rows = build + '/cdcl', []
    for name in lanes:
        by_kafka, by_file = starts_ms(cdcl, small, name, env)
        rows.append({'name': lane.label(name), 'values': {
            'exec to first row, ms': by_kafka, 'the same from a file, ms': by_file,
            'idle MB': figure([idle_mb(cdcl, small.name, name, env)], 'MB', 1),
            'full speed MB': figure([full_speed_mb(cdcl, large.name, name, env) for _ in range(rounds)], 'MB', 1)}})
    return {'key': 'footprint', 'title': 'Start and memory', 'note': 'job 2; peak memory over %s events' % format(large.events, ','),
            'columns': COLUMNS, 'rows': rows, 'chart': 'exec to first row, ms'}
