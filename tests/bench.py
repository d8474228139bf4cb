"""Measure speed as ratios within one run: `make bench`.

Four comparisons, each with medians of several rounds, the things compared taking turns:

1. papermill's command line over the report's notebooks one after the other and then the same stitching, against
   ``alliances build --engine embedded`` without anything kept from an earlier build, and with it;
2. ``alliances check``;
3. loading and checking the dataset as it is, and with ten and a hundred times its rows of facts;
4. changes, batches and a Dask cluster (bench_editions.py).

Times depend on the machine and on what else runs there; ratios much less.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alliances.paths import find_root
from alliances.staging.report import notebook_names
from bench_editions import environment, run
from bench_editions import measure as measure_editions
from helpers import CHROMIUM, chromium, copy_project

Times = dict[str, list[float]]


# ---------------------------------------------------------------- the report


def stitch(root: Path, executed: Path, target: Path) -> None:
    """Do to notebooks that papermill has executed what a build does to its own."""
    import nbformat

    from alliances import publishing
    from alliances.build import facts
    from alliances.dataset import Dataset
    from alliances.parameters import check_parameters
    from alliances.staging.chapters import read_chapter
    from alliances.staging.figures import draw_png
    from alliances.staging.report import stage, stage_text

    dataset = Dataset.load(root, validate=False)
    defaults = check_parameters({}, dataset)
    known = dataset.known(defaults.day)
    template = root / "report" / "report.qmd"
    chapters = [read_chapter(name, nbformat.read(executed / f"{name}.ipynb", 4)) for name in notebook_names(template)]
    text = stage_text(template, chapters, known, defaults, defaults)
    charts = [chart for chapter in chapters for chart in chapter.charts]
    staged = stage(target / "stage", text, charts, known, defaults, defaults)
    assert staged.problems == []
    publishing.copy_project(root, staged.folder)
    publishing.publish(staged.folder, target, engine="embedded")
    shutil.copytree(staged.folder / "figures", target / "figures")
    draw_png(staged.charts, target / "figures")
    (target / "facts.json").write_text(json.dumps(facts(staged, known)), "utf-8")


def by_hand(root: Path, names: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of papermill's command line over all notebooks, and of the stitching after it."""
    folder.mkdir()
    executing = sum(
        run(root, "-m", "papermill", f"notebooks/{name}.ipynb", str(folder / f"{name}.ipynb"), "-k", "python3")
        for name in names
    )
    return executing, run(root, __file__, "--stitch", str(root), str(folder), str(folder / "report"))


def measure_report(project: Path, rounds: int, scratch: Path, say: Callable[[str], None]) -> Times:
    root = copy_project(project, scratch / "report-project")
    names = notebook_names(root / "report" / "report.qmd")
    times: Times = {"papermill": [], "stitching": [], "by hand": [], "build": [], "build again": [], "check": []}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: {len(names)} notebooks by hand, then built")
        executing, stitching = by_hand(root, names, scratch / f"by-hand-{number}")
        times["papermill"].append(executing)
        times["stitching"].append(stitching)
        times["by hand"].append(executing + stitching)
        kept = str(scratch / f"cache-{number}")
        build = ("-m", "alliances.cli", "build", "--engine", "embedded", "--output", str(scratch / f"built-{number}"))
        times["build"].append(run(root, *build, ALLIANCES_CACHE=kept))
        times["build again"].append(run(root, *build, ALLIANCES_CACHE=kept))
        # `check` may have something to say of the notebooks; its time is the same
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "alliances.cli", "check"], cwd=root, env=environment(root), capture_output=True
        )
        times["check"].append(time.perf_counter() - start)
    return times


def measure_first_view(page: Path, rounds: int) -> float | None:
    """Seconds until the page, opened from disk, shows something, in medians; nothing where there is no Chromium."""
    if CHROMIUM is None:
        return None
    seconds = []
    with chromium() as browser:
        for _ in range(rounds):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            seconds.append(tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000)
            tab.close()
    return statistics.median(seconds)


# ---------------------------------------------------------------- the dataset


