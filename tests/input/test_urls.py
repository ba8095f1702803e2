"""Which URLs are read, and that a refusal repeats nothing of one that may hold a secret."""

from __future__ import annotations

import pytest

from sspr.input.errors import InputError
from sspr.input.urls import checked, is_url


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("s3://bucket/in/a.csv", "s3://bucket/in/a.csv"),
        ("S3://bucket/In/A b%20ü.csv", "s3://bucket/In/A b%20ü.csv"),
        ("s3://bucket", "s3://bucket/"),
        (
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/hr/a@b.csv",
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/hr/a@b.csv",
        ),
        ("abfs://hr/in/", "abfs://hr/in/"),
        ("az://$web/a.csv", "az://$web/a.csv"),
        (
            "abfss://hr@contoso.dfs.core.windows.net/a.csv",
            "abfss://hr@contoso.dfs.core.windows.net/a.csv",
        ),
        ("sftp://files.contoso.com/in/a@b.csv", "sftp://files.contoso.com/in/a@b.csv"),
        ("ssh://reader@files.contoso.com:2222/in", "ssh://reader@files.contoso.com:2222/in"),
        ("sftp://reader@[2001:db8::1]:22/in", "sftp://reader@[2001:db8::1]:22/in"),
    ],
)
def test_urls_that_are_read(name: str, url: str) -> None:
    assert is_url(name)
    assert checked(name) == url


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("https://contoso.blob.core.windows.net/hr/a.csv?sv=2024&sig=SECRET", "A web address"),
        ("HTTP://u:SECRET@contoso.com/a.csv", "A web address"),
        ("sftp://reader:SECRET@files.contoso.com/a.csv", "A URL with a password in it (sftp://…)"),
        ("sftp://reader:SE@CRET@files.contoso.com/a.csv", "A URL with a password in it (sftp://…)"),
        ("sftp://reader:SE/CRET@files.contoso.com/a.csv", "is written sftp://user@host/folder"),
        ("s3://AKIA:SECRET@bucket/a.csv", "A URL with a password in it (s3://…)"),
        ("s3://AKIA:SE/CRET@bucket/a.csv", "is written s3://bucket/folder"),
        ("abfs://hr/a.csv?sig=SECRET", "A URL with ?, # or :: in it (abfs://…)"),
        ("s3://bucket/a.csv?X-Amz-Signature=SECRET", "A URL with ?, # or :: in it (s3://…)"),
        ("s3://bucket/a.csv#SECRET", "A URL with ?, # or :: in it (s3://…)"),
        ("s3://bucket?SECRET", "A URL with ?, # or :: in it (s3://…)"),
        ("s3://bucket/a::sftp://u:SECRET@h/a", "A URL with ?, # or :: in it (s3://…)"),
        ("simplecache::s3://bucket/SECRET", "another beginning is none of them"),
        ("memory://SECRET", "memory is none of them"),
        ("ftp://u:SECRET@h/a.csv", "ftp is none of them"),
        ("github://SECRET", "github is none of them"),
        ("://SECRET", "another beginning is none of them"),
        ("s3:///SECRET", "is written s3://bucket/folder"),
        ("abfs://hr@SECRET:1/a.csv", "is written abfs://container"),
        ("sftp://jane@contoso.com@SECRET/a.csv", "is written sftp://user@host/folder"),
        ("sftp://SECRET:x/a.csv", "is written sftp://user@host/folder"),
        ("s3://bucket/a\nSECRET", "is written s3://bucket/folder"),
    ],
)
def test_a_url_that_is_refused_is_not_repeated(name: str, told: str) -> None:
    assert is_url(name)
    with pytest.raises(InputError) as error:
        checked(name)
    assert told in str(error.value)
    assert "SECRET" not in str(error.value)
    assert "CRET" not in str(error.value)


@pytest.mark.parametrize("name", ["a.csv", "-", "/in/a.csv", "C:/in/a.csv", "C:\\in\\a.csv", "a:b", "~/a"])
def test_paths_are_no_urls(name: str) -> None:
    assert not is_url(name)
