#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the bpftrace corpus and compares with what bpftrace was recorded to print.

    corpus.py [--only 'map_*'] [--against 0.27|0.17|all] [--diff] [--floor FILE] OSMIA CORPUS

stdout is compared byte by byte, and so is the exit status (of a script with mistakes: is it 0?).
Wording of mistakes is free, their place and kind are not: the first error of the recording must be one of
ours, by line and column (in 0.17's language that place, or 0.27's of the same script); what a script says on
stderr by itself must be the same.  Warnings are free.

What 0.17 refuses and 0.27 runs is newer language, which --compat 0.17 does not take away: such a script counts
only where we refuse it, too.

corpus.expected, beside this file, lists scripts whose recording shows a fault of bpftrace, or where another
answer was decided on: they count neither way.  --floor FILE: as many as the file says must be as recorded.
The last line is "N passed, N failed, N skipped".
"""
import argparse
import difflib
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path

MESSAGE = re.compile(r"^(?:(\S+?:\d+(?::\d+)?)(?:-\d+)?: )?(ERROR|WARNING|HINT): ")
MARKS = re.compile(r"^[ \t]*[~^]+$")
LINES = re.compile(r"^[^:\s]+:(\d+)-(\d+): ")


def load_recorder(corpus):
    spec = importlib.util.spec_from_file_location("record", corpus / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def take_apart(err):
    """Returns (places of errors, other lines) of a stderr."""
    places, rest = [], []
    lines = err.decode("latin-1").splitlines()
    i = 0
    while i < len(lines):
        m = MESSAGE.match(lines[i])
        i += 1
        if not m:
            rest.append(lines[i - 1])
            continue
        if m[2] == "ERROR" and not (m[1] or "").startswith("stdlib/"):  # the call follows
            places.append(m[1])
        several = LINES.match(lines[i - 1])
        if several:
            i += int(several[2]) - int(several[1]) + 1
        if i < len(lines) and lines[i].startswith("Additional Info"):
            rest.append(lines[i])
            i += 1
        if i + 1 < len(lines) and MARKS.match(lines[i + 1]):
            i += 2
    return places, rest


def is_place_of(want, got):
    """Some mistakes are recorded by line only."""
    return want == got or (got or "").startswith(f"{want}:")


def differences(rec, want, got, newer_err=b""):
    """Names what differs: out, rc, err (place or kind), said (lines of the script itself)."""
    (want_out, want_err, want_rc), (out, err, rc) = want, got
    firsts = take_apart(rec.drop_env_lines(newer_err))[0][:1]
    want_places, want_rest = take_apart(rec.drop_env_lines(want_err))
    places, rest = take_apart(rec.drop_env_lines(err))
    differs = []
    if out != want_out:
        differs.append("out")
    if bool(rc) != bool(want_rc) if want_places else rc != want_rc:
        differs.append("rc")
    firsts += want_places[:1]
    if bool(places) != bool(want_places) or (want_places and want_places[0] and
                                             not any(is_place_of(w, p) for w in firsts for p in places)):
        differs.append("err")
    # What follows a mistake in bpftrace (usage, traces of its phases) is wording, too.
    if not want_places and rest != want_rest:
        differs.append("said")
    return differs


def excused():
    """Returns {(name, version): reason} of corpus.expected."""
    table = {}
    for line in Path(__file__).with_name("corpus.expected").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, version, reason = line.split(None, 2)
            table[name, version] = reason
    return table


def link(osmia, version, folder, engine):
    """A program named bpftrace that is osmia, of that version."""
    path = folder / version / "bpftrace"
    path.parent.mkdir()
    if version == "0.17" or engine:
        compat = "OSMIA_COMPAT=0.17 " if version == "0.17" else ""
        option = f"--engine={engine} " if engine else ""
        path.write_text(f"#!/bin/bash\n{compat}exec -a bpftrace {osmia} {option}\"$@\"\n")
        path.chmod(0o755)
    else:
        path.symlink_to(osmia)
    return str(path)


def is_newer(corpus, name, version, status):
    """Did this version refuse what the newest runs?"""
    newest = corpus / "recorded" / f"{name}.0.27.rc"
    return version != "0.27" and status != 0 and newest.exists() and int(newest.read_text()) == 0


def run(rec, args, version, program, cwd):
    """Returns (passed, failed names, skipped)."""
    passed, failed, skipped = 0, [], 0
    excuses = excused()
    for name, keys in rec.scripts(args.corpus, args.only):
        base = args.corpus / "recorded" / f"{name}.{version}"
        if not base.with_name(base.name + ".rc").exists():
            continue
        if (name, version) in excuses and not args.all:
            skipped += 1
            continue
        got = rec.run_script(name, keys, version, program, cwd, args)
        want = [base.with_name(f"{base.name}.{x}").read_bytes() for x in ("out", "err", "rc")]
        want[2] = int(want[2])
        newer = args.corpus / "recorded" / f"{name}.0.27.err"
        differs = differences(rec, want, got, newer.read_bytes() if newer.exists() else b"")
        if differs and got[2] == 0 and is_newer(args.corpus, name, version, want[2]):
            skipped += 1
            continue
        passed += not differs
        if differs:
            failed.append(f"{name} {version} ({'+'.join(differs)})")
            print(f"FAIL {'+'.join(differs):12} {name} {version}", flush=True)
        if differs and args.diff:
            for i, what in enumerate(("out", "err")):
                a, b = (x.decode("latin-1").splitlines() for x in (want[i], got[i]))
                print("\n".join(difflib.unified_diff(a[:500], b[:500], f"want.{what}", f"got.{what}", lineterm="")))
            if want[2] != got[2]:
                print(f"status: wanted {want[2]}, got {got[2]}")
    return passed, failed, skipped


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("osmia", type=Path)
    ap.add_argument("corpus", type=Path)
    ap.add_argument("--only", default="*")
    ap.add_argument("--against", default="all")
    ap.add_argument("--diff", action="store_true")
    ap.add_argument("--all", action="store_true", help="those of corpus.expected, too")
    ap.add_argument("--floor", type=Path)
    ap.add_argument("--engine", help="kernel or user; not given: as osmia chooses")
    ap.add_argument("--timeout", type=float, default=20)
    ap.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    args = ap.parse_args()
    args.corpus = args.corpus.resolve()
    rec = load_recorder(args.corpus)
    total = 0, [], 0
    floors = dict(l.split() for l in args.floor.read_text().splitlines()) if args.floor else {}
    with tempfile.TemporaryDirectory(prefix="btcorpus.") as folder:
        folder = Path(folder)
        folder.chmod(0o755)
        cwd = rec.workdir(args.corpus, folder / "w")
        for version in ["0.27", "0.17"] if args.against == "all" else [args.against]:
            program = link(args.osmia.resolve(), version, folder, args.engine)
            passed, failed, skipped = run(rec, args, version, program, cwd)
            print(f"{version}: {passed} of {passed + len(failed)} as recorded, {skipped} excused")
            if passed < int(floors.get(version, 0)):
                failed.append(f"{version}: fewer than the {floors[version]} that were as recorded before")
                print("FAIL", failed[-1])
            total = total[0] + passed, total[1] + failed, total[2] + skipped
    if args.floor:
        failed = [f for f in total[1] if "fewer than" in f]
        print(f"{total[0]} passed, {len(failed)} failed, {total[2] + len(total[1]) - len(failed)} skipped")
        return 1 if failed else 0
    print(f"{total[0]} passed, {len(total[1])} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
