"""Starts the calling script again in a virtual environment with the packages of a requirements file, which is made once a
build folder; skips the test (77), and says why, where that cannot be."""

import fcntl
import os
import shutil
import subprocess
import sys


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def _install(venv, wanted):
    """The last line of what went wrong, or nothing."""
    shutil.rmtree(venv, ignore_errors=True)
    python = os.path.join(venv, "bin", "python")
    for command in ([sys.executable, "-m", "venv", venv],
                    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "-r",
                     wanted]):
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if result.returncode != 0:
            return ((result.stderr.strip() or result.stdout.strip()) or "no reason given").splitlines()[-1]
    shutil.copy(wanted, os.path.join(venv, "installed-requirements.txt"))
    return ""


def _is_installed(venv, wanted):
    try:
        with open(os.path.join(venv, "installed-requirements.txt")) as there, open(wanted) as file:
            return there.read() == file.read()
    except OSError:
        return False


def enter(venv, wanted):
    """To be called before anything of the packages is imported."""
    venv = os.path.realpath(venv)
    if os.path.realpath(sys.prefix) == venv:
        return
    with open(venv + ".lock", "w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        problem = "" if _is_installed(venv, wanted) else _install(venv, wanted)
    if problem:
        skip(f"{os.path.basename(wanted)} cannot be installed: {problem}")
    python = os.path.join(venv, "bin", "python")
    os.execv(python, [python, *sys.argv])
