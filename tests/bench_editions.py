"""Measure what re-running costs, as ratios within one run; part of `make bench`.

1. One notebook's prose edited, and one row of a table moved, against the report made by hand (see bench.py).
2. Thirty editions (ten countries at three cut-offs) as a batch with one and with two workers and on a Dask cluster of
   two workers, against as many separate builds without anything kept. Of those three are measured and scaled.
3. The memory of a batch's parent process with ten and with a hundred editions. The editions are stubs that build
   nothing, the parent is the real one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from alliances.batch.work import Outcome, Task
from alliances.paths import find_root
from helpers import copy_project

COUNTRIES = ("DNK", "EST", "FIN", "GBR", "ISL", "LTU", "LVA", "NLD", "NOR", "SWE")
CUT_OFFS = ("2025-03-20", "2025-04-20", "2025-07-31")
SEPARATE = 3  # builds that are measured; the rest of the thirty would take the same
Say = Callable[[str], None]


def environment(root: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a command on a project, with none of our variables but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCES_")}
    return kept | {"ALLIANCES_ROOT": str(root), **variables}


def run(root: Path, *command: str, **variables: str) -> float:
    """Run a command and return its seconds."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env=environment(root, **variables), capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def alliances(root: Path, command: str, *arguments: str, **variables: str) -> float:
    return run(root, "-m", "alliances.cli", command, *arguments, "--engine", "embedded", **variables)


# ---------------------------------------------------------------- one notebook edited


def measure_edits(project: Path, rounds: int, scratch: Path, say: Say) -> dict[str, float]:
    """Seconds of a build after one notebook's prose and after one row of a table has moved, in medians."""
    root = copy_project(project, scratch / "edited")
    alliances(root, "build")
    notebook = sorted((root / "notebooks").glob("*.ipynb"))[0]
    table = root / "data" / "memberships.csv"
    times: dict[str, list[float]] = {"prose edited": [], "row moved": [], "nothing changed": []}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: {notebook.stem} edited, a row of {table.stem} moved, nothing changed")
        edit_prose(notebook, number)
        times["prose edited"].append(alliances(root, "build"))
        head, *rows, last = table.read_text("utf-8").splitlines()
        table.write_text("\n".join([head, last, *rows]) + "\n", "utf-8")
        times["row moved"].append(alliances(root, "build"))
        times["nothing changed"].append(alliances(root, "build"))
    return {name: statistics.median(values) for name, values in times.items()}


