"""Instructions an event, as tests/instructions gates them: the same jobs, counted in the program that is measured here."""
import importlib.machinery, importlib.util, os, shutil
from figure import figure

GATE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'tests', 'instructions', 'run')


def gate(cdcl):
    loader = importlib.machinery.SourceFileLoader('instructions_gate', GATE)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('instructions_gate', loader))
    loader.exec_module(module)
    module.CDCL = cdcl
    return module


def section(build):
    """None without valgrind."""
    if shutil.which('valgrind') is None:
        return None
    rows, known = [], gate(build + '/cdcl')
    for name, found in known.measure().items():
        wrong = found if isinstance(found, str) else None
        rows.append({'name': 'cdcl, ' + name, 'values': {} if wrong else {
            'instructions': figure([found], '', 0), 'of the gate': figure([known.figures()[name]], '', 0)}, 'wrong': wrong})
    return {'key': 'instructions', 'title': 'Instructions an event', 'columns': ['instructions', 'of the gate'], 'rows': rows,
            'note': 'callgrind, from a file, scalar kernels, without start-up and the C library; the gate is that of CI',
            'chart': 'instructions'}
