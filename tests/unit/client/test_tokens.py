"""What is given for a token: repaired where that is sure, and told where it is none."""

from __future__ import annotations

import pytest

from a2e_async import A2EClient, MissingTokenError
from a2e_async.engine.http.token import clean_token

PLACEHOLDERS = [
    "$A2E_API_KEY", "${A2E_API_KEY}", "%A2E_API_KEY%", "{{ key }}", "<your token>", "A2E_API_KEY=sk_c0ffee",
    "export A2E_API_KEY='sk_c0ffee'", "set A2E_API_KEY=sk_c0ffee", "None", "null", "***", "...", "sk_...", "sk_xxxxxx",
    "your-api-key", "your_token_here", "sk_c0ffee;", "sk_c0ffee,", '"sk_c0ffee', "sk_c0ffee'",
]  # fmt: skip


@pytest.mark.parametrize("given", PLACEHOLDERS)
def test_what_stands_in_the_place_of_a_token_is_told_as_such(monkeypatch, given):
    """The service would say 401, and nobody would know why; what was given is not shown."""
    with pytest.raises(MissingTokenError, match=r"^the token \(token=\) holds a placeholder, or a line") as caught:
        A2EClient(given)
    assert "c0ffee" not in f"{caught.value} {caught.value!r}"
    monkeypatch.setenv("A2E_API_KEY", given)
    with pytest.raises(MissingTokenError, match=r"^the token \(A2E_API_KEY\) holds a placeholder"):
        A2EClient()


@pytest.mark.parametrize(
    "given", ["c0ffee.0123-4567_89/+==", "sk_x", "nonesuch", "a2e$b", "yours", "x=", "abc==", "eyJh.eyJz.c0=="]
)
def test_tokens_of_other_shapes_are_tokens(given):
    """A gateway may have any."""
    assert A2EClient(given)


@pytest.mark.parametrize("given", ["\ufeffsk_c0ffee", "\ufeff'Bearer sk_c0ffee'\r\n", "'\ufeffsk_c0ffee'"])
def test_the_mark_of_an_editor_is_no_part_of_a_token(given):
    """Some editors put it before a text."""
    assert clean_token(given) == "sk_c0ffee"
