# SPDX-License-Identifier: Apache-2.0
"""The stages of script/test: runs them in order, prints the time of each, and
adds their counts up to one last line `N passed, N failed`.

Trees: build (gcc -O2: system and crash tests), build-asan (clang, ASan and
UBSan, with the fuzzers: unit and dialogue tests), build-tsan (gcc, TSan:
dialogue tests once more).
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
CORES = os.cpu_count() or 1
FUZZ_SECONDS = 5

# Tree -> (compiler, meson options, suites of meson tests that run in it).
TREES = {
    "build": ("gcc", ["-Dtests=true"], ["crash"]),
    "build-asan": ("clang", ["-Dtests=true", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                             "-Dfuzz=true"], ["unit"]),
    "build-tsan": ("gcc", ["-Dtests=true", "-Db_sanitize=thread"], []),
}
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:disable_coredump=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Count:
    """What a stage found."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, **options)


def captured(command, **options):
    return run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
               errors="replace", **options)


def environment(**more):
    return {**os.environ, **SANITIZERS, **more}


# ---- build

def introspect(tree, what):
    return json.loads(captured(["meson", "introspect", tree, f"--{what}"], check=True).stdout)


def is_fuzzer(target):
    return target["name"].startswith("fuzz_") and target["type"] == "executable"


def wanted_targets(tree, suites):
    """The files to build: the server, the programs of these suites, the fuzzers."""
    targets = introspect(tree, "targets")
    needed = set()
    for test in introspect(tree, "tests"):
        if any(name.split(":")[-1] in suites for name in test["suite"]):
            needed.update(test["depends"])
    wanted = [target for target in targets
              if target["name"] == "postern" and target["type"] == "executable"
              or target["id"] in needed or is_fuzzer(target)]
    return [os.path.relpath(file, ROOT / tree) for target in wanted for file in target["filename"]]


def configure(tree):
    """Sets the tree up, or gives a tree of before the options that it needs."""
    compiler, options, _ = TREES[tree]
    if not (ROOT / tree / "build.ninja").exists():
        return captured(["meson", "setup", tree, *options], env=environment(CC=compiler))
    now = {f"-D{option['name']}={str(option['value']).lower()}"
           for option in introspect(tree, "buildoptions")}
    if all(option in now for option in options):
        return None
    return captured(["meson", "configure", tree, *options])


