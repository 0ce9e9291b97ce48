"""A figure: the median of what the rounds showed, and how far they were apart."""
import statistics


def figure(values, unit='', digits=None):
    values = [v for v in values if v is not None]
    if not values:
        return None
    return {'median': statistics.median(values), 'low': min(values), 'high': max(values), 'rounds': len(values),
            'unit': unit, 'digits': digits}


def ratio(ones, others, digits=2):
    """Round by round, so that what disturbs both disturbs it little."""
    return figure([a / b for a, b in zip(ones, others) if a is not None and b], '', digits)


def number(value, digits=None):
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return format(value, ',.%df' % digits)


def text(f):
    """Median, and in brackets lowest and highest of the rounds."""
    if f is None:
        return ''
    if isinstance(f, str):
        return f
    middle = number(f['median'], f['digits'])
    if f['rounds'] == 1:
        return middle
    return '%s (%s–%s)' % (middle, number(f['low'], f['digits']), number(f['high'], f['digits']))
