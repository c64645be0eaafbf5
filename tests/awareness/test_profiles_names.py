"""What customers are called."""

from __future__ import annotations

import pytest

from antiphon.awareness.profiles import display_name


@pytest.mark.parametrize(
    ("traits", "called"),
    [
        ({"name": "Ada Lovelace", "firstName": "A"}, "Ada Lovelace"),
        ({"firstName": "Ada", "lastName": "Lovelace"}, "Ada Lovelace"),
        ({"first_name": "Ada"}, "Ada"),
        ({"firstName": "小明", "lastName": "王"}, "王小明"),
        ({"firstName": "小明"}, "小明"),
        ({"firstName": "Xiaoming", "lastName": "王"}, "Xiaoming 王"),
        ({"email": "ada@example.com"}, "ada@example.com"),
        ({}, "#7"),
    ],
)
def test_names(traits: dict[str, str], called: str) -> None:
    assert display_name(traits, "#7") == called