def edit_prose(notebook: Path, number: int) -> None:
    """Add a sentence to the first section that a notebook tells: prose stands in code cells, as templates."""
    content = json.loads(notebook.read_text("utf-8"))
    for cell in content["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and (call := re.search(r'\.section\(\s*"[^"]+",\s*', source)):
            added = f'"This sentence came in round {chr(97 + number)}.", '
            cell["source"] = [f"{source[: call.end()]}{added}{source[call.end() :]}"]
            notebook.write_text(json.dumps(content), "utf-8")
            return
    raise SystemExit(f"{notebook.name} tells no section that could be edited.")


# ---------------------------------------------------------------- many editions


def matrix_file(folder: Path, editions: int) -> Path:
    countries = list(COUNTRIES[: max(1, editions // len(CUT_OFFS))])
    file = folder / f"matrix-{editions}.yaml"
    file.write_text(yaml.safe_dump({"matrix": {"focus": countries, "as_of": list(CUT_OFFS)}}))
    return file


@contextmanager
def dask_cluster(folder: Path, workers: int):  # type: ignore[no-untyped-def]  # a script, and not checked
    """A scheduler and workers with one thread each, on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    place = folder / "dask"
    place.mkdir()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = [sys.executable, "-m", "dask"]
    port = address.rpartition(":")[2]
    processes = [
        subprocess.Popen([*start, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"], **quiet)
    ]
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(place)]
    processes += [subprocess.Popen([*start, "worker", address, *options], **quiet) for _ in range(workers)]
    try:
        from distributed import Client

        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def measure_batch(project: Path, editions: int, scratch: Path, say: Say) -> dict[str, float]:
    """Seconds for all editions, each way once after a warm-up; nothing is kept from one way to the next."""
    root = copy_project(project, scratch / "batch")
    file = matrix_file(scratch, editions)
    count = len(COUNTRIES[: max(1, editions // len(CUT_OFFS))]) * len(CUT_OFFS)

    def fresh(name: str) -> tuple[tuple[str, ...], dict[str, str]]:
        return ("--output", str(scratch / name)), {"ALLIANCES_CACHE": str(scratch / f"cache-{name}")}

    say("warm-up: one edition")
    place, kept = fresh("warm-up")
    alliances(root, "build", *place, **kept)
    found: dict[str, float] = {}
    separate = []
    for number in range(SEPARATE):
        say(f"separate build {number + 1} of {SEPARATE}")
        place, kept = fresh(f"separate-{number}")
        chosen = ("-p", "focus", COUNTRIES[number], "-p", "as_of", CUT_OFFS[number])
        separate.append(alliances(root, "build", *chosen, *place, **kept))
    found["separate"] = statistics.mean(separate) * count
    for workers in (1, 2):
        say(f"{count} editions with {workers} worker{'s'[: workers - 1]}")
        place, kept = fresh(f"workers-{workers}")
        found[f"{workers} workers"] = alliances(root, "batch", str(file), "--jobs", str(workers), *place, **kept)
        shutil.rmtree(scratch / f"workers-{workers}")
    say(f"{count} editions on a Dask cluster of two workers")
    place, kept = fresh("dask-editions")
    with dask_cluster(scratch, 2) as address:
        found["Dask"] = alliances(root, "batch", str(file), "--scheduler", address, *place, **kept)
    found["editions"] = count
    return found


# ---------------------------------------------------------------- memory of the parent


def stub(task: Task) -> Outcome:
    """Say that an edition was built."""
    return Outcome(task.name, task.values, "built", "", 0.0, "none")


def batch_of_stubs(root: Path, editions: int) -> None:
    """Print the largest memory in megabytes that the parent of a batch has had."""
    import resource

    from alliances.batch import local
    from alliances.batch.run import run_matrix

    local.build = stub
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.yaml"
        file.write_text(
            yaml.safe_dump({"matrix": {"rotation": list(range(1, 11)), "years": list(range(1, editions // 10 + 1))}})
        )
        assert len(run_matrix(root, file, Path(folder) / "out", workers=2)) == editions
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(largest / (1_000_000 if sys.platform == "darwin" else 1_000))


def measure_memory(project: Path, scratch: Path, say: Say) -> dict[str, float]:
    root = copy_project(project, scratch / "memory")
    found = {}
    for editions in (10, 100):
        say(f"memory of the parent with {editions} editions")
        command = [sys.executable, __file__, "--stubs", str(root), str(editions)]
        found[str(editions)] = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


# ---------------------------------------------------------------- the table


def table(edits: dict[str, float], batch: dict[str, float], memory: dict[str, float], by_hand: float | None) -> str:
    def row(name: str, seconds: float, ratio: float | None) -> str:
        return f"  {name:<50}{seconds:>9.2f}" + ("" if ratio is None else f"{ratio:>8.3f}")

    lines = [f"{'A change (embedded engine)':<52}{'seconds':>9}{'of hand' if by_hand else '':>8}"]
    lines += [row(name, seconds, seconds / by_hand if by_hand else None) for name, seconds in edits.items()]
    count, separate = int(batch["editions"]), batch["separate"]
    lines += ["", f"{f'{count} editions':<52}{'seconds':>9}{'faster':>8}"]
    lines.append(row(f"separate builds ({SEPARATE} measured)", separate, 1.0))
    for name in ("1 workers", "2 workers", "Dask"):
        lines.append(
            row(
                {"1 workers": "batch, one worker", "2 workers": "batch, two workers"}.get(
                    name, "batch, Dask with two workers"
                ),
                batch[name],
                separate / batch[name],
            )
        )
    lines += ["", f"{'Largest memory of the parent':<52}{'MB':>9}{'ratio':>8}"]
    lines += [row(f"{editions} editions (stubs)", size, size / memory["10"]) for editions, size in memory.items()]
    return "\n".join(lines)


def measure(project: Path, rounds: int, editions: int, by_hand: float | None, say: Say) -> tuple[dict[str, Any], str]:
    """Measure all, and return the figures and their table."""
    with tempfile.TemporaryDirectory(prefix="alliances-bench-") as folder:
        edits = measure_edits(project, rounds, Path(folder), say)
        batch = measure_batch(project, editions, Path(folder), say)
        memory = measure_memory(project, Path(folder), say)
    figures = {"edits": edits, "batch": batch, "parent_memory_mb": memory}
    return figures, table(edits, batch, memory, by_hand)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what re-running costs.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of edits; medians are shown (default: 5)")
    parser.add_argument("--editions", type=int, default=30, help="editions of the batch (default: 30)")
    parser.add_argument("--stubs", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stubs:
        batch_of_stubs(Path(chosen.stubs[0]), int(chosen.stubs[1]))
        return

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr, flush=True)

    figures, text = measure(find_root(Path(__file__).parent), chosen.rounds, chosen.editions, None, say)
    print(text)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
