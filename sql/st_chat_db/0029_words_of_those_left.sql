-- Words among the memories that a filter has left (docs/decisions/0431). A recall that is at work now still calls the function
-- of 0020, which 0031 drops.

-- The memories of the user that hold words of p_words, by BM25 of the user's own memories (of the theme, if one is asked for):
-- the p_most best, whose texts are read, since a filter may take a word for another; and those of p_also, with 0 if they hold
-- none. If p_left is given, only those in it, and never those in p_gone. The best has 1. Of more than 6 words
-- the 6 that are rarest among 150 of the memories.
CREATE FUNCTION st_chat_memories_by_words(
    p_userid text, p_words text[], p_theme text, p_left bigint[], p_gone bigint[], p_also bigint[], p_most int
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
        WHERE (p_left IS NULL OR u.hit >> 6 IN (SELECT unnest(p_left))) AND u.hit >> 6 NOT IN (SELECT unnest(p_gone))
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

REVOKE EXECUTE ON FUNCTION st_chat_memories_by_words(text, text[], text, bigint[], bigint[], bigint[], int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_memories_by_words(text, text[], text, bigint[], bigint[], bigint[], int) TO st_chat_app;
