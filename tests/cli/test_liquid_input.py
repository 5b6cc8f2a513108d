"""What is wrong with coolant and facility water, as ``twin site validate`` tells it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.child import twin

SITE = """\
format: 1
base: rubin-manifold
name: bad
templates:
  rubin:
    liquid: {supply_c: 14}
buildings:
  b:
    loops:
      hot:
        supply_c: 10
        pumps: {device: small, count: 2}
      chw:
        plant: {rejection: null}
"""
PUMP = """\
kind: pump
title: A pump that is far too small
rated_flow_lpm: {value: 5000, source: "a test", confidence: estimate}
rated_head_kpa: {value: 70, source: "a test", confidence: estimate}
shut_off_head_kpa: {value: 90, source: "a test", confidence: estimate}
fail_over_s: {value: 5, source: "a test", confidence: estimate}
"""


def test_dew_point_pump_curve_and_heat_rejection_are_told_at_once_with_exit_code_2(tmp_path: Path):
    (tmp_path / "bad.yaml").write_text(SITE)
    (tmp_path / "library/pumps").mkdir(parents=True)
    (tmp_path / "library/pumps/small.yaml").write_text(PUMP)
    done = twin("site", "validate", "bad.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "bad.yaml:6:24: templates.rubin.liquid.supply_c: supply below dew point: 14 degC is below the dew point of the "
        "room air, 15 degC (air.dew_point_c), water condenses on it",
        "bad.yaml:12:25: buildings.b.loops.hot.pumps.device: the curve of small never meets the system: shut-off head "
        "90 kPa, static head 100 kPa",
        'bad.yaml:14:9: buildings.b.loops.chw.plant.rejection: missing key "rejection": heat rejection, what sheds the '
        "heat of the loop outdoors",
    ]


def test_a_word_that_is_nearly_right_is_told_with_the_right_one(tmp_path: Path):
    text = SITE.replace("rejection: null", "rejektion: {count: 1}").replace("small", "loop-pump-300m3")
    (tmp_path / "bad.yaml").write_text(text.replace("supply_c: 14", "dew_point_gard_k: 3"))
    done = twin("site", "validate", "bad.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    for word in ("dew_point_guard_k", "loop-pump-300m3h", "rejection"):
        assert f'did you mean "{word}"?' in done.stderr
