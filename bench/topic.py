"""A topic of change events, filled by bench_fill_topic, and the totals that every job over it must find."""
import subprocess, sys, time
import totals


class Topic:
    """dress, codec and the others as bench_event.h and bench_fill_topic name them."""

    def __init__(self, events, dress='orders', partitions=2, keys=1000000, skew=0, miss=0, codec='none'):
        self.events, self.dress, self.partitions, self.keys = events, dress, partitions, keys
        self.skew, self.miss, self.codec = skew, miss, codec
        self.name = self.truth = None

    def is_like(self, other):
        return (self.events, self.dress, self.partitions, self.keys, self.skew, self.miss, self.codec) == (
            other.events, other.dress, other.partitions, other.keys, other.skew, other.miss, other.codec)

    def fill(self, programs, env):
        self.name = 'bench_%s_%d' % (self.dress, time.time_ns() // 1000000)
        began = time.monotonic()
        done = subprocess.run(
            [programs + '/bench_fill_topic', self.name, str(self.events), str(self.partitions), self.dress,
             str(self.keys), str(self.skew), str(self.miss), self.codec], env=env, stdout=subprocess.PIPE)
        if done.returncode != 0:
            sys.exit('the topic could not be filled')
        self.truth = totals.read(done.stdout.decode())
        print('  topic %s: %s, filled in %.0f s' % (self.name, self.words(), time.monotonic() - began), flush=True)

    def words(self):
        more = ['%s events' % format(self.events, ','), '%d partitions' % self.partitions,
                '%s keys' % format(self.keys, ',')]
        more += ['Zipf %g' % self.skew] if self.skew else []
        more += ['%d %% shape misses' % self.miss] if self.miss else []
        more += [self.codec] if self.codec != 'none' else []
        return ', '.join(more)
