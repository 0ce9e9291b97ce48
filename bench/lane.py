"""The lanes over which cdcl reads Kafka: those that this program offers, as its own check says."""
import os, subprocess, tempfile

NAMES = ('librdkafka', 'direct')


def offered(cdcl):
    """Names to run with; [None] where there is no such option and so only one lane."""
    found = []
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, 'lane.lua')
            with open(script, 'w') as f:
                f.write('local cdcl = require "cdcl"\ncdcl.job { name = "lane" }\n'
                        'cdcl.kafka { topic = "t", lane = "%s" }:to(cdcl.console())\n' % name)
            done = subprocess.run([cdcl, 'check', script], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            found.append(name)
    return found or [None]


def label(name):
    return 'cdcl' if name is None else 'cdcl, lane %s' % name


def setting(name):
    return [] if name is None else ['--set', 'lane=' + name]