def build_tree(tree):
    setup = configure(tree)
    if setup is not None and setup.returncode != 0:
        return tree, setup
    # Meson files may be newer than what introspection would tell.
    again = captured(["ninja", "-C", tree, "build.ninja"])
    if again.returncode != 0:
        return tree, again
    jobs = max(1, -(-CORES // len(TREES)))
    # Without a name ninja would build everything.
    files = wanted_targets(tree, TREES[tree][2]) or ["build.ninja"]
    return tree, captured(["ninja", "-C", tree, f"-j{jobs}", *files])


def stage_build():
    count = Count()
    with ThreadPoolExecutor(len(TREES)) as pool:
        for tree, result in pool.map(build_tree, TREES):
            print(f"   {tree}: {'built' if result.returncode == 0 else 'FAILED'}")
            for warning in re.findall(r"^.*\bwarning: .*$", result.stdout, re.M)[:5]:
                print(f"      {warning}")
            if result.returncode != 0:
                print(result.stdout[-20000:])
                count.failed += 1
    return count


# ---- programs of the build

def cmocka_counts(text):
    """cmocka's own closing lines; None when the program ended before them."""
    passed = re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M)
    failed = re.findall(r"^\[  FAILED  \] [^:\n]*?:? *(\d+) test", text, re.M)
    skipped = re.findall(r"^\[  SKIPPED \] [^:\n]*?:? *(\d+) test", text, re.M)
    if not passed:
        return None
    return Count(*(sum(map(int, found)) for found in (passed, failed, skipped)))


def meson_suite(tree, suite):
    """Runs a suite of meson tests and counts from its log, the cases of cmocka programs each."""
    log = ROOT / tree / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    result = captured(["meson", "test", "-C", tree, "--no-rebuild", "--suite", suite,
                       "--timeout-multiplier", "4"], env=environment())
    count = Count()
    for line in log.read_text().splitlines() if log.exists() else []:
        test = json.loads(line)
        text = test.get("stdout", "") + "\n" + test.get("stderr", "")
        counted = cmocka_counts(text) or Count()
        if test["result"] == "SKIP":
            counted = Count(skipped=1)
        elif test["result"] == "OK":
            counted.passed = counted.passed or 1
        else:
            counted.failed = counted.failed or 1
            print(f"   FAILED {test['name']} ({test['result']}, exit code {test.get('returncode')})\n{text[-8000:]}")
        count.add(counted)
    if result.returncode != 0 and count.failed == 0 and "No tests defined" not in result.stdout \
            and "No suitable tests" not in result.stdout:
        print(result.stdout[-8000:])
        count.failed += 1
    return count


def stage_unit():
    return meson_suite("build-asan", "unit")


def stage_crash():
    return meson_suite("build", "crash")


def stage_layers():
    count = Count()
    for arguments in (["--self-test"], []):
        result = captured([PYTHON, "tests/layers.py", *arguments])
        print("   " + "\n   ".join(result.stdout.strip().splitlines()[-40:]))
        if result.returncode == 0:
            count.passed += 1
        else:
            count.failed += 1
    return count


def dialog(tree, *wrapper, files=()):
    # A sandboxed role cannot start a symbolizer; tests/harness names the functions.
    sandboxed = SANITIZERS["ASAN_OPTIONS"] + ":symbolize=0"
    with tempfile.TemporaryDirectory(prefix="postern-dialog-") as folder:
        report = Path(folder) / "report.json"
        result = captured([*wrapper, PYTHON, "tests/dialog/run.py", "--postern", f"{tree}/postern",
                           "--report", str(report), *files], env=environment(ASAN_OPTIONS=sandboxed))
        if not report.exists():
            print(result.stdout[-8000:])
            return Count(failed=1)
        counted = Count(**json.loads(report.read_text()))
    if counted.failed or result.returncode != 0:
        print(result.stdout[-20000:])
        counted.failed = counted.failed or 1
    print(f"   {tree}: {counted}")
    return counted


def stage_dialog():
    # ThreadSanitizer needs its shadow where the kernel's address randomization may put others.
    runs = {"build-asan": (), "build-tsan": ("setarch", "-R")}
    count = Count()
    # Both at once: while one tree waits for times to run out, the other has the processors.
    with ThreadPoolExecutor(len(runs)) as pool:
        for counted in pool.map(lambda tree: dialog(tree, *runs[tree]), runs):
            count.add(counted)
    return count


def stage_truth():
    with tempfile.TemporaryDirectory(prefix="postern-truth-") as folder:
        report = Path(folder) / "report.json"
        result = captured([PYTHON, "tests/truth/run.py", "--postern", "build/postern", "--report", str(report)],
                          env=environment(PYTHONDONTWRITEBYTECODE="1"))
        count = Count(**json.loads(report.read_text())) if report.exists() else Count()
    if count.failed or result.returncode != 0:
        print(result.stdout[-20000:])
        count.failed = count.failed or 1
    return count


def fuzz_one(program):
    """Runs a fuzzer on a copy of its corpus; keeps what it found under build-asan/fuzz-findings."""
    grammar = program.name.removeprefix("fuzz_")
    findings = ROOT / "build-asan" / "fuzz-findings" / grammar
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="postern-fuzz-") as folder:
        committed = ROOT / "tests" / "fuzz" / "corpus" / grammar
        command = [program, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=1024",
                   f"-artifact_prefix={findings}/", folder]
        if committed.is_dir():
            command.append(committed)
        result = captured(command, env=environment(), timeout=FUZZ_SECONDS * 20)
    return grammar, result


def stage_fuzz():
    count = Count()
    programs = [ROOT / "build-asan" / os.path.relpath(target["filename"][0], ROOT / "build-asan")
                for target in introspect("build-asan", "targets") if is_fuzzer(target)]
    with ThreadPoolExecutor(CORES) as pool:
        for grammar, result in pool.map(fuzz_one, sorted(programs)):
            if result.returncode == 0:
                count.passed += 1
                continue
            count.failed += 1
            print(f"   FAILED fuzz_{grammar}; the input is under build-asan/fuzz-findings/{grammar}")
            print(result.stdout[-8000:])
    return count


