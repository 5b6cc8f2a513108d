"""``twin demo`` where the facility refuses what it is asked for: all ends, with its reason."""

from __future__ import annotations

from tests.cli.child import twin


def test_a_fault_of_nothing_ends_all_with_the_facilitys_own_words(tmp_path):
    done = twin("demo", "oklahoma-10", "--port", "0", "--fault", "okc/hall-1/cdu-99:facility", cwd=tmp_path)
    assert done.returncode == 2
    assert 'is called "okc/hall-1/cdu-99"; did you mean' in done.stderr
    assert "Traceback" not in done.stderr
