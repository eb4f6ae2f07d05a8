"""Where a password comes from, and that it prints, formats and stores as nothing."""

from __future__ import annotations

import io
import sys

import pytest

from medground_bench.commands.passwords import password_of
from medground_bench.fetching.account import Account, BadAccount, Password
from tests.fetching.conftest import NAME, PASSWORD

KEYRING = '''"""A keyring that has what its file says."""
from pathlib import Path

def get_password(service, name):
    from keyring import errors
    if name == "locked":
        raise errors.KeyringError("it is locked")
    return (Path(__file__).parent / "vault").read_text() if (service, name) == ("physionet.org", "marie") else None
'''


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    """The package keyring, installed."""
    (tmp_path / "keyring").mkdir()
    (tmp_path / "keyring" / "__init__.py").write_text(KEYRING)
    (tmp_path / "keyring" / "errors.py").write_text("class KeyringError(Exception): ...\n")
    (tmp_path / "keyring" / "vault").write_text(PASSWORD)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("keyring", "keyring.errors"):
        sys.modules.pop(name, None)


@pytest.fixture
def no_terminal(monkeypatch):
    """Standard input is a file."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\r\nand more"))


def test_the_first_line_of_standard_input_is_it_where_that_is_asked_for(no_terminal):
    assert password_of(NAME, from_stdin=True).reveal() == PASSWORD


def test_the_keyring_has_it(no_terminal, keyring):
    assert password_of(NAME, from_stdin=False).reveal() == PASSWORD


def refused(name):
    with pytest.raises(BadAccount) as said:
        password_of(name, from_stdin=False)
    assert "--password-stdin" in str(said.value) and f"keyring set physionet.org {name}" in str(said.value)
    return str(said.value)


def test_without_a_terminal_and_a_keyring_the_ways_are_told(no_terminal, monkeypatch):
    monkeypatch.setattr("medground_bench.commands.passwords.find_spec", lambda name: None)
    assert "pip install keyring" in refused(NAME)


@pytest.mark.parametrize(
    ("name", "why"), [("pierre", "does not have it"), ("locked", "cannot be opened (it is locked)")]
)
def test_what_the_keyring_lacks_is_told(no_terminal, keyring, name, why):
    assert why in refused(name)


def test_a_password_prints_formats_and_stores_as_nothing():
    account = Account(NAME, Password(PASSWORD))
    shown = [repr(account), str(account.password), f"{account}"]
    assert not [text for text in shown if PASSWORD in text]
    with pytest.raises(TypeError, match="not stored"):
        account.password.__reduce__()


def test_a_password_goes_over_the_wire_as_the_standard_has_it():
    """The example of RFC 7617, section 2.1: in UTF-8."""
    assert Account("test", Password("123\u00a3")).basic() == "Basic dGVzdDoxMjPCow=="


@pytest.mark.parametrize("text", ["", "a\nb", "a\x00b"])
def test_a_password_that_cannot_be_one_is_refused_and_not_repeated(text):
    with pytest.raises(BadAccount) as refused:
        Password(text)
    assert not text or text not in str(refused.value)
