"""The page's own words, in Japanese and in English."""

from __future__ import annotations

from dataclasses import dataclass

from stchat.ops.language import Language


@dataclass(frozen=True)
class Texts:
    """`theme_first`: what is opened of a user who has it, and the name of a new user's first theme."""

    language: Language
    title: str
    subtitle: str
    user: str
    theme: str
    theme_help: str
    theme_first: str
    count: str
    least: str
    least_help: str
    ask: str
    waiting: str
    recalled: str
    by_meaning: str
    by_words: str
    nothing_recalled: str
    no_model: str
    model_failed: str
    samples_button: str
    samples_added: str
    forget_button: str
    forget_question: str
    forget_yes: str
    show_memories: str
    memory: str
    change: str
    changed: str
    forget_one: str
    forgotten: str
    next_page: str
    first_page: str
    no_memories: str
    failed: str
    not_sent: str
    send_again: str
    empty: str
    samples: tuple[tuple[str, str], ...]


JAPANESE = Texts(
    language="ja",
    title="会話を記憶するチャット",
    subtitle="会話履歴と記憶は Aurora PostgreSQL に保存し、RDS Data API だけで読み書きします。",
    user="ユーザー ID",
    theme="テーマ",
    theme_help="一覧から選ぶか、新しい名前を入力します。",
    theme_first="旅行",
    count="検索する記憶の件数",
    least="類似度の下限",
    least_help=(
        "類似度がこれより低い記憶は使いません。初期値の 0.3 はローカル AWS 環境の埋め込みに合わせた値です。"
        "Bedrock のモデルでは、実際のデータを見て決めてください。"
    ),
    ask="メッセージを入力してください",
    waiting="記憶を検索しています。データベースが停止中の場合は、再開するまで待ちます。",
    recalled="検索された記憶 {count} 件(適合順)",
    by_meaning="類似度",
    by_words="単語",
    nothing_recalled="近い記憶はありません。",
    no_model="回答するモデルが設定されていません(STCHAT_CHAT_MODEL)。検索された記憶だけを表示します。",
    model_failed="メッセージは保存しましたが、モデルから回答がありませんでした。",
    samples_button="サンプルの記憶を追加",
    samples_added="{count} 件の記憶を保存しました。",
    forget_button="このユーザーの記録を削除",
    forget_question="ユーザー「{userid}」の会話履歴と記憶をすべて削除します。元には戻せません。",
    forget_yes="削除する",
    show_memories="このユーザーの記憶を一覧表示",
    memory="記憶",
    change="変更を保存",
    changed="変更しました。",
    forget_one="この記憶を削除",
    forgotten="削除しました。",
    next_page="次のページ",
    first_page="最初のページ",
    no_memories="記憶はありません。",
    failed="処理に失敗しました。エラーの内容は次のとおりです。",
    not_sent="このメッセージは保存されていない可能性があります。もう一度送信しても、同じ記憶が重複することはありません。",
    send_again="もう一度送信",
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
    language="en",
    title="A chat that remembers",
    subtitle="History and memories are stored in Aurora PostgreSQL, and read and written over the RDS Data API alone.",
    user="User id",
    theme="Theme",
    theme_help="Choose one of the list, or type a new name.",
    theme_first="cooking",
    count="Memories to recall",
    least="Least similarity",
    least_help=(
        "Memories below it are not used. The default of 0.3 fits the local embeddings; for a Bedrock model look at"
        " your own data."
    ),
    ask="Say something",
    waiting="Recalling. If the database is paused, this waits until it has resumed.",
    recalled="Recalled memories: {count}, the best first",
    by_meaning="Similarity",
    by_words="Words",
    nothing_recalled="No memory comes close.",
    no_model="No model is set to answer (STCHAT_CHAT_MODEL), so here is only what was recalled.",
    model_failed="Your message is stored, but the model gave no answer.",
    samples_button="Add sample memories",
    samples_added="{count} memories are stored.",
    forget_button="Delete all of this user",
    forget_question="This deletes every turn and memory of the user “{userid}”. It cannot be undone.",
    forget_yes="Delete",
    show_memories="List this user's memories",
    memory="Memory",
    change="Save the change",
    changed="Changed.",
    forget_one="Delete this memory",
    forgotten="Deleted.",
    next_page="Next page",
    first_page="First page",
    no_memories="There are no memories.",
    failed="That failed. The error is:",
    not_sent="This message may not be stored. Sending it again does not remember it twice.",
    send_again="Send again",
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

LANGUAGES = {"日本語": JAPANESE, "English": ENGLISH}
