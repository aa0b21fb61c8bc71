-- stchat: allow drop: st_chat_recall gets two more parameters, and returns to a call without them what it did, and more columns
--
-- Recall by words too (docs/decisions/0421).

-- Whether a filter holds a word, by the word's number: its four bits (st_chat_words_code).
CREATE FUNCTION st_chat_word_held(p_words bytea, p_bits bigint, p_key bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN get_bit(p_words, p_key % p_bits) = 1 AND get_bit(p_words, p_key % p_bits # (p_key >> 31 & 63)) = 1
   AND get_bit(p_words, p_key % p_bits # (p_key >> 37 & 63)) = 1 AND get_bit(p_words, p_key % p_bits # (p_key >> 43 & 63)) = 1;

-- The memories of the user that hold words of p_words, by BM25 of the user's own memories (of the theme, if one is asked for):
-- the p_most best that have the metadata, whose texts are read, since a filter may take a word for another; and those of
-- p_also, with 0 if they hold none. The best has 1. Of more than 6 words the 6 that are rarest among 150 of the memories.
CREATE FUNCTION st_chat_memories_by_words(
    p_userid text, p_words text[], p_theme text, p_metadata jsonb, p_also bigint[], p_most int
) RETURNS TABLE (memory bigint, bm25 float8) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = on SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    words text[] := p_words;
    k1 bigint;
    k2 bigint;
    k3 bigint;
    k4 bigint;
    k5 bigint;
    k6 bigint;
    many bigint;
    bits bigint;
    hits bigint[];  -- a memory, times 2^6, and which of the words it holds
    sizes bigint[];
    weights float8[];
    weight1 float8;
    weight2 float8;
    weight3 float8;
    weight4 float8;
    weight5 float8;
    weight6 float8;
BEGIN
    IF cardinality(words) > 6 THEN
        words := ARRAY(
            WITH sample AS MATERIALIZED (
                SELECT m.words, octet_length(m.words)::bigint * 8 AS bits FROM public.st_chat_memory_words AS m
                WHERE m.userid = p_userid LIMIT 150)
            SELECT a.word
            FROM (SELECT w.word, w.place, public.st_chat_word_key(w.word) AS key
                  FROM unnest(words) WITH ORDINALITY AS w (word, place) LIMIT 16) AS a
            ORDER BY (SELECT count(*) FROM sample AS s WHERE public.st_chat_word_held(s.words, s.bits, a.key)), a.place LIMIT 6);
    END IF;
    k1 := public.st_chat_word_key(words[1]);
    k2 := public.st_chat_word_key(words[2]);
    k3 := public.st_chat_word_key(words[3]);
    k4 := public.st_chat_word_key(words[4]);
    k5 := public.st_chat_word_key(words[5]);
    k6 := public.st_chat_word_key(words[6]);
    IF p_theme IS NULL THEN
        SELECT count(*), sum(h.bits::int), array_agg((h.memory << 6) + h.held) FILTER (WHERE h.held > 0),
               array_agg(h.bits) FILTER (WHERE h.held > 0)
        INTO many, bits, hits, sizes
        FROM (
            SELECT w.memory, w.bits,
                   CASE WHEN public.st_chat_word_held(w.words, w.bits, k1) THEN 1 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k2) THEN 2 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k3) THEN 4 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k4) THEN 8 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k5) THEN 16 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k6) THEN 32 ELSE 0 END AS held
            FROM (SELECT m.memory, m.words, octet_length(m.words)::bigint * 8 AS bits FROM public.st_chat_memory_words AS m
                  WHERE m.userid = p_userid OFFSET 0) AS w
            OFFSET 0) AS h;
    ELSE
        SELECT count(*), sum(h.bits::int), array_agg((h.memory << 6) + h.held) FILTER (WHERE h.held > 0),
               array_agg(h.bits) FILTER (WHERE h.held > 0)
        INTO many, bits, hits, sizes
        FROM (
            SELECT w.memory, w.bits,
                   CASE WHEN public.st_chat_word_held(w.words, w.bits, k1) THEN 1 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k2) THEN 2 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k3) THEN 4 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k4) THEN 8 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k5) THEN 16 ELSE 0 END
                    + CASE WHEN public.st_chat_word_held(w.words, w.bits, k6) THEN 32 ELSE 0 END AS held
            FROM (SELECT m.memory, m.words, octet_length(m.words)::bigint * 8 AS bits FROM public.st_chat_memory_words AS m
                  WHERE m.userid = p_userid AND m.theme = p_theme OFFSET 0) AS w
            OFFSET 0) AS h;
    END IF;
    IF hits IS NULL THEN
        RETURN QUERY SELECT a.memory, 0::float8 FROM unnest(p_also) AS a (memory);
        RETURN;
    END IF;
    SELECT array_agg(ln(1 + (many - n.memories + 0.5::float8) / (n.memories + 0.5::float8))) INTO weights
    FROM (SELECT unnest(ARRAY[
              count(*) FILTER (WHERE u.hit & 1 > 0), count(*) FILTER (WHERE u.hit & 2 > 0), count(*) FILTER (WHERE u.hit & 4 > 0),
              count(*) FILTER (WHERE u.hit & 8 > 0), count(*) FILTER (WHERE u.hit & 16 > 0),
              count(*) FILTER (WHERE u.hit & 32 > 0)]) AS memories
          FROM unnest(hits) AS u (hit)) AS n;
    weight1 := weights[1];
    weight2 := weights[2];
    weight3 := weights[3];
    weight4 := weights[4];
    weight5 := weights[5];
    weight6 := weights[6];
    RETURN QUERY
    WITH ranked AS MATERIALIZED (
        SELECT u.hit >> 6 AS memory, u.hit AS held, l.length,
               ((u.hit & 1) * weight1 + (u.hit >> 1 & 1) * weight2 + (u.hit >> 2 & 1) * weight3 + (u.hit >> 3 & 1) * weight4
                + (u.hit >> 4 & 1) * weight5 + (u.hit >> 5 & 1) * weight6) / l.length AS score
        FROM unnest(hits, sizes) AS u (hit, size)
        CROSS JOIN LATERAL (SELECT 0.6::float8 + 0.4::float8 * u.size * many / bits AS length) AS l
        WHERE p_metadata IS NULL OR EXISTS (SELECT FROM public.st_chat_history_vector_table AS m
                                            WHERE m.primarykey = u.hit >> 6 AND m.metadata @> p_metadata)
    ), found AS MATERIALIZED (
        SELECT b.memory, (SELECT sum(w.weight) FROM unnest(words, weights) WITH ORDINALITY AS w (word, weight, place)
                          WHERE b.held >> (w.place - 1)::int & 1 = 1 AND strpos(f.summary, w.word) > 0) / b.length AS score
        FROM (SELECT r.* FROM ranked AS r ORDER BY r.score DESC, r.memory LIMIT p_most) AS b
        CROSS JOIN LATERAL (
            SELECT public.st_chat_folded(left(m.chat_summary, 8000)) AS summary FROM public.st_chat_history_vector_table AS m
            WHERE m.primarykey = b.memory AND m.userid = p_userid OFFSET 0) AS f
    )
    SELECT coalesce(f.memory, a.memory),
           least(1, coalesce(CASE WHEN f.memory IS NULL THEN r.score ELSE f.score END
                             / (SELECT max(t.score) FROM found AS t), 0))
    FROM unnest(p_also) AS a (memory)
    FULL JOIN (SELECT o.memory, o.score FROM found AS o) AS f ON f.memory = a.memory
    LEFT JOIN ranked AS r ON r.memory = a.memory
    WHERE a.memory IS NOT NULL OR f.score > 0;
