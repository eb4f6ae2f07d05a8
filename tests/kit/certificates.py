"""Certificates of this machine for the years a test wants."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SETTINGS = """
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def certificate(folder: Path, first_year: int, last_year: int) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, its own authority, and its key; skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    folder.mkdir()
    (folder / "settings").write_text(SETTINGS)
    (folder / "index.txt").touch()
    request = (
        "req -new -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem "
        "-out request.pem"
    )
    signing = (
        "ca -batch -config settings -selfsign -notext -keyfile key.pem -in request.pem -out certificate.pem "
        f"-startdate {first_year}0101000000Z -enddate {last_year}0101000000Z"
    )
    for words in (request, signing):
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"
