"""What the two halves of `compare` share: where things lie, what was built, and how figures are written."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "build/bench"
RESULTS = ROOT / "benchmarks/results"


def git(*arguments):
    answer = subprocess.run(["git", "-c", "safe.directory=*", *arguments], cwd=ROOT, capture_output=True, text=True)
    return answer.stdout.strip()


def current_commit():
    """Marked as dirty where the code is not what was committed."""
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "include", "benchmarks")
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def cache_entry(name):
    """What CMake remembers of the build."""
    cache = BENCH / "CMakeCache.txt"
    found = re.search(rf"^{name}:\w+=(.*)$", cache.read_text(), re.M) if cache.exists() else None
    return found.group(1) if found else ""


def compiler():
    answer = subprocess.run([cache_entry("CMAKE_CXX_COMPILER"), "--version"], capture_output=True, text=True)
    return answer.stdout.splitlines()[0]


def processor():
    return re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M).group(1)


def processor_flags():
    return re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M).group(1).split()


RATES = ["G multiply-adds/s", "GB/s read from 16 KB", "from 256 KB", "from memory", "GB/s of memory rewritten"]


def tell_rates(runs):
    """The rates of the machine as several runs measured them, each a list of numbers: from the least to the most."""
    columns = zip(RATES, zip(*runs))
    return ", ".join(f"{min(column, key=float)} to {max(column, key=float)} {name}" for name, column in columns)


def spell(seconds):
    for unit, size in [("s", 1), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)]:
        if seconds >= size:
            break
    return f"{three_digits(seconds / size)} {unit}"


def three_digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
