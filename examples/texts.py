"""The page's own words, in Japanese and in English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    title: str
    subtitle: str
    user: str
    theme: str
    count: str
    ask: str
    waiting: str
    recalled: str
    nothing_recalled: str
    no_model: str
    model_failed: str
    samples_button: str
    samples_added: str
    forget_button: str
    empty: str
    samples: tuple[tuple[str, str], ...]


JAPANESE = Texts(
    title="会話を記憶するチャット",
    subtitle="会話履歴と記憶は Aurora PostgreSQL に保存し、RDS Data API だけで読み書きします。",
    user="ユーザー ID",
    theme="テーマ",
    count="検索する記憶の件数",
    ask="メッセージを入力してください",
    waiting="記憶を検索しています。データベースが停止中の場合は、再開するまで待ちます。",
    recalled="検索された記憶 {count} 件(類似度順)",
    nothing_recalled="検索できる記憶はまだありません。",
    no_model="回答するモデルが設定されていません(STCHAT_CHAT_MODEL)。検索された記憶だけを表示します。",
    model_failed="モデルから回答がありませんでした: {problem}",
    samples_button="サンプルの記憶を追加",
    samples_added="{count} 件の記憶を保存しました。",
    forget_button="このユーザーの記憶をすべて削除",
    empty="まだ会話がありません。サンプルの記憶を追加してから「京都で静かな庭が見たい」と入力してみてください。",
    samples=(
        ("旅行", "京都へ行くなら、人の少ない朝に静かな庭を見たいと言っていた。"),
        ("旅行", "京都では、庭の見える小さな旅館に泊まりたい。"),
        ("料理", "えびのアレルギーがある。"),
        ("料理", "辛いカレーを週末によく作る。"),
        ("仕事", "金曜日の午後は会議を入れない。"),
        ("音楽", "雨の日にはピアノの曲を聴く。"),
    ),
)

ENGLISH = Texts(
    title="A chat that remembers",
    subtitle="History and memories are stored in Aurora PostgreSQL, and read and written over the RDS Data API alone.",
    user="User id",
    theme="Theme",
    count="Memories to recall",
    ask="Say something",
    waiting="Recalling. If the database is paused, this waits until it has resumed.",
    recalled="Recalled {count} memories, nearest first",
    nothing_recalled="There is nothing to recall yet.",
    no_model="No model is set to answer (STCHAT_CHAT_MODEL), so here is only what was recalled.",
    model_failed="The model gave no answer: {problem}",
    samples_button="Add sample memories",
    samples_added="{count} memories are kept.",
    forget_button="Forget all of this user",
    empty="Nothing was said yet. Add the sample memories, then say “a quiet garden in Kyoto”.",
    samples=(
        ("travel", "Wants to see a quiet garden in Kyoto, early, before the crowds."),
        ("travel", "Would stay at a small inn in Kyoto with a view of its garden."),
        ("cooking", "Is allergic to shrimp."),
        ("cooking", "Makes a hot curry on most weekends."),
        ("work", "Keeps Friday afternoons free of meetings."),
        ("music", "Listens to the piano on rainy days."),
    ),
)

FIRST_THEME = "京都 Kyoto"
LANGUAGES = {"日本語": JAPANESE, "English": ENGLISH}
