"""The half of `compare` that needs no peers: runs the programs of Google's library in interleaved rounds, and writes
benchmarks/results/DATE-speed.md, every figure beside its floor and, where there is one, its aim.

What a round measured is a line of build/speed/raw.jsonl for each program.
"""
import collections
import dataclasses
import datetime
import json
import os
import re
import statistics
import subprocess

from measuring import BENCH, RESULTS, ROOT, compiler, current_commit, processor, processor_flags, spell, tell_rates
from measuring import three_digits

BUILD = ROOT / "build/speed"
LOG = BUILD / "raw.jsonl"
REPETITIONS = 3  # within a program, in random order


@dataclasses.dataclass
class Program:
    key: str
    title: str
    name: str
    filter: str = "."
    environment: dict = dataclasses.field(default_factory=dict)
    cores: int = 1
    flags: tuple = ()  # that the processor must have

    @property
    def path(self):
        return BENCH / "benchmarks" / self.name

    def missing(self):
        return not self.path.exists() or not set(self.flags) <= set(processor_flags())


PROGRAMS = [
    Program("train", "Training", "train_bench"),
    Program("train_avx2", "Training, with kernels kept to AVX2 beside the floor of AVX2", "train_bench", "^train_trainer/32$",
            {"MAAS_KERNELS": "avx2"}, flags=("avx2", "fma", "bmi2")),
    Program("predict", "Prediction", "predict_bench"),
    Program("threads", "Threads: time of the wall clock, beside the floor of one core", "threads_bench", cores=2),
    Program("load", "Files", "load_bench"),
    Program("ops", "Products and sweeps alone", "ops_bench"),
]


class Aim:
    """What a benchmark is to reach: a figure of a run, and its limit."""

    def __init__(self, name, figure, words, limit, at_least=True, spelt=three_digits):
        self.name, self.figure, self.limit, self.at_least, self.spelt = name, figure, limit, at_least, spelt
        self.words = f"{'at least' if at_least else 'at most'} {words}"

    def reached(self, value):
        return value >= self.limit if self.at_least else value <= self.limit


def share(name, limit):
    return Aim(name, lambda run: run[name]["floor/time"], f"{limit:.2f} of the floor", limit)


def faster(name, other, times):
    return Aim(name, lambda run: run[other]["seconds"] / run[name]["seconds"], f"{times} times as fast as `{other}`", times)


def slower(name, other, times):
    return Aim(name, lambda run: run[name]["seconds"] / run[other]["seconds"], f"{times} times the time of `{other}`", times,
               at_least=False)


def counter(name, which, limit):
    return Aim(name, lambda run: run[name][which], f"{limit} for {which}", limit, at_least=False)


def within(name, seconds):
    return Aim(name, lambda run: run[name]["seconds"], spell(seconds), seconds, at_least=False, spelt=spell)


def small_nets():
    for sizes in ["4-8-8-1", "16-16-16-1", "64-64-64-1"]:
        for way in ["by_hand", "by_hand_lazy"]:
            yield faster(f"small_one_fixed/{sizes}", f"small_one_{way}/{sizes}", 1.1)


AIMS = {
    "train": [
        share("train_trainer/32", 0.60),
        faster("train_trainer/32", "train_by_hand/32", 4),  # Eigen for any x86-64
        counter("late_training/learned", "late/early", 1.05),
        counter("late_training/certain", "late/early", 1.05),
        share("step_large", 0.80),
        share("step_traffic", 0.85),
        share("step_deep", 0.75),
    ],
    "train_avx2": [share("train_trainer/32", 0.70)],
    "predict": [
        share("one_workspace", 0.80),
        share("one_fixed", 0.91),
        share("batch_of/32", 0.75),
        share("batch_of/1024", 0.88),
        *small_nets(),
        share("large_batch_of/128", 0.88),
        share("square_batch_of/1", 0.90),
        faster("square_bfloat16_batch_of/1", "square_batch_of/1", 1.8),
        faster("square_int8_batch_of/1", "square_batch_of/1", 3.3),
        slower("wide_batch_of/2", "wide_batch_of/1", 1.3),
        slower("wide_batch_of/4", "wide_batch_of/1", 2.0),
        slower("wide_batch_of/8", "wide_batch_of/1", 3.2),
    ],
    "threads": [
        faster("train_256/2", "train_256/1", 1.6),
        faster("train_large/2", "train_large/1", 1.8),
        faster("predict_large/2", "predict_large/1", 1.8),
    ],
    "load": [within("load_to_first_prediction", 1e-3)],
    "ops": [share("adam/20000000", 0.90)],
}


