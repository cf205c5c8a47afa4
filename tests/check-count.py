#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-count.py SOURCE: fails where scripts/count-tests takes a failure for a success."""

import json
import pathlib
import subprocess
import sys
import tempfile

CASES = ('<testsuites><testsuite><testcase name="1" classname="certpin.certpin:core / a"/>'
         '<testcase name="2" classname="certpin.certpin:core / a">{}</testcase></testsuite></testsuites>')
PRINTED = {'stdout': 'ok 1\nnot ok 2\n', 'stderr': 'it broke\n'}
# What the second case of a program came to, what its program came to, and how that is counted.
EXPECTED = (('', 'OK', '2 passed, 0 failed'),
            ('<failure/>', 'FAIL', '1 passed, 1 failed'),
            ('<skipped/>', 'OK', '1 passed, 1 failed'),
            ('', 'TIMEOUT', '2 passed, 1 failed'),
            ('', 'ERROR', 'error: certpin:core / a\n  | not ok 2\n  | it broke\n2 passed, 1 failed'))
LINES = (('3 passed, 0 failed\n# and\n4 passed, 0 failed\n', '7 passed, 0 failed'),
         ('3 passed, 2 failed\n', '3 passed, 2 failed'),
         ('failure: core / a one\n  | it broke\n3 passed, 1 failed\n',
          'step: failure: core / a one\n  | it broke\n3 passed, 1 failed'),
         ('not ok - one\n# of two\n3 passed, 2 failed\n',
          'step: not ok - one\nfailure: in step.log\n3 passed, 2 failed'),
         ('nothing\n', '0 passed, 1 failed'))


def check(report, expected):
    """Whether the last lines are these, and the exit status goes with them."""
    done = subprocess.run([pathlib.Path(sys.argv[1]).absolute() / 'scripts/count-tests', report.name], check=False,
                          stdout=subprocess.PIPE, text=True, cwd=report.parent)
    said = done.stdout
    right = said.endswith(expected + '\n') and (done.returncode == 0) == expected.endswith(' 0 failed')
    if not right:
        print(f'{report.read_text()}: {said}, status {done.returncode}, not {expected}')
    return right


def main():
    right = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case, program, expected in EXPECTED:
            (folder / 'testlog.junit.xml').write_text(CASES.format(case))
            (folder / 'testlog.json').write_text(json.dumps({'name': 'certpin:core / a', 'result': program, **PRINTED}))
            right.append(check(folder / 'testlog.junit.xml', expected))
        for lines, expected in LINES:
            (folder / 'step.log').write_text(lines)
            right.append(check(folder / 'step.log', expected))
    sys.exit(0 if all(right) else 1)


main()
