"""docs/doctor.md names every id that the doctor and the second watcher can speak of, and no other."""

import re
from pathlib import Path

from hybridd.pipeline.checkup import CHECKS
from hybridd.pipeline.second_watch import INVARIANTS, UNIT_FAILED

TEXT = (Path(__file__).resolve().parents[2] / "docs/doctor.md").read_text()


def test_every_id_has_a_row_and_every_row_an_id():
    rows = re.findall(r"^\| ([CD]\d\d) \|", TEXT, re.MULTILINE)
    known = ["D01", *(check[0] for check in CHECKS), *(invariant.id for invariant in INVARIANTS), UNIT_FAILED]
    assert sorted(rows) == sorted(known)
    assert len(set(rows)) == len(rows)


def test_each_invariant_is_called_there_as_it_calls_itself():
    for invariant in INVARIANTS:
        assert f"| {invariant.id} | {invariant.title} |" in TEXT