def run_program(program, seconds):
    """What it says of itself, and of each benchmark the median of its repetitions: seconds and counters."""
    out = BUILD / "out.json"
    cores = sorted(os.sched_getaffinity(0))[-program.cores:]
    process = subprocess.run(
        [program.path, f"--benchmark_filter={program.filter}", f"--benchmark_min_time={seconds}",
         f"--benchmark_repetitions={REPETITIONS}", "--benchmark_enable_random_interleaving=true",
         f"--benchmark_out={out}", "--benchmark_out_format=json"],
        env=os.environ | program.environment, capture_output=True, text=True, check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, cores))
    if process.returncode != 0:
        print(f"  {program.name}: failed: {(process.stderr.strip().splitlines() or ['no message'])[-1]}", flush=True)
        return None
    figures = collections.defaultdict(lambda: collections.defaultdict(list))
    lines = json.loads(out.read_text())["benchmarks"]
    for line in sorted(lines, key=lambda line: (line["family_index"], line["per_family_instance_index"])):
        if line["run_type"] != "iteration" or "error_occurred" in line:
            continue
        for name, value in figures_of(line).items():
            figures[plain_name(line["name"])][name].append(value)
    setup = dict(line.split(": ", 1) for line in process.stdout.splitlines() if re.match(r"[\w ]+: ", line))
    return {"setup": {key: setup.get(key, "") for key in ["compiler", "flags", "libraries", "one core"]},
            "benchmarks": {name: {key: statistics.median(values) for key, values in columns.items()}
                           for name, columns in figures.items()}}


def plain_name(name):
    return re.sub(r"/(real|manual)_time", "", name)


def figures_of(line):
    """Processor time, but where a benchmark is measured by the clock or by itself."""
    time = "real_time" if re.search(r"/(real|manual)_time", line["name"]) else "cpu_time"
    unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[line["time_unit"]]
    known = {"floor/time", "late/early"}
    return {"seconds": line[time] * unit} | {name: line[name] for name in known if name in line}


def take_rounds(rounds, seconds, append, command):
    BUILD.mkdir(parents=True, exist_ok=True)
    if not append:
        LOG.unlink(missing_ok=True)
    programs = [program for program in PROGRAMS if not program.missing()]
    commit = current_commit()
    for round in range(rounds):
        print(f"programs, round {round + 1} of {rounds}", flush=True)
        for program in programs:
            result = run_program(program, seconds)
            if result:
                head = {"program": program.key, "commit": commit, "command": command}
                with open(LOG, "a") as log:
                    log.write(json.dumps(head | result) + "\n")


class Results:
    """The runs of each program, and medians over them."""

    def __init__(self):
        self.lines = [json.loads(line) for line in open(LOG)]

    def runs(self, key):
        return [line["benchmarks"] for line in self.lines if line["program"] == key]

    def rates(self, key):
        """What each run of a program measured of the machine."""
        told = [line["setup"]["one core"] for line in self.lines if line["program"] == key]
        return [re.findall(r"[\d.]+(?= G| from)", text) for text in told]

    def figure(self, key, function):
        """The median over the runs; None where none has what it takes."""
        values = []
        for run in self.runs(key):
            try:
                values.append(function(run))
            except KeyError:
                pass
        return statistics.median(values) if values else None

    def names(self, key):
        return list(dict.fromkeys(name for run in self.runs(key) for name in run))

    def told(self, what):
        return ", ".join(sorted({line["setup"][what].strip() for line in self.lines}))


def row(results, key, name):
    seconds = results.figure(key, lambda run: run[name]["seconds"])
    floor = results.figure(key, lambda run: run[name]["floor/time"])
    aims = [aim for aim in AIMS[key] if aim.name == name]
    values = [results.figure(key, aim.figure) for aim in aims]
    reached = [aim.reached(value) for aim, value in zip(aims, values)]
    cells = [
        f"`{name}`",
        spell(seconds),
        "" if floor is None else three_digits(floor),
        "; ".join(aim.words for aim in aims),
        "; ".join(aim.spelt(value) for aim, value in zip(aims, values)),
        "; ".join("yes" if yes else "**no**" for yes in reached),
    ]
    return "| " + " | ".join(cells) + " |"


def table(results, program):
    lines = ["", f"## {program.title}", "", "| benchmark | time | floor / time | aim | is | reached |",
             "| --- | --- | --- | --- | --- | --- |"]
    return lines + [row(results, program.key, name) for name in results.names(program.key)]


def write_table():
    results = Results()
    measured = [program for program in PROGRAMS if results.runs(program.key)]
    rates = [rate for program in measured if not program.environment for rate in results.rates(program.key)]
    commands = list(dict.fromkeys(line["command"] for line in results.lines))
    lines = [
        "# Steps and predictions beside their floors",
        "",
        f"Commit {', '.join(sorted({line['commit'] for line in results.lines}))}; {compiler()}, `{results.told('flags')}`;"
        f" {results.told('libraries')}.",
        "",
        f"{processor()}, {os.cpu_count()} cores; one core: {tell_rates(rates)}.",
        "",
        f"Medians over the rounds, of {REPETITIONS} repetitions each in random order; in each round every program runs once."
        " Time is that of the processor, of one core and one thread where nothing else is said. The floor is what the work"
        " needs at least by the rates that the same run measured; ratios of two benchmarks are those of one run, and their"
        " median.",
        "",
        *(f"    {command}" for command in commands),
    ]
    for program in measured:
        lines += table(results, program)
    path = RESULTS / f"{datetime.date.today().isoformat()}-speed.md"
    path.write_text("\n".join(lines) + "\n")
    print(path.relative_to(ROOT))
