"""What the errors of a first day mean, in Japanese: shown beside the error itself, which stays in English to be
searched for."""

from __future__ import annotations

import os

from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api import error_name
from stchat.environment import Variable
from stchat.errors import DatabaseError, EmbeddingError, OutcomeUnknownError, SettingsError, StchatError
from stchat.ops.language import Language

_NO_REGION = (
    "リージョンが決まっていません。AWS_REGION と AWS_DEFAULT_REGION の両方を設定してください"
    "(例: export AWS_REGION=ap-northeast-1 AWS_DEFAULT_REGION=ap-northeast-1)。"
)
_NO_CREDENTIALS = (
    "AWS の認証情報がありません。aws sso login などでログインするか、AWS_PROFILE を設定してください。"
    'ローカル AWS 環境なら eval "$(local-aws env)" を実行してください。'
)
_EXPIRED = "AWS のセッションの有効期限が切れています。ログインし直してください(SSO なら aws sso login)。"
_PROFILE = (
    "指定されたプロファイルがありません。aws configure list-profiles で名前を確認してください。"
    "unset AWS_PROFILE とすると既定のプロファイルになります。"
)
_ASLEEP = (
    "停止中のクラスターが、待機時間内に再開しませんでした。"
    "再開は続いているので、1 分ほど待ってもう一度実行してください。"
)
_SECRET = (
    "シークレットのユーザー名とパスワードではデータベースにログインできません。このクラスターのシークレットの ARN か、"
    "ローテーションが途中で失敗していないかを確認してください(stchat doctor)。"
)
_REFUSED = (
    "接続先に接続できません。ローカル AWS 環境なら local-aws up で起動してください。AWS に接続するなら、"
    "AWS_ENDPOINT_URL_... を設定していない新しいシェルで、リージョンとネットワークを確認してください。"
)
_NO_SCHEMA = (
    "データベースまたはテーブル、関数がありません。スキーマがまだデプロイされていないか、STCHAT_DATABASE が違います。"
    "stchat schema status で確認し、make deploy を実行してください。"
)
_MODEL = (
    "Bedrock のモデルを使う権限がありません。呼び出し側の IAM ロールに bedrock:InvokeModel を許可し、"
    "アカウントでモデルへのアクセスを有効にしてください。"
)
_SETTING = (
    '必要な環境変数が設定されていません。ローカル AWS 環境なら eval "$(local-aws env)" を実行し、'
    "AWS ならスタックの出力にある値を設定してください。"
)
# AWS's code, botocore's exception or PostgreSQL's SQLSTATE.
_JAPANESE = {
    "NoRegionError": _NO_REGION,
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "SSOTokenLoadError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
    "ProfileNotFound": _PROFILE,
    "DatabaseResumingException": _ASLEEP,
    "28P01": _SECRET,
    "28000": _SECRET,
    "EndpointConnectionError": _REFUSED,
    "ConnectTimeoutError": _REFUSED,
    "3D000": _NO_SCHEMA,
    "42P01": _NO_SCHEMA,
    "42883": _NO_SCHEMA,
}


# PostgreSQL's SQLSTATE.
_NOT_THERE = (
    "STCHAT_DATABASE{got} must name the database of the chat, with all migrations: stchat schema status shows them"
)
_HINTS = {
    "3D000": "STCHAT_DATABASE{got}, or --database, must name a database of the cluster:"
    " stchat db --database postgres databases lists them",
    "42P01": _NOT_THERE,
    "42883": _NOT_THERE,
}


def with_hint(error: StchatError) -> str:
    """The error's text, and what to do about one of PostgreSQL's that names neither a setting nor a command."""
    hint = _HINTS.get(error.sqlstate) if isinstance(error, DatabaseError) else None
    value = os.environ.get(Variable.DATABASE, "")
    return f"{error}: {hint.format(got=value and f' ({value})')}" if hint else str(error)


def explain(error: BaseException, language: Language) -> str | None:
    """What to do, in Japanese, where that is the language and the error, or what caused it, is known here."""
    if language != "ja":
        return None
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if text := _of(current):
            return text
        current = current.__cause__
    return None


def _of(error: BaseException) -> str | None:
    match error:
        case SettingsError() if "is not set" in str(error):
            return _SETTING
        case EmbeddingError(code="AccessDeniedException"):
            return _MODEL
        case ClientError(operation_name="Converse" | "InvokeModel") if error_name(error) == "AccessDeniedException":
            return _MODEL
        case DatabaseError():
            return _JAPANESE.get(error.sqlstate)
        case OutcomeUnknownError():
            return None
        case StchatError():
            return _JAPANESE.get(str(getattr(error, "code", "")))
        case ClientError() | BotoCoreError():
            return _JAPANESE.get(error_name(error))
    return None
