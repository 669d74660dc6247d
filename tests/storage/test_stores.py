"""Which store an address means, and with which options; nobody is asked over the network."""

import pytest
from pyarrow import fs
from pydantic import SecretStr

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des.errors import ConfigError
from dynamic_des_storage import ParquetEgress
from dynamic_des_storage.stores import filesystem_and_path

KEY = {"account_key": SecretStr("a2V5")}


@pytest.mark.parametrize(
    ("uri", "options", "kind", "path"),
    [
        ("s3://bucket/runs/", {"region": "eu-central-1", "anonymous": True}, fs.S3FileSystem, "bucket/runs"),
        ("s3://bucket/runs?region=eu-central-1", None, fs.S3FileSystem, "bucket/runs"),
        ("gs://bucket/runs", {"anonymous": True}, fs.GcsFileSystem, "bucket/runs"),
        ("gcs://bucket/runs", {"anonymous": True, "retry_time_limit": 5}, fs.GcsFileSystem, "bucket/runs"),
        ("gs://anonymous@bucket/runs?retry_limit_seconds=5", None, fs.GcsFileSystem, "bucket/runs"),
        ("abfs://container/runs", {"account_name": "acc", **KEY}, fs.AzureFileSystem, "container/runs"),
        ("abfss://lake@acc.dfs.core.windows.net/runs/a", KEY, fs.AzureFileSystem, "lake/runs/a"),
        ("abfss://lake@acc.dfs.core.windows.net/runs/a/", None, fs.AzureFileSystem, "lake/runs/a"),
        ("abfss://acc.dfs.core.windows.net/lake/runs", KEY, fs.AzureFileSystem, "lake/runs"),
        ("abfss://acc.dfs.core.windows.net/lake/runs", None, fs.AzureFileSystem, "lake/runs"),
        ("file:///lake/runs/", None, fs.LocalFileSystem, "/lake/runs"),
    ],
)
def test_each_store_is_found_by_its_address(uri, options, kind, path):
    found, inside = filesystem_and_path(uri, options)
    assert (type(found), inside) == (kind, path)


def test_an_azure_address_and_its_options_mean_the_account_that_pyarrow_finds_in_the_address():
    address = "abfss://lake@acc.dfs.core.windows.net/runs"
    assert filesystem_and_path(address, {}) == fs.FileSystem.from_uri(address)


@pytest.mark.parametrize(
    ("uri", "options", "said"),
    [
        ("ftp://x", {}, "ftp://x: filesystem is for s3, gs, gcs, abfs, abfss, not ftp. Leave it out."),
        ("ftp://x", None, "Give a path, or a URI that PyArrow knows."),
        ("s3://x", {"regio": "eu"}, "'regio'. Give arguments that pyarrow.fs.S3FileSystem knows."),
        ("s3://x", {"region": 5}, "S3FileSystem: expected bytes, int found. Give arguments"),
        ("s3://x", {"access_key": "a"}, "`secret_key` is not set"),
        ("s3://x?region=eu", {"scheme": "http"}, "options are in the address and in filesystem. Give all of them in"),
        ("gs://x", {"access_token": "t"}, "access_token and credential_token_expiration must be specified together"),
        ("bucket/runs", {"region": "eu"}, "filesystem has options, and the path names no store. Give s3://bucket/runs"),
        ("s3://x", "eu", "filesystem is a str. Give a pyarrow.fs.FileSystem, or arguments for one."),
        ("abfs://lake/runs", {}, "no storage account. Give account_name in filesystem."),
        ("abfs://lake/runs", None, "valid account name"),
        ("abfss://lake@acc.dfs.core.windows.net", {"account_name": "b"}, "the account is acc, and b in filesystem"),
        ("abfs://lake/x", {"account_name": "a", "sas_token": "t", **KEY}, "both account_key and sas_token"),
    ],
)
def test_an_address_or_an_option_that_is_none_is_an_error_that_says_so(uri, options, said):
    with pytest.raises(ConfigError) as error:
        filesystem_and_path(uri, options)
    assert said in str(error.value)
    assert "a2V5" not in str(error.value)


def test_a_twin_says_at_once_which_option_is_wrong_and_runs_on(caplog):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([ParquetEgress("gs://lake/runs", filesystem={"anonymus": True})])
        env.publish_event("part", {})
        env.run(1)
        assert env.report().sinks[0].state == "failed"
    assert "GcsFileSystem: __init__() got an unexpected keyword argument 'anonymus'" in caplog.text
