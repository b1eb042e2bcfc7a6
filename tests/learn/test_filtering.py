from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.learn.filtering import Coded, FilterError, compiled

KINDS = {
    "stock": "number", "price": "number", "category": "text", "brand": "text", "tags": "list",
    "available": "yes_no", "attributes.颜色": "text", "end": "number",
}  # fmt: skip
COLUMNS: dict[str, Any] = {
    "stock": np.array([5.0, 0.0, np.nan, 2.0]),
    "price": np.array([99.0, 150.0, 20.0, 300.0]),
    "category": np.array(["skin care", "护肤", "", "Skin Care"], dtype=object),
    "brand": np.array(["A", "B", "L'Oréal", ""], dtype=object),
    "tags": [("new",), ("Adult", "18+"), (), None],
    "available": np.array([True, True, False, True]),
    "attributes.颜色": np.array(["红", "蓝", "红", ""], dtype=object),
    "end": np.zeros(4),
}


def rows(text: str, columns: dict[str, Any] = COLUMNS) -> list[int]:
    return np.flatnonzero(compiled(text, KINDS).mask(columns)).tolist()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("stock > 0", [0, 3]),
        ("stock>0 and price<=200", [0]),
        ("category = 'skin care'", [0, 3]),
        ("brand in ('A','b')", [0, 1]),
        ("brand not in ('A')", [1, 2, 3]),
        ("not tags has 'adult'", [0, 2, 3]),
        ("tags not has 'adult'", [0, 2, 3]),
        ("tags in ('new', '18+')", [0, 1]),
        ("available", [0, 1, 3]),
        ("not available", [2]),
        ("available = false", [2]),
        ("price < 50 or price > 200", [2, 3]),
        ("price < 50 or price > 100 and stock > 0", [2, 3]),
        ("(price < 50 or price > 100) and stock > 0", [3]),
        ("stock != 5", [1, 2, 3]),
        ("brand = 'L''Oréal'", [2]),
        ('brand = "L\'Oréal"', [2]),
        ("price in (20, 99)", [0, 2]),
        ("not not stock > 0", [0, 3]),
        ("attributes.颜色 = '红'", [0, 2]),
        ("price >= 1.5e", []),
    ],
)
def test_a_filter_keeps_the_rows_it_says(text: str, wanted: list[int]) -> None:
    if text.endswith("1.5e"):
        with pytest.raises(FilterError):
            rows(text)
    else:
        assert rows(text) == wanted


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("stock ＞ 0 且 price ≤ 200", "stock > 0 and price <= 200"),
        (
            "category ＝ “护肤” 或 brand 属于（‘A’，「B」）",
            "category = '护肤' or brand in ('A','B')",
        ),
        ("非 tags 含 『Adult』", "not tags has 'Adult'"),
        ("price≠99 && stock==2", "price != 99 and stock = 2"),
        ("price ＜＝ 99", "price <= 99"),
    ],
)
def test_chinese_quotes_and_signs_of_full_width_are_read(chinese: str, english: str) -> None:
    assert rows(chinese) == rows(english)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("stok > 0", 1, "a column"),
        ("stock >", 8, "a number"),
        ("stock > 'many'", 9, "a number"),
        ("brand = A", 9, "a text in quotes"),
        ("brand > 'A'", 7, "= or !="),
        ("price has 'A'", 7, "no list"),
        ("stock > 0 price < 3", 11, "and, or, or the end"),
        ("stock > 0 end", 11, "and, or, or the end"),
        ("(stock > 0", 11, "and, or, or )"),
        ("brand in 'A'", 10, "( and values"),
        ("brand = 'A", 9, "a name, a sign or a value"),
        ("", 1, "the name of a column"),
        ("tags = 'A'", 6, "in or has"),
        ("__import__('os')", 1, "a column"),
        ("available = 3", 13, "true or false"),
    ],
)
def test_a_fault_names_its_place_and_what_was_expected(
    text: str, position: int, expected: str
) -> None:
    with pytest.raises(FilterError) as fault:
        compiled(text, KINDS)
    assert fault.value.position == position
    assert expected in fault.value.expected


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    with pytest.raises(FilterError, match="did you mean stock") as fault:
        compiled("stok > 0", KINDS)
    assert fault.value.suggestion == "stock"


def test_a_bare_word_gets_its_quotes() -> None:
    with pytest.raises(FilterError) as fault:
        compiled("brand = A", KINDS)
    assert fault.value.suggestion == "'A'"


def test_what_is_too_long_or_too_deep_is_refused() -> None:
    with pytest.raises(FilterError, match="2000 characters"):
        compiled("a" * 2_001, KINDS)
    with pytest.raises(FilterError, match="inside each other"):
        compiled("(" * 500 + "stock > 0" + ")" * 500, KINDS)
    with pytest.raises(FilterError, match="inside each other"):
        compiled("not " * 400 + "stock > 0", KINDS)


def test_a_filter_knows_which_columns_it_reads() -> None:
    assert compiled("stock > 0 and brand = 'A'", KINDS).names == {"stock", "brand"}


def test_a_coded_column_gives_the_same_rows() -> None:
    coded = COLUMNS | {
        "brand": Coded(["A", "B", "L'Oréal", ""], np.array([0, 1, 2, 3], dtype=np.int32)),
        "tags": Coded([("new",), ("Adult", "18+"), None], np.array([0, 1, 2, 2], dtype=np.int32)),
    }
    for text in ("brand in ('a', '')", "tags has '18+'", "brand != 'B' and not tags has 'new'"):
        assert rows(text, coded) == rows(text)


def test_no_rows_are_no_fault() -> None:
    empty = {"stock": np.empty(0), "brand": np.empty(0, dtype=object), "tags": []}
    kept = compiled("stock > 0 and brand = 'A' or tags has 'x'", KINDS).mask(empty)
    assert kept.shape == (0,)
    assert kept.dtype == np.bool_


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_a_fault_with_a_place(text: str) -> None:
    try:
        found = compiled(text, KINDS)
    except FilterError as fault:
        assert 1 <= fault.position <= len(text) + 1  # noqa: PT017 - either is right, and a fault has a place
    else:
        assert found.mask(COLUMNS).shape == (4,)


_TESTS = st.sampled_from(
    ["stock > 0", "price <= 100", "brand = 'A'", "tags has 'adult'", "available", "category != ''"]
)
_EXPRESSIONS = st.recursive(
    _TESTS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
    ),
    max_leaves=6,
)


@given(_EXPRESSIONS, _EXPRESSIONS)
def test_and_or_and_not_are_those_of_logic(one: str, other: str) -> None:
    def mask(text: str) -> Any:
        return compiled(text, KINDS).mask(COLUMNS)

    assert (mask(f"not ({one} and {other})") == ~(mask(f"{one} and {other}"))).all()
    both = mask(f"({one}) and ({other})")
    assert (both == (mask(one) & mask(other))).all()
    assert (mask(f"({one}) or ({other})") == (mask(one) | mask(other))).all()
    assert (mask(f"not ({one})") == ~mask(one)).all()
