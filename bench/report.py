"""What is printed: Markdown tables, the machine, and whether targets are met."""

import datetime
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

LOAD_WAIT_SECONDS_MAX = 300


def say(text=""):
    print(text, flush=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def heading(text, load):
    say(f"\n### {text}\n")
    say(f"Load before: {load:.2f}.\n")


def number(value):
    """With three digits that matter."""
    if not isinstance(value, float):
        return str(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def table(columns, rows):
    say("| " + " | ".join(columns) + " |")
    say("|" + "---|" * len(columns))
    for row in rows:
        say("| " + " | ".join("" if cell is None else number(cell) for cell in row) + " |")
    say()


def target(what, value, most, unit=""):
    met = "met" if value <= most else "MISSED"
    value, most = number(float(value)), number(float(most))
    say(f"- {what}: {value}{unit}, target {most}{unit} at most: {met}")


def settle(load_below):
    """Waits for the machine to be quiet, but not for ever, and returns the load."""
    end = time.monotonic() + LOAD_WAIT_SECONDS_MAX
    while load_below and os.getloadavg()[0] >= load_below and time.monotonic() < end:
        time.sleep(2)
    return os.getloadavg()[0]


def version(*command):
    """The first version number that a program prints; None if it is not there."""
    program = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        return None
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "?"


def spark_version(home):
    for jar in pathlib.Path(home or "/nowhere").glob("jars/spark-core_*.jar"):
        return jar.stem.rpartition("-")[2]
    return None


def machine(build, spark_home):
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    say(f"Measured on {datetime.date.today()}: {os.cpu_count()} cores ({cpu[1] if cpu else '?'}), "
        f"{memory:.0f} GiB, Linux {platform.release()}.")
    versions = {
        "livy-server": version(str(build / "server/livy-server"), "--version"),
        "g++": version("g++", "-dumpfullversion"), "wrk": version("wrk", "-v"),
        "nginx": version("nginx", "-v"), "Spark": spark_version(spark_home),
        "Java": version("java", "-version"),
    }
    say("; ".join(f"{name} {found or 'missing'}" for name, found in versions.items()) + ".")
