#!/usr/bin/env python3
"""Random scripts in the language that bpftrace 0.17 and `osmia run --compat 0.17` both know.

peer.py show SEED                       prints the script of that seed
peer.py run OSMIA FIRST COUNT           runs COUNT seeds with the peer and on both engines; TAP on stdout

Scripts have a BEGIN probe only, which ends with exit().  Where 0.17 is known to be wrong the generator keeps away,
with a comment that begins with "0.17:".  A script that the peer itself refuses (its LLVM runs out of BPF stack)
is skipped by name.
SPDX-License-Identifier: BSD-2-Clause
"""
import os
import random
import subprocess
import sys
import tempfile

WORDS = ["a", "bc", "def", "osmia", "x y", "Z9", "", "end."]
STATEMENTS = 14  # more, and the peer's stack of 512 bytes does not do


class Script:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.ints = []
        self.names = 0
        self.loops = 0
        # 0.17: maps are sorted by value, and equal values come in the order of a hash table: no value twice.
        self.values = self.random.sample(range(-500, 500), 400)

    def pick(self, *choices):
        return self.random.choice(choices)

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def literal(self):
        # 0.17: "-N" is an operator on N, and so the smallest number can't be written.
        n = self.pick(0, 1, 2, 3, 7, 8, 63, 100, 255, 256, 4095, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                      0x123456789A, 0x7FFFFFFFFFFFFFFF, self.random.randrange(1000), self.random.randrange(1 << 40))
        return self.pick(str(n), str(n), hex(n), f"(-{n})")

    def integer(self, depth=2):
        """A signed 64-bit expression."""
        kind = self.random.randrange(10) if depth else self.random.randrange(2)
        if kind == 0 or (kind == 1 and not self.ints):
            return self.literal()
        if kind == 1:
            return self.pick(*self.ints)
        a, b = self.integer(depth - 1), self.integer(depth - 1)
        if kind <= 4:
            return f"({a} {self.pick('+', '-', '*', '&', '|', '^')} {b})"
        if kind == 5:
            # 0.17: divides signed numbers as unsigned ones unless both are literals: neither is below zero here.
            return f"(({a} & 0xffffff) {self.pick('/', '%')} (({b} & 0xff) + 1))"
        if kind == 6:
            # 0.17: shifts right without the sign, and LLVM folds a shift by 64 or more to nothing sensible.
            if self.random.random() < .5:
                return f"({a} << {self.random.randrange(32)})"
            return f"(({a} & 0xffffffff) >> {self.random.randrange(32)})"
        if kind == 7:
            return f"({self.condition(depth - 1)} ? {a} : {b})"
        if kind == 8:
            return f"({self.pick('~', '-', '!')}({a}))"
        return f"(int64)({a})"

    def cast(self):
        # 0.17: forgets the inner one of two casts, so that (int64)(uint8)-1 is -1: a cast stands outermost only.
        return f"({self.pick('uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64')})"

    def condition(self, depth=1):
        kind = self.random.randrange(8)
        if kind == 0:
            return f'("{self.pick(*WORDS)}" {self.pick("==", "!=")} "{self.pick(*WORDS)}")'
        a = self.integer(depth)
        if kind == 1 and depth:
            return f"({self.condition(depth - 1)} {self.pick('&&', '||')} {self.condition(depth - 1)})"
        return f"({a} {self.pick('==', '!=', '<', '>', '<=', '>=')} {self.integer(depth)})"

    def printf(self):
        form, args = [], []
        for _ in range(self.random.randrange(1, 5)):
            flag, width = self.pick("", "", "-"), self.pick("", "", "4", "12")
            # 0.17: knows no flag but "-", and h and hh do not shorten a number
            kind = self.pick("d", "d", "u", "x", "X", "ld", "lld", "llu", "lx", "s", "c")
            if kind == "s":
                args.append(f'"{self.pick(*WORDS)}"')
            elif kind == "c":
                args.append(str(self.random.randrange(33, 127)))
            else:
                args.append(self.pick("", "", "", self.cast()) + f"({self.integer()})")
            form.append(f"%{flag if width else ''}{width}{kind}")
        return f'printf("{self.pick(*"abcd")} {self.pick(" ", ",", "|").join(form)}\\n", {", ".join(args)});'

    def keys(self, count):
        """Lists of keys of one type, all different."""
        kinds = [self.pick("int", "string") for _ in range(self.random.randrange(1, 4))]
        seen = set()
        while len(seen) < count:
            seen.add(tuple(str(self.random.randrange(-50, 50)) if k == "int" else f'"{self.pick(*WORDS[:-2])}"'
                           for k in kinds))
        return [", ".join(k) for k in sorted(seen)]

    def amount(self, call):
        # 0.17: max() never keeps a number below zero, min() not the biggest, avg() and stats() divide as unsigned;
        # hist() counts what has more than 32 bits in one bucket, and lhist() what is below zero wrongly.
        if call == "sum":
            return str(self.random.randrange(-1000, 100000))
        return str(self.random.randrange(1, self.pick(10, 100, 5000)))

    def map_of_ints(self):
        m = self.name("@m")
        keys = self.keys(self.random.randrange(2, 5))
        out = [f"{m}[{k}] = {self.values.pop()};" for k in keys]
        if self.random.random() < .3:
            out.append(f"delete({m}[{keys[0]}]);")
        return out + self.after(m)

    def map_of_strings(self):
        # 0.17: strings are sorted by value, too
        m = self.name("@s")
        return [f'{m}[{self.random.randrange(9)}] = "{self.pick(*WORDS)}";'] + self.after(m)

    def scalar(self):
        m = self.name("@v")
        value = self.pick(f'(int64)({self.integer()})', f'"{self.pick(*WORDS)}"',
                          f'((int64)({self.integer(1)}), "{self.pick(*WORDS)}")')
        return [f"{m} = {value};"] + self.after(m, zero=False)

    def aggregation(self):
        m, call = self.name("@g"), self.pick("count", "sum", "min", "max", "avg", "stats", "hist", "lhist")
        keys = self.keys(self.random.randrange(2, 4)) if self.random.random() < .4 else [None]
        step = self.pick("1", "5", "10")
        out, amount, times = [], int(self.amount(call)), self.random.randrange(1, 3)
        for i, k in enumerate(keys):
            where = f"{m}[{k}]" if k else m
            # Each key has another number of calls, another sum, and another average.
            for _ in range(times + i if k else self.random.randrange(1, 6)):
                n = amount + i * 7 if k else self.amount(call)
                arg = "" if call == "count" else f"{n}, 0, {20 * int(step)}, {step}" if call == "lhist" else n
                out.append(f"{where} = {call}({arg});")
        return out + self.after(m)

    def after(self, m, zero=True):
        kind = self.random.randrange(6)
        if kind == 0:
            return [f"print({m});"]
        if kind == 1:
            return [f"print({m});", f"clear({m});"]
        if kind == 2 and zero and m.startswith("@g"):
            return [f"print({m});", f"zero({m});", f"clear({m});"]
        if kind == 3 and zero and m.startswith("@m"):
            return [f"print({m}, {self.random.randrange(1, 4)});"]
        return []

    def block(self, depth):
        return " ".join(" ".join(self.statement(depth)) for _ in range(self.random.randrange(1, 3)))

    def statement(self, depth):
        kind = self.random.randrange(12 if depth else 4)
        if kind <= 2:
            return [self.printf()]
        if kind == 3:
            # 0.17: what ?: chooses has the sign of its middle, and !x none: print() gets a signed number by a cast.
            args = ", ".join(self.pick(self.literal(), f'"{self.pick(*WORDS)}"') for _ in range(2))
            return [f"print(({args}));", self.pick("", f"print((int64)({self.integer(1)}));",
                                                             f'print("{self.pick(*WORDS)}");')]
        if kind == 4:
            text = f"if ({self.condition()}) {{ {self.block(0)} }}"
            return [text + (f" else {{ {self.block(0)} }}" if self.random.random() < .6 else "")]
        if kind == 5:
            return [f"unroll({self.random.randrange(1, 4)}) {{ {self.block(0)} }}"]
        if kind == 6:
            i = self.name("$i")
            stop = self.pick("", f"if ({i} == 2) {{ break; }} ", f"if ({i} == 1) {{ {i}++; continue; }} ")
            return [f"{i} = 0; while ({i} < {self.random.randrange(1, 5)}) {{ {stop}printf(\"i %d\\n\", {i}); {i}++; }}"]
        if kind == 7:
            return [f'printf("size %d\\n", sizeof({self.pick("uint8", "int16", "uint32", "int64", self.integer(1))}));']
        return self.pick(self.map_of_ints, self.map_of_strings, self.scalar, self.aggregation, self.aggregation)()

    def text(self):
        for _ in range(self.random.randrange(2, 4)):
            v = self.name("$v")
            self.lines.append(f"{v} = {self.integer(1)};")
            self.ints.append(v)
        while len(self.lines) < STATEMENTS:
            self.lines += [s for s in self.statement(1) if s]
            if self.random.random() < .2:
                v = self.pick(*self.ints)
                self.lines.append(self.pick(f"{v}++;", f"{v} {self.pick('+', '-', '^', '|')}= {self.integer(1)};"))
        return "BEGIN {\n\t" + "\n\t".join(self.lines) + "\n\texit();\n}\n"


