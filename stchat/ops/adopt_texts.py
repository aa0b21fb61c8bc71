"""What `stchat adopt` prints, in English and Japanese. The commands are those of docs/adopt.md and docs/ja/adopt.md."""

from __future__ import annotations

from collections.abc import Mapping

from stchat.ops.language import Language

_COMMANDS = {
    "snapshot": """\
     aws rds create-db-cluster-snapshot --db-cluster-identifier {identifier} \\
       --db-cluster-snapshot-identifier {snapshot}
     aws rds wait db-cluster-snapshot-available --db-cluster-snapshot-identifier {snapshot}""",
    "database": """\
     cdk bootstrap
     cdk deploy Network Database -c stage={stage}""",
    "baseline": """\
     stchat schema baseline st_chat_db 3""",
    "deploy": """\
     make deploy STAGE={stage}
     stchat schema status
     stchat smoke""",
    "remove": """\
{instance_deletions}
     aws rds delete-db-cluster --db-cluster-identifier {identifier} \\
       --final-db-snapshot-identifier {identifier}-last""",
}

TEXTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "nothing": (
            "Nothing to adopt: every name that stage {stage} asks for is free or its own.\n"
            "If your cluster has another name, name it: stchat adopt --cluster IDENTIFIER"
        ),
        "collisions": "Names that the stage asks for and that something else in this account and region has:",
        "no_collisions": "No name that stage {stage} asks for is taken.",
        "rename": "Give the stage free names in stacks/config.py:",
        "steps": f"""\
The hand-made cluster {{identifier}}: Aurora PostgreSQL {{engine_version}}, master user {{master_username}},
subnet group {{subnet_group}}. None of these steps changes it; you remove it yourself in step 7, or never.

1. Stop what writes to it, then copy its rows:
{_COMMANDS["snapshot"]}
2. Give the stage free names, and the snapshot to begin with, in stacks/config.py:
{{settings}}
3. Make the network and the new cluster, with the snapshot's databases and rows:
{_COMMANDS["database"]}
4. Name the new cluster to this shell: docs/adopt.md, step 6.
5. Record the tables that you made by hand as applied. The command compares them with the files first. With the
   history table alone, say 1 instead of 3:
{_COMMANDS["baseline"]}
6. Apply the rest, give the roles their passwords, and prove it:
{_COMMANDS["deploy"]}
   Then compare the rows (docs/adopt.md), and give your application AppSecretArn and ClusterArn.
7. When nothing needs the old cluster any more, days or weeks later:
{_COMMANDS["remove"]}""",
    },
    "ja": {
        "nothing": (
            "引き継ぐものはありません。ステージ {stage} が使う名前は、空いているか、このステージのものです。\n"
            "クラスターの名前が違うときは指定してください: stchat adopt --cluster IDENTIFIER"
        ),
        "collisions": "このステージが使う名前のうち、同じアカウントとリージョンですでに使われているもの:",
        "no_collisions": "ステージ {stage} が使う名前は、どれも空いています。",
        "rename": "stacks/config.py で、空いている名前に変えてください:",
        "steps": f"""\
手作業で作ったクラスター {{identifier}}: Aurora PostgreSQL {{engine_version}}、マスターユーザー {{master_username}}、
サブネットグループ {{subnet_group}}。
以下の手順は、このクラスターを変更しません。削除するかどうかは、手順 7 で自分で決めます。

1. 書き込みを止めてから、スナップショットを取得します:
{_COMMANDS["snapshot"]}
2. stacks/config.py で、空いている名前と、復元するスナップショットを設定します:
{{settings}}
3. ネットワークと新しいクラスターを作成します。スナップショットのデータベースと行が入ります:
{_COMMANDS["database"]}
4. 新しいクラスターをシェルの環境変数に設定します: docs/ja/adopt.md の手順 6
5. 手作業で作ったテーブルを適用済みとして記録します。記録の前に、ファイルの内容と比較します。
   会話履歴のテーブルだけがある場合は、3 の代わりに 1 を指定します:
{_COMMANDS["baseline"]}
6. 残りのマイグレーションを適用し、ロールにパスワードを設定して、動作を確認します:
{_COMMANDS["deploy"]}
   行を比較してから (docs/ja/adopt.md)、アプリケーションに AppSecretArn と ClusterArn を設定します。
7. 古いクラスターが不要になったら (数日後、数週間後でも構いません):
{_COMMANDS["remove"]}""",
    },
}
