"""Cross-validate the training estimator and store what came out: ``python docs/crossvalidate.py``.

It takes minutes and needs SciPy. The rows are those of ``planner validate training --cross-validate``: each
family of sources is predicted with constants fitted without it. Beside them stand the TPU rows, predicted
with constants fitted without their generation. The pages that report accuracy read what is stored; run this
again whenever model, constants or evidence change.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "docs" / "data" / "crossvalidation.json"
sys.path.insert(0, str(ROOT))

from planner.catalog.kinds import CALIBRATION  # noqa: E402
from planner.catalog.load import Catalog  # noqa: E402
from planner.evidence.calibrate import Fit, fit, fit_chosen  # noqa: E402
from planner.evidence.cases import Cases, build_cases  # noqa: E402
from planner.evidence.crossvalidate import cross_validate  # noqa: E402
from planner.evidence.predict import step_time_s  # noqa: E402
from planner.evidence.runs import read_runs  # noqa: E402
from planner.evidence.validate import evidence_path, validate_training  # noqa: E402


def main() -> None:
    """Run both and write the file."""
    cases = build_cases(read_runs(evidence_path()), Catalog())
    fitted = fit(cases)
    held = cross_validate(cases, fitted)
    ids = [held.cases.runs[i].id for i in held.cases.run]
    columns = zip(held.classes, held.predicted_s, held.low_s, held.high_s, strict=True)
    rows = {key: [name, *map(_short, values)] for key, (name, *values) in zip(ids, columns, strict=True)}
    tpu = tpu_left_out(held.cases, fitted)
    document = {
        "command": "python docs/crossvalidate.py",
        "same_as": "planner validate training --cross-validate",
        "date": datetime.now(UTC).date().isoformat(),
        "calibration": str(Catalog().get(CALIBRATION, "training").date),
        "as_calibrated": dict(validate_training().summary),
    }
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}," for k, v in document.items()]
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text(
        "\n".join(["{", *lines, *_table("rows", rows), *_table("tpu", tpu), "}", ""]).replace(",\n}", "\n}")
    )
    print(f"wrote {STORED.relative_to(ROOT)}: {len(rows)} rows, {len(tpu)} on TPUs")


def tpu_left_out(cases: Cases, fitted: Fit) -> dict[str, float]:
    """Step times of the TPU rows from fits without their generation."""
    part = np.array([cases.runs[i].text["accelerator"] for i in cases.run])
    found = {}
    for generation in sorted({name for name in part if name.startswith("tpu")}):
        mine = np.flatnonzero(part == generation)
        without = fit_chosen(cases.take(np.flatnonzero(part != generation)), fitted)
        asked = cases.take(mine)
        predicted = step_time_s(asked, without.constants())
        found |= {asked.runs[i].id: _short(value) for i, value in zip(asked.run, predicted, strict=True)}
    return found


def _table(name: str, rows: dict[str, object]) -> list[str]:
    """One line a row, so that a change of the file can be read."""
    lines = [f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items()]
    return [f"  {json.dumps(name)}: {{", ",\n".join(lines), "  },"]


def _short(value: float) -> float:
    return float(f"{value:.5g}")


if __name__ == "__main__":
    main()