def enlarge(project: Path, target: Path, factor: int) -> int:
    """Copy data and seeds with each row of facts `factor` times, under ids of its own; returns the number of rows."""
    from alliances.dataset import FACT_TABLES

    shutil.copytree(project / "seeds", target / "seeds")
    shutil.copytree(project / "data", target / "data")
    count = 0
    for path in sorted((target / "data").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        count += len(rows)
        if path.stem not in FACT_TABLES or factor == 1:
            continue
        key = FACT_TABLES[path.stem]
        ids = {row[key] for row in rows}
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            for number in range(factor):
                ending = f"-{number}" if number else ""
                for row in rows:
                    own = row | {key: f"{row[key]}{ending}"}
                    if own.get("same_as") in ids:
                        own["same_as"] += ending
                    writer.writerow(own)
        count += len(rows) * (factor - 1)
    return count


def load_and_check(root: Path) -> None:
    """Print the seconds that loading and checking take, imports aside."""
    from alliances.dataset import Dataset
    from alliances.dataset.check import check

    start = time.perf_counter()
    dataset = Dataset.load(root, validate=False)
    dataset.known(dataset.default_as_of())
    loaded = time.perf_counter()
    report = check(root)
    print(json.dumps([loaded - start, time.perf_counter() - loaded, len(report.problems)]))


def measure_dataset(
    project: Path, factors: list[int], rounds: int, scratch: Path, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for factor in factors:
        root = scratch / f"dataset-{factor}"
        rows = enlarge(project, root, factor)
        say(f"dataset with {rows:,} rows")
        results = []
        for _ in range(rounds if factor < 100 else 1):
            done = subprocess.run(
                [sys.executable, __file__, "--dataset", str(root)],
                env=environment(root), capture_output=True, text=True, check=True,
            )  # fmt: skip
            results.append(json.loads(done.stdout))
        load, check, problems = (statistics.median(result[n] for result in results) for n in range(3))
        found[f"{factor}x"] = {"rows": rows, "load": load, "check": check, "problems": int(problems)}
        shutil.rmtree(root)
    return found


# ---------------------------------------------------------------- the table


def table(report: dict[str, float], notebooks: int, dataset: dict[str, dict[str, Any]]) -> str:
    lines = [
        f"{'The report (embedded engine)':<52}{'seconds':>9}{'ratio':>8}",
        f"  papermill, {notebooks} notebooks one after the other{'':<12}{report['papermill']:>9.1f}",
        f"  the same stitching{'':<32}{report['stitching']:>9.1f}",
        f"  both, by hand{'':<37}{report['by hand']:>9.1f}{1:>8.2f}",
        f"  alliances build, nothing kept{'':<21}{report['build']:>9.1f}{report['build'] / report['by hand']:>8.2f}",
        f"  alliances build, again, nothing changed{'':<11}{report['build again']:>9.1f}"
        f"{report['build again'] / report['by hand']:>8.2f}",
        f"  alliances check{'':<35}{report['check']:>9.1f}",
        "",
        f"{'The dataset':<20}{'rows':>10}{'load':>9}{'ratio':>8}{'check':>9}{'ratio':>8}",
    ]
    first = next(iter(dataset.values()))
    for name, one in dataset.items():
        lines.append(
            f"  {name:<18}{one['rows']:>10,}{one['load']:>9.2f}{one['load'] / first['load']:>8.1f}"
            f"{one['check']:>9.2f}{one['check'] / first['check']:>8.1f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure speed, as ratios within one run.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; medians are shown (default: 5)")
    parser.add_argument("--factors", default="1,10,100", help="sizes of the dataset (default: 1,10,100)")
    parser.add_argument("--editions", type=int, default=30, help="editions of the batch; 0 leaves it out (default: 30)")
    parser.add_argument("--output", type=Path, help="file for the figures (default: report/_output/bench.json)")
    parser.add_argument("--stitch", nargs=3, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dataset", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stitch:
        stitch(*chosen.stitch)
        return
    if chosen.dataset:
        load_and_check(chosen.dataset)
        return

    project = find_root(Path(__file__).parent)
    factors = [int(factor) for factor in chosen.factors.split(",")]

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="alliances-bench-") as folder:
        times = measure_report(project, chosen.rounds, Path(folder), say)
        first_view = measure_first_view(Path(folder) / "built-0" / "report.html", chosen.rounds)
        dataset = measure_dataset(project, factors, chosen.rounds, Path(folder), say)
    report = {name: statistics.median(values) for name, values in times.items()}
    editions: dict[str, Any] = {}
    text = ""
    if chosen.editions:
        editions, text = measure_editions(project, chosen.rounds, chosen.editions, report["by hand"], say)
    notebooks = len(notebook_names(project / "report" / "report.qmd"))
    print(table(report, notebooks, dataset))
    if first_view is not None:
        print(f"\n{'First view of the page, from disk':<52}{first_view:>9.2f}")
    print(f"\n{text}")
    figures = {
        "machine": {"python": platform.python_version(), "system": platform.platform(), "processors": os.cpu_count()},
        "rounds": chosen.rounds,
        "notebooks": notebooks,
        "seconds": times,
        "medians": report,
        "ratio": report["build"] / report["by hand"],
        "first_view": first_view,
        "dataset": dataset,
        "editions": editions,
    }
    output: Path = chosen.output or project / "report" / "_output" / "bench.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
