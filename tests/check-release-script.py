#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-release-script.py SOURCE: fails where scripts/release --check lets a commit pass that cannot be released, or
refuses one that can. It works on the few files that are checked, in a repository of its own."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FILES = ('meson.build', 'NEWS', 'README.md', 'scripts/release', 'tests/check-release.py', 'debian/changelog',
         'debian/libcertpin0.symbols', 'client-lib/certpin.symbols')
WHO = {f'GIT_{role}_{what}': f'{what.lower()}@example.org' for role in ('AUTHOR', 'COMMITTER')
       for what in ('NAME', 'EMAIL')}


class Repository:
    """A copy of the files, committed."""

    def __init__(self, source, folder):
        self.folder = pathlib.Path(folder)
        self.environment = {**os.environ, **WHO, 'HOME': folder, 'GIT_CONFIG_NOSYSTEM': '1', 'LC_ALL': 'C.UTF-8'}
        for name in FILES:
            (self.folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(source / name, self.folder / name)
        self.git('init', '--quiet')
        self.commit()

    def git(self, *arguments):
        subprocess.run(['git', *arguments], cwd=self.folder, env=self.environment, check=True)

    def commit(self):
        self.git('add', '--all')
        self.git('commit', '--quiet', '--allow-empty', '--message=tests: a commit')

    def replace(self, name, pattern, text):
        """Fails where the pattern is not found: then the case would prove nothing."""
        changed, times = re.subn(pattern, text, (self.folder / name).read_text(encoding='utf-8'), count=1, flags=re.M)
        assert times == 1, f'{name} has no {pattern}'
        (self.folder / name).write_text(changed, encoding='utf-8')

    def check(self):
        """Returns: exit status and standard error of scripts/release --check"""
        done = subprocess.run(['scripts/release', '--check'], cwd=self.folder, env=self.environment, check=False,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stderr


def edit(*replacement):
    def break_it(repository):
        repository.replace(*replacement)
        repository.commit()
    return break_it


def leave_untracked(repository):
    (repository.folder / 'new-file').touch()


def leave_changed(repository):
    repository.replace('README.md', '^# certpin$', '# changed')


def tag_another_commit(repository):
    version = re.search("^  version: '(.*)',$", (repository.folder / 'meson.build').read_text(), re.M).group(1)
    repository.git('tag', version)
    repository.commit()


# What is done to a good commit, and what the refusal has to say; None: it is not refused.
CASES = {
    'nothing': (lambda repository: None, None),
    'the version of meson.build alone is raised': (edit('meson.build', "^  version: '.*'", "  version: '97.1.2'"),
                                                   'NEWS names version'),
    'NEWS begins with another version': (edit('NEWS', r'^certpin \S+$', 'certpin 97.1.2'), 'NEWS names version 97.1.2'),
    'the entry in NEWS is empty': (edit('NEWS', r'^ \* (?:.|\n)*\Z', ''), 'has no item'),
    'README.md shows another version': (edit('README.md', r'^( *\.Version [^"\n]*)"[^"\n]+"', r'\1"97.1.2"'),
                                        'README.md names version 97.1.2'),
    'debian/changelog has another version': (edit('debian/changelog', r'\A(certpin) \(.*\)', r'\1 (97.1.2)'),
                                             'debian/changelog names version 97.1.2'),
    'debian/changelog has another day': (edit('meson.build', r"'CPD_RELEASE_UNIX_S', \d+", "'CPD_RELEASE_UNIX_S', 0"),
                                         'the day of release'),
    'debian/changelog is not released': (edit('debian/changelog', r'\A(certpin \(.*\)) \w+;', r'\1 UNRELEASED;'),
                                         'UNRELEASED'),
    'a symbol is not packaged': (edit('debian/libcertpin0.symbols', r'^ \w+@Base \S+\n', ''), 'is in only one of'),
    'a file is not committed': (leave_untracked, 'new-file'),
    'a change is not committed': (leave_changed, 'README.md'),
    'the version is the tag of another commit': (tag_another_commit, 'is on another commit'),
}


def problem(repository, break_it, refusal):
    break_it(repository)
    status, said = repository.check()
    if refusal is None:
        return None if status == 0 else f'status {status}: {said}'
    return None if status == 1 and refusal in said else f'status {status}, and not “{refusal}”, but: {said}'


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    wrong = []
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            found = problem(Repository(source, folder), *case)
        if found:
            wrong.append(f'{name}: {found}')
    print('\n'.join(wrong))
    sys.exit(1 if wrong else 0)


main()