END
$$;

DROP FUNCTION st_chat_recall(text, vector, int, text, jsonb);

-- The best first. `similarity` is the cosine, from -1 to 1, whatever the vectors' lengths; `semantic` the same brought to 0..1:
-- 1 is the nearest memory, 0 the average one; `lexical` is BM25, 1 the memory with the best words. `score` is their mean by
-- mode 'hybrid', the similarity by 'semantic' or without p_text, and `lexical` by 'lexical', when p_vector may be NULL.
-- By meaning: the codes of the user's own memories are compared in the index; those within the coding's slack of the
-- p_k-th best, and at most 1,000 (or 4 for each that is asked for), are compared exactly (docs/decisions/0420). Until a
-- coding is learned, the 5,000 best are. By words: docs/decisions/0421.
CREATE FUNCTION st_chat_recall(
    p_userid text, p_vector vector, p_k int, p_theme text DEFAULT NULL, p_metadata jsonb DEFAULT NULL,
    p_text text DEFAULT NULL, p_mode text DEFAULT 'hybrid'
) RETURNS TABLE (
    primarykey bigint, theme text, chatid bigint, metadata jsonb, similarity float8, part int, chat_summary text,
    score float8, semantic float8, lexical float8
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    by_meaning CONSTANT boolean := p_mode <> 'lexical';
    by_words CONSTANT boolean := p_mode <> 'semantic' AND p_text IS NOT NULL;
    words CONSTANT text[] := CASE WHEN by_words THEN public.st_chat_words_asked(p_text) ELSE '{}' END;
    -- Thresholds are of vectors of length 1, as those are that are stored.
    unit CONSTANT vector := CASE WHEN by_meaning THEN public.l2_normalize(p_vector) END;
    k record;
    asked bit(2048);
    most bigint;
    average float8;  -- the question's similarity with the average memory, as far as a coding knows it
    -- How many bits differ, times 2^62, and the memory: one number sorts in half the time of two.
    near bigint[];
    memories bigint[] := '{}';
    bm25 float8[];
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF p_mode IS NULL OR p_mode NOT IN ('hybrid', 'semantic', 'lexical') THEN
        RAISE invalid_parameter_value USING MESSAGE = 'mode must be hybrid, semantic or lexical';
    END IF;
    FOR k IN SELECT c.coding, c.low, c.high, c.slack FROM public.st_chat_memory_coding AS c WHERE by_meaning ORDER BY 1 LOOP
        asked := public.st_chat_memory_near(unit, k.low, k.high)::bit(2048);
        most := greatest(CASE WHEN k.slack IS NULL THEN 5000 ELSE 1000 END, 4::bigint * p_k);
        IF p_metadata IS NOT NULL THEN
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
                WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND c.coding = k.coding
                  AND m.metadata @> p_metadata
                ORDER BY 1 LIMIT most);
        ELSIF p_theme IS NOT NULL THEN
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                WHERE c.userid = p_userid AND c.theme = p_theme AND c.coding = k.coding
                ORDER BY 1 LIMIT most);
        ELSE
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                WHERE c.userid = p_userid AND c.coding = k.coding
                ORDER BY 1 LIMIT most);
        END IF;
        IF cardinality(near) > p_k AND p_k > 0 AND k.slack IS NOT NULL THEN
            near := trim_array(near, cardinality(near) - width_bucket(((near[p_k] >> 52) + k.slack + 1) << 52, near));
            average := ((unit <#> k.low::public.vector) + (unit <#> k.high::public.vector)) / -2;
        END IF;
        memories := memories || ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
    END LOOP;
    IF cardinality(words) > 0 THEN
        SELECT coalesce(array_agg(w.memory), '{}'), array_agg(w.bm25) INTO memories, bm25
        FROM public.st_chat_memories_by_words(
            p_userid, words, p_theme, p_metadata, memories, greatest(2 * p_k, CASE WHEN by_meaning THEN 20 ELSE 100 END)) AS w;
    END IF;
    RETURN QUERY
    WITH compared AS MATERIALIZED (
        SELECT m.primarykey, CASE WHEN by_words THEN coalesce(n.bm25, 0) END AS told,
               CASE WHEN by_meaning THEN coalesce(1 - nullif(m.chat_vector <=> p_vector, 'NaN'), 0) END AS cosine
        FROM unnest(memories, bm25) AS n (memory, bm25)
        JOIN public.st_chat_history_vector_table AS m ON m.primarykey = n.memory AND m.userid = p_userid
    ), spread AS MATERIALIZED (
        SELECT max(c.cosine) AS best, least(average, avg(c.cosine)) AS base FROM compared AS c
    ), parts AS (
        SELECT c.*, CASE WHEN s.best - s.base > 1e-6 THEN greatest(0, (c.cosine - s.base) / (s.best - s.base))
                         WHEN by_meaning THEN 1 END AS meant
        FROM compared AS c CROSS JOIN spread AS s
    ), best AS MATERIALIZED (
        SELECT p.*, CASE WHEN NOT by_words THEN p.cosine WHEN NOT by_meaning THEN p.told ELSE (p.meant + p.told) / 2 END AS total
        FROM parts AS p WHERE by_meaning OR p.told > 0
        ORDER BY total DESC, p.cosine DESC, p.primarykey LIMIT p_k
    )
    SELECT m.primarykey, m.theme, m.chatid, CASE WHEN p.part = 0 THEN m.metadata END, b.cosine, p.part,
           substr(m.chat_summary, 1 + 7000 * p.part, 7000), b.total, b.meant, b.told
    FROM best AS b
    JOIN public.st_chat_history_vector_table AS m ON m.primarykey = b.primarykey AND m.userid = p_userid
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(m.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY b.total DESC, b.cosine DESC, b.primarykey, p.part;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_recall, st_chat_memories_by_words FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_recall, st_chat_memories_by_words TO st_chat_app;
