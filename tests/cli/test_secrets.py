"""No output of any command has a secret in it, whoever says it and whatever goes wrong."""

import pytest

SECRET = "hunter2-Zw9"
FILE = """
    [simulation]
    model = "model:build"
    factor = 0
"""
TABLE = f"""
    [egress."HOW"]
    type = "leaky:Leaky"
    dsn = "postgres://user:{SECRET}@host/db"
    sasl_plain_password = "{SECRET}"
    licence = "{SECRET}"
    how = "HOW"
    drain_timeout = 0.2
"""
# says its secrets in every way that there is
LEAKY = """
    from __future__ import annotations
    import logging, sys, threading, warnings
    from pydantic import SecretStr
    from dynamic_des import BaseEgress, PermanentError

    class Leaky(BaseEgress):
        def __init__(self, dsn: str, sasl_plain_password: str, licence: SecretStr, how: str):
            self.text = f"{dsn} {sasl_plain_password} {licence.get_secret_value()}"
            self.how = how
            if how == "constructor":
                raise ValueError(self.text)

        async def open(self, run):
            if self.how == "open":
                raise PermanentError(self.text)
            if self.how == "open again":
                raise ConnectionError(self.text)

        async def write(self, batch):
            if batch.system:
                return None
            if self.how == "write":
                raise PermanentError(self.text)
            if self.how == "set aside":
                return [(record.get("seq"), self.text) for record in batch]
            if self.how == "log":
                logging.getLogger("driver").error("cannot use %s", self.text)
            if self.how == "log traceback":
                try:
                    raise ValueError(self.text)
                except ValueError:
                    logging.getLogger("driver").exception("failed")
            if self.how == "warn":
                warnings.warn(self.text, UserWarning)
            if self.how == "unraisable":
                class Dying:
                    def __del__(dying): raise RuntimeError(self.text)
                del [Dying()][0]
            if self.how == "thread":
                def fail(): raise RuntimeError(self.text)
                thread = threading.Thread(target=fail)
                thread.start()
                thread.join()

        async def close(self):
            if self.how == "close":
                raise ValueError(self.text)
"""
MODEL = """
    from pathlib import Path

    def build(env):
        env.publish_event("x", {})
        if Path("model raises").exists():
            raise RuntimeError(env._bridge.sinks[0]._egress.text)
"""
WAYS = ["open", "open again", "write", "set aside", "log", "log traceback", "warn", "thread", "unraisable", "close"]


@pytest.fixture
def leaky(twin):
    def prepare(*ways):
        tables = "".join(TABLE.replace("HOW", how) for how in ways)
        return twin.module("leaky", LEAKY).module("model", MODEL).file(FILE + tables)

    return prepare


def test_a_run_shows_no_secret_whatever_goes_wrong(leaky):
    twin = leaky(*WAYS)
    twin.warnings = "default"
    done = twin("run", "twin.toml", DYNAMIC_DES_LOG="info")
    said = done.stdout + done.stderr
    assert SECRET not in said
    assert done.returncode == 3
    shown = "postgres://user:********@host/db ******** ********"
    for text in (
        f"egress open: failed: {shown}",
        f"egress open again: connecting: ConnectionError: {shown}",
        f"egress write: failed: {shown}",
        f"seq 1: {shown}",
        f"ERROR cannot use {shown}",
        f"\nValueError: {shown}\n",
        f"UserWarning: {shown}",
        f"egress write: 0 written, 0 retried, 0 set aside, 0 dropped, 1 NOT WRITTEN ({shown})",
    ):
        assert text in said, said
    assert said.count(f"RuntimeError: {shown}") == 2, "one of a thread, one that nobody could catch"


def test_a_model_that_raises_shows_no_secret(leaky, twin):
    (twin.path / "model raises").touch()
    done = leaky("x")("run", "twin.toml")
    assert done.returncode == 1
    assert SECRET not in done.stdout + done.stderr
    assert "RuntimeError: postgres://user:********@host/db ******** ********" in done.stderr


def test_a_check_shows_no_secret(leaky):
    done = leaky("open", "open again", "close")("check", "twin.toml", "--connect")
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr.count("postgres://user:********@host/db ******** ********") == 3
    assert done.returncode == 2


def test_a_wrong_file_shows_no_secret(leaky, twin):
    text = (leaky("x").path / "twin.toml").read_text()
    for wrong in (text.replace("licence", "license"), f"{text}batch_size = 0", text.replace('"x"', '"constructor"')):
        for command in ("run", "check"):
            done = twin.file(wrong)(command, "twin.toml")
            assert done.returncode == 2
            assert SECRET not in done.stdout + done.stderr
    assert "ValueError: postgres://user:********@host/db ******** ********" in done.stderr


def test_a_file_that_is_no_toml_shows_nothing_of_its_content(twin):
    done = twin.file(f"[egress.x]\npassword = {SECRET}\n")("check", "twin.toml")
    assert done.returncode == 2
    assert SECRET not in done.stderr
    assert done.stderr.startswith("twin.toml:2: is not TOML at column ")
