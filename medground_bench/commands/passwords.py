"""Where a password comes from: standard input, the keyring, or a question at the terminal; nowhere else.

An option or a variable of the environment would show it to other users, to shells' histories and to crash reports.
"""

from __future__ import annotations

import getpass
import sys
from importlib.util import find_spec

from medground_bench.core.errors import one_line
from medground_bench.fetching.account import BadAccount, Password

SERVICE = "physionet.org"
"""Under which the keyring has it: `keyring set physionet.org NAME`."""


def password_of(name: str, *, from_stdin: bool) -> Password:
    """The password of a PhysioNet account; BadAccount, which says how one is given, where there is none.

    from_stdin  whether it is the first line of standard input
    """
    if from_stdin:
        return Password(sys.stdin.readline().rstrip("\r\n"))
    kept, why = _in_keyring(name)
    if kept is not None:
        return kept
    if not sys.stdin.isatty():
        raise BadAccount(
            f"there is no terminal to ask for the password of {name} at, and {why}. Give it as the first line of "
            f"standard input with --password-stdin, or keep it: keyring set {SERVICE} {name}"
        )
    return Password(getpass.getpass(f"PhysioNet password of {name}: "))


def _in_keyring(name: str) -> tuple[Password | None, str]:
    """What the keyring of this machine has, or why it has nothing."""
    if find_spec("keyring") is None:
        return None, "the package keyring, which could have it, is not installed (pip install keyring)"
    import keyring
    from keyring.errors import KeyringError

    try:
        kept = keyring.get_password(SERVICE, name)
    except KeyringError as error:
        return None, f"the keyring cannot be opened ({one_line(error).rstrip('.') or type(error).__name__})"
    return (Password(kept), "") if kept else (None, "the keyring does not have it")
