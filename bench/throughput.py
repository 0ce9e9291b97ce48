"""Programs over topics, rounds interleaved and every other one backwards; a run with wrong totals has no speed."""
import totals
from figure import figure, ratio
from process import measure

COLUMNS = ['events/s', 'CPU ns/event', 'peak MB', 'events/s of tuned null', 'CPU of tuned null', 'checksum']


def complaint(said):
    """The line that says most: the first that speaks of an exception or an error, else the last."""
    lines = [line.strip() for line in said.strip().split('\n')]
    return next((line for line in lines if 'Exception' in line or 'rror:' in line), lines[-1])[:200]


def judge(program, run):
    """None, or what is wrong with the run."""
    if run.status != 0:
        return 'exit %d: %s' % (run.status, complaint(run.said))
    if program.answers is None:
        return None if 'messages=%d ' % program.topic.events in run.text else 'not all messages were counted'
    want, got = totals.part(program.topic.truth, program.answers), totals.read(run.text)
    return None if want == got else 'wrong totals: want %s, got %s' % (want, got)


def interleave(programs, rounds, env):
    """Runs by program name, and what was wrong by program name."""
    runs, wrong = {p.name: [] for p in programs}, {}
    for number in range(rounds):
        for program in programs if number % 2 == 0 else programs[::-1]:
            if program.name in wrong:
                continue
            run = measure(program.command, env)
            fault = judge(program, run)
            if fault:
                wrong[program.name] = fault
                print('  WRONG %s: %s' % (program.name, fault), flush=True)
            else:
                runs[program.name].append(run)
    return runs, wrong


def null_of(name, programs):
    """The tuned null consumer over the same topic."""
    topic = next(p.topic for p in programs if p.name == name)
    return next(p.name for p in programs if p.topic is topic and p.name.endswith('null tuned'))


def row(program, runs, null_runs, wrong):
    if wrong:
        return {'name': program.name, 'values': {'checksum': 'WRONG'}, 'wrong': wrong}
    events = program.topic.events
    said = 'count' if program.answers is None else totals.checksum(totals.part(program.topic.truth, program.answers))
    return {'name': program.name, 'values': {
        'events/s': figure([events / r.wall for r in runs], 'events/s', 0),
        'CPU ns/event': figure([r.cpu / events * 1e9 for r in runs], 'ns', 0),
        'peak MB': figure([r.peak_mb for r in runs], 'MB', 1),
        'events/s of tuned null': ratio([n.wall for n in null_runs], [r.wall for r in runs]),
        'CPU of tuned null': ratio([r.cpu for r in runs], [n.cpu for n in null_runs]),
        'checksum': said}}


def section(work, build, lanes, rounds, env):
    programs = list(work.programs(build, lanes))
    runs, wrong = interleave(programs, rounds, env)
    rows = [row(p, runs[p.name], runs[null_of(p.name, programs)], wrong.get(p.name)) for p in programs]
    note = '; '.join(sorted({t.words() for _, t in work.topics}))
    return {'key': work.key, 'title': work.title, 'note': note, 'columns': COLUMNS, 'rows': rows, 'chart': 'CPU ns/event'}