def output(command, path):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("BPFTRACE_", "OSMIA_"))}
    env.update(LANG="C", TZ="UTC")
    try:
        r = subprocess.run(command + [path], capture_output=True, stdin=subprocess.DEVNULL, timeout=20, env=env)
    except subprocess.TimeoutExpired:
        return None, b"", b"it does not end"
    lines = r.stdout.splitlines(keepends=True)
    return r.returncode, b"".join(x for x in lines if not x.startswith(b"Attaching ")), r.stderr


def comment(text):
    for line in text.splitlines():
        print("#", line)


def compare(osmia, seed, path, number):
    """One seed; returns (passed, refused)."""
    script = Script(seed).text()
    with open(path, "w") as f:
        f.write(script)
    status, want, err = output(["bpftrace"], path)
    if status != 0:
        why = [x for x in err.decode(errors="replace").splitlines() if "RLIMIT_MEMLOCK" not in x and "WARNING" not in x]
        print(f"ok {number} - seed {seed} # skip bpftrace refuses it: {(why or ['?'])[0][:100]}")
        return True, True
    for engine in "kernel", "user":
        got_status, got, got_err = output([osmia, "run", "--compat", "0.17", "--engine", engine], path)
        if (got_status, got) == (status, want):
            continue
        print(f"not ok {number} - seed {seed}: {engine} engine")
        comment(f"script:\n{script}\nbpftrace:\n{want.decode(errors='replace')}")
        comment(f"osmia, status {got_status}:\n{got.decode(errors='replace')}\n{got_err.decode(errors='replace')}")
        return False, False
    print(f"ok {number} - seed {seed}")
    return True, False


def main():
    if sys.argv[1] == "show":
        print(Script(int(sys.argv[2])).text(), end="")
        return 0
    osmia, first, count = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    bad = refused = 0
    with tempfile.TemporaryDirectory() as room:
        for i in range(count):
            passed, skipped = compare(osmia, first + i, os.path.join(room, "peer.bt"), i + 1)
            bad += not passed
            refused += skipped
            sys.stdout.flush()
    # Were most refused, the test would show nothing.
    enough = refused * 2 <= count
    print(f"{'ok' if enough else 'not ok'} {count + 1} - bpftrace takes at least half of the scripts ({refused} refused)")
    print(f"1..{count + 1}")
    return 1 if bad or not enough else 0


sys.exit(main())
