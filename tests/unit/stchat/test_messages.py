"""The errors of a first day in Japanese, beside the English one: by the locale, or STCHAT_LANG."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from stchat.chat.embeddings import _translate as translate_embedding
from stchat.data_api import translate
from stchat.environment import Settings
from stchat.errors import DatabaseError, PartialError, SettingsError, StchatError, UnavailableError
from stchat.ops.cli.main import main
from stchat.ops.messages import explain, with_hint


def refused(code: str, message: str = "", operation: str = "ExecuteStatement") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def setting_missing() -> SettingsError:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({})
    return raised.value


FIRST_DAY = {
    "no region": (aws.NoRegionError(), "リージョンが決まっていません。"),
    "no credentials": (aws.NoCredentialsError(), "AWS の認証情報がありません。"),
    "no credentials in a call": (translate(aws.NoCredentialsError()), "AWS の認証情報がありません。"),
    "expired token": (translate(refused("ExpiredTokenException")), "AWS のセッションの有効期限が切れています。"),
    "expired sso": (aws.UnauthorizedSSOTokenError(), "AWS のセッションの有効期限が切れています。"),
    "no such profile": (aws.ProfileNotFound(profile="x"), "指定されたプロファイルがありません。"),
    "paused": (
        translate(refused("DatabaseResumingException")),
        "停止中のクラスターが、待機時間内に再開しませんでした。",
    ),
    "secret": (
        translate(refused("DatabaseErrorException", "FATAL: password authentication failed; SQLState: 28P01")),
        "シークレットのユーザー名とパスワードではデータベースにログインできません。",
    ),
    "refused port": (
        translate(aws.EndpointConnectionError(endpoint_url="http://127.0.0.1:9", error="refused")),
        "接続先に接続できません。",
    ),
    "no database": (DatabaseError("x", sqlstate="3D000"), "データベースまたはテーブル、関数がありません。"),
    "no table": (DatabaseError("x", sqlstate="42P01"), "データベースまたはテーブル、関数がありません。"),
    "no model access": (
        translate_embedding(refused("AccessDeniedException", "not authorized", "InvokeModel"), "cohere.embed-v4:0"),
        "Bedrock のモデルを使う権限がありません。",
    ),
    "no chat model access": (
        refused("AccessDeniedException", "not authorized", "Converse"),
        "Bedrock のモデルを使う権限がありません。",
    ),
    "no setting": (setting_missing(), "必要な環境変数が設定されていません。"),
}


@pytest.mark.parametrize(("error", "expected"), FIRST_DAY.values(), ids=FIRST_DAY)
def test_each_has_a_japanese_text(error: Exception, expected: str) -> None:
    assert (explain(error, "ja") or "").startswith(expected)
    assert explain(error, "en") is None


def test_what_caused_an_error_counts() -> None:
    cause = UnavailableError("paused", code="DatabaseResumingException")
    partial = PartialError(cause, stored=1, items=2, created=1, existing=0)
    partial.__cause__ = cause
    assert (explain(partial, "ja") or "").startswith("停止中のクラスターが")


def test_another_error_has_none() -> None:
    assert explain(StchatError("something else"), "ja") is None
    assert explain(refused("AccessDeniedException", operation="DescribeDBClusters"), "ja") is None
    assert explain(DatabaseError("a statement's", sqlstate="23505"), "ja") is None


@pytest.mark.parametrize(("variable", "value", "japanese"), [("STCHAT_LANG", "ja", 1), ("STCHAT_LANG", "en", 0)])
def test_the_command_line_shows_both(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, japanese: int
) -> None:
    monkeypatch.delenv("STCHAT_CLUSTER_ARN", raising=False)
    monkeypatch.setenv(variable, value)
    assert main(["chat", "themes", "hana"]) == 1
    english, *others = capsys.readouterr().err.splitlines()
    assert english.startswith("error: STCHAT_CLUSTER_ARN is not set: run eval")
    assert [text[:15] for text in others] == ["必要な環境変数が設定されていま"] * japanese


def test_a_language_that_there_is_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STCHAT_LANG", "xx")
    assert main(["chat", "themes", "hana"]) == 1
    assert capsys.readouterr().err == (
        "error: STCHAT_LANG must be en or ja, got xx: unset it for the locale's language\n"
    )


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is one: a checkout on the path alone says so."""
    try:
        expected = (0, f"stchat {version('stchat')}\n", "")
    except PackageNotFoundError:
        expected = (1, "", "stchat is not installed: this is its checkout\n")
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code or 0, *capsys.readouterr()) == expected


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            translate(refused("HttpEndpointNotEnabledException", "HttpEndpoint is not enabled for resource a")),
            "HttpEndpointNotEnabledException: HttpEndpoint is not enabled for resource a: STCHAT_CLUSTER_ARN must name"
            " a cluster of this account whose Data API is on",
        ),
        (
            translate(refused("SecretsErrorException", "Secrets Manager can't find the specified secret.")),
            "SecretsErrorException: Secrets Manager can't find the specified secret: STCHAT_SECRET_ARN and"
            " STCHAT_APP_SECRET_ARN must name secrets of this cluster, which these credentials may read",
        ),
        (
            translate_embedding(refused("ValidationException", "The provided model identifier is invalid."), "m"),
            "ValidationException: The provided model identifier is invalid: STCHAT_EMBEDDING_MODEL must name a model"
            " that this region has, got m",
        ),
        (
            DatabaseError('database "nope" does not exist', sqlstate="3D000"),
            'database "nope" does not exist: STCHAT_DATABASE (nope), or --database, must name a database of the'
            " cluster: stchat db --database postgres databases lists them",
        ),
        (
            DatabaseError("function st_chat_themes(text) does not exist", sqlstate="42883"),
            "function st_chat_themes(text) does not exist: STCHAT_DATABASE (nope) must name the database of the chat,"
            " with all migrations: stchat schema status shows them",
        ),
    ],
    ids=lambda value: str(value)[:20],
)
def test_which_variable_is_wrong(error: StchatError, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STCHAT_DATABASE", "nope")
    assert with_hint(error) == message


def test_a_turn_without_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "add", "hana", "theme", "1"]) == 1
    assert capsys.readouterr().err == ("error: a turn needs a text: give --userinput, --botresponse or both\n")
