-- stchat: allow drop: st_chat_recall gets more parameters, and returns to a call without them what it did, and more columns
--
-- Recall with filters (docs/decisions/0431), without what has expired, and by age (0432).
DROP FUNCTION st_chat_recall(text, vector, int, text, jsonb, text, text);

-- The best first. `similarity` is the cosine, from -1 to 1, whatever the vectors' lengths; `semantic` the same brought to 0..1:
-- 1 is the nearest memory, 0 the average one; `lexical` is BM25, 1 the memory with the best words. `score` is their mean by
-- mode 'hybrid', the similarity by 'semantic' or without p_text, and `lexical` by 'lexical', when p_vector may be NULL.
-- By meaning: the codes of the user's own memories are compared in the index; those within the coding's slack of the
-- p_k-th best, and at most 1,000 (or 4 for each that is asked for), are compared exactly (docs/decisions/0420). Until a
-- coding is learned, the 5,000 best are. By words: docs/decisions/0421. By age: of a positive score the share p_recency halves
-- with each p_half_life seconds since the memory changed; then as many are compared as before a coding is learned (0432).
CREATE FUNCTION st_chat_recall(
    p_userid text, p_vector vector, p_k int, p_theme text DEFAULT NULL, p_metadata jsonb DEFAULT NULL,
    p_text text DEFAULT NULL, p_mode text DEFAULT 'hybrid', p_filter jsonb DEFAULT NULL, p_since timestamptz DEFAULT NULL,
    p_until timestamptz DEFAULT NULL, p_half_life float8 DEFAULT NULL, p_recency float8 DEFAULT 0
) RETURNS TABLE (
    primarykey bigint, theme text, chatid bigint, metadata jsonb, similarity float8, part int, chat_summary text,
    score float8, semantic float8, lexical float8,
    id text, created_at timestamptz, updated_at timestamptz, expires_at timestamptz
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    by_meaning CONSTANT boolean := p_mode <> 'lexical';
    by_words CONSTANT boolean := p_mode <> 'semantic' AND p_text IS NOT NULL;
    by_age CONSTANT boolean := p_recency > 0 AND p_half_life > 0;
    words CONSTANT text[] := CASE WHEN by_words THEN public.st_chat_words_asked(p_text) ELSE '{}' END;
    -- Thresholds are of vectors of length 1, as those are that are stored.
    unit CONSTANT vector := CASE WHEN by_meaning THEN public.l2_normalize(p_vector) END;
    filtered boolean := p_metadata IS NOT NULL OR p_filter IS NOT NULL OR p_since IS NOT NULL OR p_until IS NOT NULL;
    gone bigint[];  -- what has expired
    k record;
    asked bit(2048);
    most bigint;
    last bigint;
    average float8;  -- the question's similarity with the average memory, as far as a coding knows it
    -- How many bits differ, times 2^52, and the memory: one number sorts in half the time of two.
    near bigint[];
    memories bigint[] := '{}';
    remaining bigint[];
    bm25 float8[];
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF p_mode IS NULL OR p_mode NOT IN ('hybrid', 'semantic', 'lexical') THEN
        RAISE invalid_parameter_value USING MESSAGE = 'mode must be hybrid, semantic or lexical';
    END IF;
    gone := ARRAY(SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
                  WHERE m.userid = p_userid AND m.expires_at <= now() LIMIT 1001);
    filtered := filtered OR cardinality(gone) > 1000;
    FOR k IN SELECT c.coding, c.low, c.high, c.slack FROM public.st_chat_memory_coding AS c
             WHERE by_meaning OR filtered ORDER BY 1 LOOP
        asked := public.st_chat_memory_near(unit, k.low, k.high)::bit(2048);
        most := greatest(CASE WHEN k.slack IS NULL OR by_age THEN 5000 ELSE 1000 END, 4::bigint * p_k);
        last := p_k;
        IF filtered THEN
            near := ARRAY(
                SELECT (coalesce(c.near <~> asked, 0)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
                WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND c.coding = k.coding
                  AND (p_metadata IS NULL OR m.metadata @> p_metadata)
                  AND (p_since IS NULL OR m.created_at >= p_since) AND (p_until IS NULL OR m.created_at < p_until)
                  AND (m.expires_at IS NULL OR m.expires_at > now())
                  AND (p_filter IS NULL OR public.st_chat_matches(m.metadata, p_filter))
                ORDER BY 1);
            remaining := remaining || ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
            near := near[1 : most];
        ELSE
            most := most + cardinality(gone);  -- which are among them, at worst
            last := last + cardinality(gone);
            IF p_theme IS NOT NULL THEN
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
        END IF;
        IF cardinality(near) > last AND p_k > 0 AND k.slack IS NOT NULL THEN
            average := ((unit <#> k.low::public.vector) + (unit <#> k.high::public.vector)) / -2;
            IF NOT by_age THEN
                near := trim_array(near, cardinality(near) - width_bucket(((near[last] >> 52) + k.slack + 1) << 52, near));
            END IF;
        END IF;
        IF by_meaning THEN
            memories := memories || ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
        END IF;
    END LOOP;
    IF cardinality(words) > 0 THEN
        SELECT coalesce(array_agg(w.memory), '{}'), array_agg(w.bm25) INTO memories, bm25
        FROM public.st_chat_memories_by_words(
            p_userid, words, p_theme, CASE WHEN filtered THEN coalesce(remaining, '{}') END, gone, memories,
            greatest(2 * p_k, CASE WHEN by_meaning THEN 20 ELSE 100 END * CASE WHEN by_age THEN 10 ELSE 1 END)) AS w;
    END IF;
    RETURN QUERY
    WITH compared AS MATERIALIZED (
        SELECT m.primarykey, m.updated_at, CASE WHEN by_words THEN coalesce(n.bm25, 0) END AS told,
               CASE WHEN by_meaning THEN coalesce(1 - nullif(m.chat_vector <=> p_vector, 'NaN'), 0) END AS cosine
        FROM unnest(memories, bm25) AS n (memory, bm25)
        JOIN public.st_chat_history_vector_table AS m ON m.primarykey = n.memory AND m.userid = p_userid
        WHERE m.expires_at IS NULL OR m.expires_at > now()
    ), spread AS MATERIALIZED (
        SELECT max(c.cosine) AS best, least(average, avg(c.cosine)) AS base FROM compared AS c
    ), parts AS (
        SELECT c.*, CASE WHEN s.best - s.base > 1e-6 THEN greatest(0, (c.cosine - s.base) / (s.best - s.base))
                         WHEN by_meaning THEN 1 END AS meant
        FROM compared AS c CROSS JOIN spread AS s
    ), fused AS (
        SELECT p.*, CASE WHEN NOT by_words THEN p.cosine WHEN NOT by_meaning THEN p.told ELSE (p.meant + p.told) / 2 END AS total
        FROM parts AS p WHERE by_meaning OR p.told > 0
    ), best AS MATERIALIZED (
        SELECT f.primarykey, f.cosine, f.meant, f.told,
               CASE WHEN by_age AND f.total > 0 THEN f.total * (1 - p_recency + p_recency * 0.5::float8 ^ least(
                        greatest(extract(epoch FROM now() - f.updated_at), 0)::float8 / p_half_life, 200::float8))
                    ELSE f.total END AS total
        FROM fused AS f ORDER BY total DESC, f.cosine DESC, f.primarykey LIMIT p_k
    )
    SELECT m.primarykey, m.theme, m.chatid, CASE WHEN p.part = 0 THEN m.metadata END, b.cosine, p.part,
           substr(m.chat_summary, 1 + 7000 * p.part, 7000), b.total, b.meant, b.told,
           public.st_chat_memory_id(m.id, m.primarykey), m.created_at, m.updated_at, m.expires_at
    FROM best AS b
    JOIN public.st_chat_history_vector_table AS m ON m.primarykey = b.primarykey AND m.userid = p_userid
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(m.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY b.total DESC, b.cosine DESC, b.primarykey, p.part;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_recall FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_recall TO st_chat_app;
