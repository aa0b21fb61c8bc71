"""DataApiStore beside LangGraph's InMemoryStore, by generated operations; and where theirs is not right."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.store.base import GetOp, Item, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from stchat.chat import ChatMemory, CohereEmbedder
from stchat.langgraph import DataApiStore
from tests.support.migrated_database import MigratedDatabase

ALL = 10_000
GENERATED = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
labels = st.sampled_from(["a", "b", "a-b", "京都"])
places = st.tuples(st.sampled_from(["one", "two"]), *[st.sampled_from(["", "a", "b", "a-b", "京都"])] * 2).map(
    lambda path: tuple(label for label in path if label)
)
keys = st.sampled_from(["k", "", "..k", "k..", "'"])
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
some: st.SearchStrategy[Any] = st.sampled_from(["", "x", "y", None, ["x", 1], [[]]])
values = st.fixed_dictionaries(
    {"n": numbers | st.sampled_from([1, 2])}, optional={"s": some, "t": texts, "": st.just({"n": [None]})}
)
comparisons = st.dictionaries(
    st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), st.integers(-3, 3), min_size=1
)
filters = st.none() | st.fixed_dictionaries({}, optional={"n": comparisons | st.integers(0, 3), "s": some, "u": some})
pages = {"limit": st.integers(0, 4) | st.just(ALL), "offset": st.integers(0, 3)}
path = st.lists(st.sampled_from(["a", "b", "京都", "*"]), max_size=2)
conditions = st.builds(
    lambda user, rest, last: (
        MatchCondition("prefix", (user, *rest)),
        *([MatchCondition("suffix", tuple(last))] if last else []),
    ),
    st.sampled_from(["one", "two"]), path, path,
)  # fmt: skip
operations = st.one_of(
    st.builds(PutOp, places, keys, values | st.none(), st.sampled_from([None, False]), st.none()),
    st.builds(PutOp, places, keys, values, st.none(), st.none()),
    st.builds(GetOp, places, keys),
    st.builds(SearchOp, places, filters, query=st.none(), **pages),
    st.builds(ListNamespacesOp, conditions, st.none() | st.integers(0, 3), **pages),
)


class Pair:
    """Both stores. Theirs forgets a namespace with its last item, as ours does, and is listed in the order in which
    items were created; both else only ours has. `apart`: so that each example has users of its own."""

    def __init__(self, ours: DataApiStore) -> None:
        self.ours, self.theirs, self.apart = ours, InMemoryStore(), f" {uuid.uuid4().hex}"
        self.born: dict[tuple[tuple[str, ...], str], int] = {}

    def place(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return (path[0] + self.apart, *path[1:])

    def op(self, op: Op) -> Op:
        if isinstance(op, SearchOp):
            return op._replace(namespace_prefix=self.place(op.namespace_prefix))
        if isinstance(op, ListNamespacesOp):
            first, *rest = op.match_conditions or ()
            return op._replace(match_conditions=(first._replace(path=self.place(first.path)), *rest))
        return op._replace(namespace=self.place(op.namespace))

    def batch(self, ops: list[Op]) -> tuple[list[Any], list[Any]]:
        ops = [self.op(op) for op in ops]
        theirs = [self.read(op) for op in ops]
        writes = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
        self.theirs.batch(writes.values())
        for place, op in writes.items():
            if op.value is None:
                self.born.pop(place, None)
            else:
                self.born.setdefault(place, 1 + max(self.born.values(), default=0))
        return [plain(result) for result in self.ours.batch(ops)], [plain(result) for result in theirs]

    def read(self, op: Op) -> Any:
        for namespace in [name for name, items in self.theirs._data.items() if not items]:
            del self.theirs._data[namespace]
        if isinstance(op, PutOp):
            return None
        if not isinstance(op, SearchOp):
            return self.theirs.batch([op])[0]
        found: Any = self.theirs.batch([op._replace(limit=ALL, offset=0)])[0]
        return sorted(found, key=lambda item: self.born[item.namespace, item.key])[op.offset : op.offset + op.limit]


def plain(result: Any) -> Any:
    """Without times and scores."""
    if isinstance(result, list):
        return [plain(one) for one in result]
    return (result.namespace, result.key, result.value) if isinstance(result, Item) else result


@GENERATED
@given(batches=st.lists(st.lists(operations, min_size=1, max_size=4), min_size=1, max_size=6))
def test_as_an_in_memory_store(migrated: MigratedDatabase, embedder: CohereEmbedder, batches: list[list[Op]]) -> None:
    pair = Pair(DataApiStore(ChatMemory(migrated.app, embedder), fields=["t"]))
    for ops in batches:
        ours, theirs = pair.batch(ops)
        assert ours == theirs


@settings(GENERATED, max_examples=8)
@given(
    items=st.dictionaries(st.text("abcdef", min_size=3, max_size=12), st.none() | labels, min_size=1, max_size=12),
    query=st.text("abcdef", min_size=3, max_size=12),
    limit=st.integers(1, 12),
)
def test_a_search_by_meaning_as_an_in_memory_store(
    migrated: MigratedDatabase, embedder: CohereEmbedder, items: dict[str, str | None], query: str, limit: int
) -> None:
    """`items`: texts, and below which label; None: not indexed. Without pages: theirs has the rest on each of them."""
    ours = DataApiStore(ChatMemory(migrated.app, embedder), fields=["t"], mode="semantic")
    theirs = InMemoryStore(
        index={"dims": 1024, "embed": lambda texts: embedder.documents(texts).vectors, "fields": ["t"]}
    )
    theirs.embeddings.embed_query = embedder.query  # type: ignore[union-attr, method-assign]
    user = uuid.uuid4().hex
    puts = [
        PutOp((user, *([label] if label else [])), text, {"t": text}, None if label else False)
        for text, label in items.items()
    ]
    ours.batch(puts)
    theirs.batch(puts)
    for prefix in ((user,), (user, "a")):
        expected = theirs.search(prefix, query=query, limit=limit)
        found = ours.search(prefix, query=query, limit=limit)
        assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-4)
        near = {(one.key, round(one.score or 0, 3)) for one in expected}
        assert {(one.key, round(one.score or 0, 3)) for one in found} == near


def test_where_theirs_is_not_right(store: DataApiStore, user: str) -> None:
    theirs = InMemoryStore(index={"dims": 1024, "embed": store.memory.embedder.documents, "fields": ["t"]})  # type: ignore[arg-type]
    here = (user, "a")
    # The time of creation stays when an item is written anew.
    for one in (store, theirs):
        one.put(here, "k", {"n": None, "s": True}, index=False)
        first = one.get(here, "k")
        one.put(here, "k", {"n": None, "s": True}, index=False)
        again = one.get(here, "k")
        assert first and again and again.updated_at > first.updated_at
        assert (again.created_at == first.created_at) is (one is store)
    # A comparison with what is no number is false, and no error; true is not 1.
    assert store.search(here, filter={"n": {"$gt": 0}}) == []
    with pytest.raises(TypeError):
        theirs.search(here, filter={"n": {"$gt": 0}})
    assert [len(one.search(here, filter={"s": 1})) for one in (store, theirs)] == [0, 1]
    # A namespace of which only was read, or whose items are gone, is none.
    for one in (store, theirs):
        one.get((user, "b"), "k")
    assert store.list_namespaces(prefix=(user,)) == [here]
    assert theirs.list_namespaces(prefix=(user,)) == [here, (user, "b")]
    # Two items of a batch may have the same text.
    same = [PutOp(here, key, {"t": "the same"}) for key in ("x", "y")]
    assert store.batch(same) == [None, None]
    with pytest.raises(ValueError, match="Number of embeddings"):
        InMemoryStore(index={"dims": 2, "embed": lambda texts: [[1.0, 0.0] for _ in texts]}).batch(same)
