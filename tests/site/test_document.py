"""YAML is read by the core schema of YAML 1.2, every fault has its line and column, nothing explodes."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.core.errors import InputError
from twin.site.document import MAX_BYTES, parse
from twin.site.dump import dump


def read(text: str) -> object:
    return parse(f"x: {text}\n", "f.yaml").data["x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2, section 10.3.2 (core schema), and the traps of YAML 1.1.
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("-2.5E-3", -0.0025),
        (".5", 0.5),
        ("0x1F", 31),
        ("0o17", 15),
        ("0", 0),
        ("01.5", 1.5),
        ('"017"', "017"),
        ("+7", 7),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("", None),
        ('"5"', "5"),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("0b11", "0b11"),
    ],
)
def test_a_scalar_is_read_by_the_core_schema(text, value):
    got = read(text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "col", "words"),
    [
        ("a: 1\nb: 2\n  c: 3\n", 3, 4, "mapping values are not allowed"),
        ("a: 1\nb:\n\tc: 3\n", 3, 1, "tab"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, 3, 'duplicate key "b", written first in line 2'),
        ("a: 1\n7: 2\n", 2, 1, 'quote it, "7"'),
        ("a:\n  true: 2\n", 2, 3, "a key must be text"),
        ("? [a, b]\n: 1\n", 1, 3, "a key must be text"),
        ("a: !!python/object/apply:os.system [x]\n", 1, 4, "the tag !!python/object/apply:os.system is not allowed"),
        ("a: !unit 5\n", 1, 4, "the tag !unit is not allowed"),
        ("a: !!timestamp 2026-01-01\n", 1, 4, "not allowed"),
        ("a: !!int five\n", 1, 4, "does not fit its tag"),
        ("a: 1\n---\nb: 1\n", 2, 1, "second document"),
        ("", 1, 1, "empty"),
        ("# nothing\n", 1, 1, "empty"),
        ("- 1\n", 1, 1, "expected a mapping"),
        ("five\n", 1, 1, "expected a mapping"),
        ("a: 1\nb: [1, .nan]\n", 2, 8, ".nan is not a finite number"),
        ("a: -.inf\n", 1, 4, "not a finite number"),
        ("a: 1e999\n", 1, 4, "not a finite number"),
        ("a: 1\nb: {<<: {c: 1}}\n", 2, 5, "merge keys"),
        ("a: &x {b: *x}\n", 1, 4, "refers to what it stands in"),
        ("a: *x\n", 1, 4, "undefined alias"),
        (f"a: {'9' * 5000}\n", 1, 4, "too many digits"),
        ("a: 1\nb: 010\n", 2, 4, "010 begins with 0, which older readers take for octal"),
        ("a: -08\n", 1, 4, "-08 begins with 0"),
        ("a: b\x01\n", 1, 5, "is not allowed in YAML"),
        (f"a: {'[' * 5000}\n", 1, 66, "nested deeper than 64 levels"),
        (f"a: 1\nb: {'{a: ' * 70}1{'}' * 70}\n", 2, 252, "nested deeper than 64 levels"),
    ],
)
def test_a_fault_has_its_line_and_column(text, line, col, words):
    with pytest.raises(InputError) as caught:
        parse(text, "f.yaml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.col) == ("f.yaml", line, col)
    assert words in problem.message


def test_bytes_that_are_not_utf8_have_their_place():
    with pytest.raises(InputError, match=r"f\.yaml:2:5: the file is not UTF-8"):
        parse("a: é\nb: é".encode() + b"\xff\n", "f.yaml")


def test_a_byte_order_mark_moves_nothing():
    document = parse(b"\xef\xbb\xbfa: 1\n", "f.yaml")
    assert document.data == {"a": 1}
    assert document.marks[("a",)][1:] == (1, 4, 1, 1)


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(InputError, match="larger than 8 MB"):
        parse("a" * (MAX_BYTES + 1), "f.yaml")


def test_all_faults_beyond_syntax_are_told_at_once():
    with pytest.raises(InputError) as caught:
        parse("a: .nan\n1: 2\nb: !x 1\nb: 2\n", "f.yaml")
    assert [(p.line, p.col) for p in caught.value.problems] == [(1, 4), (2, 1), (3, 4), (4, 1)]


@pytest.mark.parametrize("shape", ["tree", "flat"])
def test_an_alias_bomb_is_refused_within_a_second(shape):
    if shape == "tree":
        levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)]
        text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(levels)
    else:
        text = "a: &a 1\nb: [" + "*a ," * 250_000 + "]\n"
    taken = []
    for _ in range(3):  # the best: a collection of garbage, of all that other tests hold, may fall into one
        begin = time.thread_time()
        with pytest.raises(InputError, match="more than 200000 values"):
            parse(text, "f.yaml")
        taken.append(time.thread_time() - begin)
    assert min(taken) < 1.0


def test_an_alias_is_written_out_with_its_own_paths():
    document = parse("a: &x {b: [1, 2]}\nc: *x\n", "f.yaml")
    assert document.data["c"] == {"b": [1, 2]}
    assert document.marks[("c", "b", 1)][1:3] == (1, 15)


def test_marks_hold_the_place_of_key_and_value():
    document = parse("top:\n  list:\n    - {k: v}\n", "f.yaml")
    assert document.marks[("top", "list", 0, "k")] == ("f.yaml", 3, 11, 3, 8)
    assert document.marks[("top", "list")] == ("f.yaml", 3, 5, 2, 3)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.sampled_from(["NO", "12:30", "1e3", ".nan", "<<", "a: b", "- a", "#", " a", "a ", "0x1", "~", "''"])
)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda key: key != "<<")
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


@given(st.dictionaries(keys, values, max_size=5))
def test_what_is_written_is_read_back(data):
    back = parse(dump(data), "f.yaml").data
    assert back == data
    assert repr(back) == repr(data)  # types and the order of keys too


@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(source):
    with contextlib.suppress(InputError):
        assert isinstance(parse(source, "f.yaml").data, dict)
