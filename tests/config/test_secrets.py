"""No password gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.secrets import redact, without_key


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://user:pw@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:p%40w@host", "postgresql://user:***@host"),
        ("cannot reach wss://a:b@c and http://d:e@f", "cannot reach wss://a:***@c and http://d:***@f"),
        ("postgresql://:pw@host", "postgresql://:***@host"),
        ("postgresql://user:a:b@c@host/db", "postgresql://user:***@host/db"),
        ("postgresql://host/db?user=u&password=pw&x=1", "postgresql://host/db?user=u&password=***&x=1"),
        ("host=h password=pw dbname=d", "host=h password=*** dbname=d"),
    ],
)
def test_passwords_are_replaced(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text", ["", "https://clob.polymarket.com", "postgresql://user@host:5432/db", "a=b", "x@y:z"]
)
def test_what_holds_none_stays_as_it_is(text):
    assert redact(text) == text


_PASSWORDS = st.text(
    st.characters(codec="ascii", exclude_characters="/?# \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f"), min_size=8
)


@given(password=_PASSWORDS, before=st.sampled_from(["", "error: ", "(", "'"]))
def test_no_password_of_a_valid_url_is_left(password, before):
    shown = redact(f"{before}postgresql://user:{password}@localhost:5432/db")

    assert shown == f"{before}postgresql://user:***@localhost:5432/db"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://node.example/v2/s3cret", "wss://node.example/***"),
        ("wss://node.example:8546?key=s3cret", "wss://node.example:8546/***"),
        ("wss://user:s3cret@node.example", "wss://node.example/***"),
        ("wss://node.example#s3cret", "wss://node.example/***"),
        ("ws://127.0.0.1:8546/", "ws://127.0.0.1:8546"),
    ],
)
def test_a_nodes_key_is_hidden_wherever_it_stands(url, shown):
    assert without_key(url) == shown