# ---- tests under pytest

def junit_count(path):
    suites = ElementTree.parse(path).getroot().iter("testsuite")
    count = Count()
    for suite in suites:
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        count.add(Count(int(suite.get("tests")) - failed - skipped, failed, skipped))
    return count


def pytest_file(file, chosen):
    """One file in a process of its own, which has a network of its own. Its count, and what it said."""
    with tempfile.TemporaryDirectory(prefix="postern-pytest-") as folder:
        report = Path(folder) / "junit.xml"
        result = captured([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                           "--tb=short", f"--junitxml={report}", *chosen, file],
                          env=environment(PYTHONDONTWRITEBYTECODE="1"))
        count = junit_count(report) if report.exists() else Count()
    if result.returncode not in (0, 5):
        count.failed = count.failed or 1
    return count, result.stdout


def pytest_stage(tests, *chosen):
    """All files of a folder, some side by side: most of what they do is to wait. The longest first."""
    files = sorted((ROOT / tests).glob("test_*.py"), key=lambda file: -file.stat().st_size)
    total = Count()
    with ThreadPoolExecutor(CORES + 1) as pool:
        for count, said in pool.map(lambda file: pytest_file(file, chosen), files):
            total.add(count)
            if count.failed:
                print(said[-30000:])
            else:
                print("".join(f"   {line}\n" for line in said.splitlines() if "SKIP" in line), end="")
    return total


def stage_system(*chosen):
    return pytest_stage("tests/system", *chosen)


def stage_lab():
    return pytest_stage("tests/lab")


# ---- the administration page

def web_types(place):
    """Whether the page's source fits the types that the server's own description of its API gives."""
    shutil.rmtree(place / "src", ignore_errors=True)
    shutil.copytree(ROOT / "web" / "src", place / "src")
    shutil.copy(ROOT / "web" / "tsconfig.json", place)
    (place / "src" / "generated").mkdir()
    (place / "openapi.json").write_text(captured(["build/postern", "print", "openapi"]).stdout)
    for command in (["node", "web/tools/types.mjs", place / "openapi.json", place / "src/generated/routes.ts"],
                    [place / "node_modules/.bin/tsc", "--project", place]):
        result = captured(command)
        if result.returncode != 0:
            print(result.stdout[-8000:])
            return Count(failed=1)
    return Count(passed=1)


def stage_web():
    place = ROOT / "build" / "web-tests"
    modules = captured(["node", "web/tools/modules.mjs", "web", place, "all"])
    if modules.returncode != 0:
        print(modules.stdout[-8000:])
        return Count(failed=1)
    count = web_types(place)
    count.add(pytest_stage("tests/web"))
    return count


STAGES = {
    "build": stage_build,
    "layers": stage_layers,
    "unit": stage_unit,
    "dialog": stage_dialog,
    "truth": stage_truth,
    "fuzz": stage_fuzz,
    "system": stage_system,
    "web": stage_web,
    "lab": stage_lab,
    "crash": stage_crash,
}


def stages_chosen(names):
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        sys.exit(f"No such stage: {' '.join(unknown)}. There are: {' '.join(STAGES)}")
    # The stages run what the build made.
    chosen = set(names or STAGES)
    return [name for name in STAGES if name in chosen or (name == "build" and chosen != {"layers"})]


def stages_run(stages):
    """Runs stages, a dict of name -> function, in order; gives the exit code."""
    whole = Count()
    began = time.monotonic()
    for name, stage in stages.items():
        at = time.monotonic()
        try:
            count = stage()
        except (subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
            print(f"   the stage broke: {error!r}")
            count = Count(failed=1)
        if name != "build" and count.passed + count.failed + count.skipped == 0:
            print("   nothing ran")
            count.failed = 1
        print(f"== {name}: {count} ({time.monotonic() - at:.1f} s)", flush=True)
        whole.add(count)
        if name == "build" and count.failed:
            break
    print(f"== all: {time.monotonic() - began:.1f} s")
    print(whole)
    return 1 if whole.failed or whole.passed == 0 else 0


def main():
    return stages_run({name: STAGES[name] for name in stages_chosen(sys.argv[1:])})


if __name__ == "__main__":
    sys.exit(main())
