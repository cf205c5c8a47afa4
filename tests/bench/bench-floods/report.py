# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the figures of a flood say, as a line of a table."""

# At most so many times its quiet value, beyond what the control loses.
BARS = {'p50': 2, 'p99': 5}

# A call that takes longer is pointed out, even if p99 hides it.
STALL_US = 1_000_000

COLUMNS = (('flood', 22), ('bystander ms', 34), ('control ms', 30), ('newcomer ms', 20), ('sink ms', 30), ('beyond', 10), ('failed', 11),
           ('RSS MiB', 11), ('files', 6), ('turn', 5), ('sent/s', 9), ('verdict', 0))


def ratio(figures, quiet, percentile):
    """How many times slower; None where no call was answered"""
    if percentile not in figures:
        return None
    return figures[percentile] / quiet[percentile]


def beyond(record, percentile):
    """By how much the bystander lost more than the control, which never counts as a gain."""
    bystander = ratio(record['bystander'], record['quiet']['bystander'], percentile)
    control = ratio(record['control'], record['quiet']['control'], percentile)
    return bystander / max(1, control or 1) if bystander is not None else None


def sink_failed(record):
    """Whether calls fail whatever the service does."""
    return record['sink']['flooded']['failed'] > 0


def failed(record):
    return record['service'] is not None or (failures(record) > 0 and not sink_failed(record))


def failures(record):
    """The calls of the bystander and of the newcomer that failed, in the flood and after it."""
    return sum(figures['failed'] for figures in _served(record))


def _served(record):
    """The figures of those whom the service serves."""
    return [when[who] for when in (record, record['after']) for who in ('bystander', 'newcomer')]


def verdict(record):
    control = record['control']
    also = f'; the control failed {control["failed"]} of {control["calls"]}'
    return _verdict_of_bystander(record) + (also if control['failed'] else '')


def _verdict_of_bystander(record):
    bystander = record['bystander']
    if record['service'] is not None:
        return f'DEAD: the service ended with {record["service"]}'
    also = ', like the sink' if sink_failed(record) else ''
    if bystander['failed'] == bystander['calls']:
        return 'MUTE' + also + (', also after' if record['after']['bystander']['failed'] else '')
    if failures(record):
        return f'FAILED{also}: ' + next(filter(None, (figures['error'] for figures in _served(record))))[:60]
    missed = [name for name, bar in BARS.items() if beyond(record, name) > bar]
    words = 'slow: ' + ', '.join(missed) if missed else 'ok'
    if bystander['max'] > STALL_US:
        words += f', one call took {bystander["max"] / 1e6:.1f} s'
    return words


def _number(value):
    """As short as its size allows."""
    return f'{value:.{2 if value < 10 else 1 if value < 100 else 0}f}'


def _plain_times(figures):
    if 'p50' not in figures:
        return '-'
    return ' '.join(_number(figures[name] / 1000) for name in ('p50', 'p99', 'max'))


def _times(figures, quiet):
    if 'p50' not in figures:
        return '-'
    times = _plain_times(figures)
    ratios = ' '.join(_number(ratio(figures, quiet, name)) for name in BARS)
    return f'{times} ({ratios})'


def row(record):
    factors = [beyond(record, name) for name in BARS]
    memory, files = record['memory'], record['files']
    return (record['flood'], _times(record['bystander'], record['quiet']['bystander']),
            _times(record['control'], record['quiet']['control']), _plain_times(record['newcomer']),
            _times(record['sink']['flooded'], record['sink']['quiet']),
            '-' if None in factors else ' '.join(_number(factor) for factor in factors),
            f'{record["bystander"]["failed"]}/{record["bystander"]["calls"]}'
            + (f'+{record["after"]["bystander"]["failed"]}'
               if record['after']['bystander']['failed'] else ''),
            ' '.join(f'{memory[when]:.0f}' for when in ('quiet', 'peak', 'after')),
            f'{files["quiet"]} {files["after"]}', _number(record['turn_ms']), f'{record["sent_per_s"]:.0f}', verdict(record))


def line(cells):
    return ' '.join(f'{cell:<{width}}' for cell, (_, width) in zip(cells, COLUMNS)).rstrip()


def head():
    return line([name for name, _ in COLUMNS])


LEGEND = '''times: p50, p99, maximum of answered calls; in brackets p50 and p99 over the quiet ones
control, sink: bare calls to another service, and to one in certpind's place that does nothing
beyond: the bystander's ratios over the control's, p50 and p99; the bars are 2 and 5
newcomer: the first call of a new connection, without what it took to connect
failed: the bystander's failed calls / its calls in the flood, + those that failed after it
RSS: of the service, quiet, at its peak, after the flood; files: open before and after it
turn: the longest turn of its main loop, in ms of processor time'''
