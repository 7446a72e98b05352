"""Cross-validate the serving estimator and store what came out: ``python docs/crossvalidate_serving.py``.

It takes minutes and needs SciPy. The rows are those of ``planner validate serving --cross-validate`` that are
scored: each family of sources is predicted with constants fitted without it, and inside a family with more
than a quarter of all figures each model is. The same fits make the calibration record: ``--save DIR`` writes
it, as ``planner calibrate serving --save DIR`` does (``--save .``: the one that ships). The pages that report
accuracy read what is stored; run this again whenever model, constants or evidence change.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "docs" / "data" / "crossvalidation_serving.json"
sys.path.insert(0, str(ROOT))

from planner.catalog.load import Catalog  # noqa: E402
from planner.evidence.serving_held import hold_out  # noqa: E402
from planner.evidence.serving_intervals import held_bounds  # noqa: E402
from planner.evidence.serving_recalibrate import fitted  # noqa: E402
from planner.evidence.serving_validate import figures, validate_serving  # noqa: E402


def main() -> None:
    """Run it and write the file."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--save", type=Path, help="also write the calibration record into this overlay")
    given = options.parse_args()
    found = figures(Catalog())
    held = hold_out(found.cases, found.targets, progress=lambda text: print(text, file=sys.stderr))
    date = datetime.now(UTC).date().isoformat()
    if given.save is not None:
        print(f"wrote {fitted(found, held, date=date).save(given.save)}")
    spread = found.log_ratio(held.predicted)
    known = found.scored & np.isfinite(spread)
    bounds = held_bounds(spread, found.names, held.folds, known)
    rows = {}
    for i in np.flatnonzero(known).tolist():
        value = held.predicted[i]
        numbers = (value, value * bounds.low[i], value * bounds.high[i])
        key = f"{found.targets[i].run.id} {found.targets[i].metric}"
        rows[key] = [found.names[i][0], held.folds[i], *(float(f"{n:.5g}") for n in numbers)]
    head = {
        "command": "python docs/crossvalidate_serving.py",
        "same_as": "planner validate serving --cross-validate",
        "date": date,
        "folds": len(held.fits),
        "as_calibrated": {metric: vars(score) for metric, score in validate_serving().summary.items()},
    }
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}," for k, v in head.items()]
    body = ",\n".join(f"    {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text("\n".join(["{", *lines, '  "rows": {', body, "  }", "}", ""]), encoding="utf-8")
    print(f"wrote {STORED.relative_to(ROOT)}: {len(rows)} figures in {len(held.fits)} folds")


if __name__ == "__main__":
    main()
