-- Recall in less time (docs/decisions/0420, 0421). Plans are kept for all values: those of one value are no better, and the
-- planner took a third of a small user's recall. The functions take what they took, so a recall that is at work goes on.

-- As in 0021, so that it is part of the query that asks for it: to make a text of a number by || is not immutable, by a cast it is.
CREATE OR REPLACE FUNCTION st_chat_memory_id(p_id text, p_primarykey bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_id, 'm_' || md5('st_chat_memory ' || p_primarykey::text));

-- As in 0018; each word's number is made where its script is known.
CREATE OR REPLACE FUNCTION st_chat_words_asked(p_text text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    asked CONSTANT text := left(p_text, 2000);
    folded CONSTANT text := public.st_chat_folded(asked);
    keys CONSTANT bigint[] := public.st_chat_word_keys(asked);
    chars CONSTANT text[] := string_to_array(folded, NULL);
    scripts CONSTANT int[] := ARRAY(SELECT public.st_chat_script(ascii(c.a)) FROM unnest(chars) AS c (a));
BEGIN
    RETURN ARRAY(
        SELECT w.word FROM (
            SELECT s.word, s.place, false AS hiragana, hashtextextended(s.word, 0) AS key
            FROM unnest(regexp_split_to_array(folded, '[^\w]+|_+|[々〆ぁ-ヿ㐀-鿿가-힣豈-﫿]+'))
                 WITH ORDINALITY AS s (word, place)
            UNION ALL
            SELECT CASE WHEN p.next = p.script THEN p.a || p.b ELSE p.a END, p.place, p.script = 1,
                   hashint8extended(CASE WHEN p.next = p.script THEN ascii(p.a) * 2097152::bigint + ascii(p.b)
                                         ELSE ascii(p.a) END, 0)
            FROM unnest(chars, scripts, chars[2: ], scripts[2: ], array_prepend(0, scripts))
                 WITH ORDINALITY AS p (a, script, b, next, previous, place)
            WHERE p.script > 0 AND (p.next = p.script OR p.script = 3 AND p.previous <> 3)
        ) AS w
        WHERE w.key & 9223372036854775807 = ANY (keys)
        GROUP BY w.word, w.hiragana
        ORDER BY w.hiragana, char_length(w.word) DESC, min(w.place), w.word LIMIT 32);
END
$$;

-- The memories of the user that hold words of p_words, by BM25 of the user's own memories (of the theme, if one is asked for):
-- the p_most best, whose texts are read, since a filter may take a word for another; and those of p_also, with 0 if they hold
-- none. If p_left is given, only those in it, and never those in p_gone. The best has 1. Of more than 8 words the 8 that are
-- rarest among 150 of the memories count. The 3 rarest lead to memories, and the others tell apart what is found and what is in
-- p_also. 5 lead in a theme, and where the meaning has found too few; all 8 where these lead to few, where a filter is at work,
-- and where the 150 are all that there are. None leads where even the rarest is common.
CREATE OR REPLACE FUNCTION st_chat_memories_by_words(
    p_userid text, p_words text[], p_theme text, p_left bigint[], p_gone bigint[], p_also bigint[], p_most int
) RETURNS TABLE (memory bigint, bm25 float8) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = on SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    few CONSTANT boolean := cardinality(p_also) < p_most / 2;  -- fewer than are asked for
    words text[];
    keys bigint[];
    counts bigint[];  -- of the sample, how many hold each
    sampled bigint;
    leads int;
    k1 bigint;
    k2 bigint;
    k3 bigint;
    k4 bigint;
    k5 bigint;
    k6 bigint;
    k7 bigint;
    k8 bigint;
    many bigint;
    bits bigint;
    hits public.st_chat_memory_words[] := '{}';
BEGIN
    WITH sample AS MATERIALIZED (
        SELECT m.words, octet_length(m.words)::bigint * 8 AS bits FROM public.st_chat_memory_words AS m
        WHERE m.userid = p_userid LIMIT 150),
    size AS MATERIALIZED (SELECT count(*) AS memories, sum(s.bits::int) AS bits FROM sample AS s)
    SELECT array_agg(r.word), array_agg(r.key), array_agg(r.held), min(r.memories), min(r.bits)
    INTO words, keys, counts, sampled, bits
    FROM (SELECT h.* FROM (
              SELECT a.*, z.*, (SELECT count(*) FROM sample AS s WHERE public.st_chat_word_held(s.words, s.bits, a.key)) AS held
              FROM (SELECT w.word, w.place, public.st_chat_word_key(w.word) AS key
                    FROM unnest(p_words) WITH ORDINALITY AS w (word, place) LIMIT 16) AS a, size AS z) AS h
          ORDER BY h.memories < 150 AND h.held = 0, h.held, h.place LIMIT 8) AS r;
    many := sampled;
    leads := CASE WHEN sampled < 150 OR p_left IS NOT NULL OR p_gone <> '{}' THEN 8
                  WHEN few OR p_theme IS NOT NULL THEN 5
                  WHEN counts[1] * 4 > sampled THEN 0 ELSE 3 END;
    k1 := keys[1];
    k2 := keys[2];
    k3 := keys[3];
    k4 := keys[4];
    k5 := keys[5];
    k6 := keys[6];
    k7 := keys[7];
    k8 := keys[8];
    WHILE leads > 0 LOOP
        IF leads = 3 THEN  -- to set up the tests of eight words would take 0.5 ms more
            SELECT count(*), sum(w.bits::int), array_agg(ROW (NULL, NULL, w.memory, w.words)::public.st_chat_memory_words)
                FILTER (WHERE public.st_chat_word_held(w.words, w.bits, k1) OR public.st_chat_word_held(w.words, w.bits, k2)
                              OR public.st_chat_word_held(w.words, w.bits, k3))
            INTO many, bits, hits
            FROM (SELECT m.memory, m.words, octet_length(m.words)::bigint * 8 AS bits FROM public.st_chat_memory_words AS m
                  WHERE m.userid >= p_userid AND m.userid <= p_userid OFFSET 0) AS w;
        ELSIF p_theme IS NULL THEN
            SELECT count(*), sum(w.bits::int), array_agg(ROW (NULL, NULL, w.memory, w.words)::public.st_chat_memory_words)
                FILTER (WHERE public.st_chat_word_held(w.words, w.bits, k1) OR public.st_chat_word_held(w.words, w.bits, k2)
                              OR public.st_chat_word_held(w.words, w.bits, k3) OR public.st_chat_word_held(w.words, w.bits, k4)
                              OR public.st_chat_word_held(w.words, w.bits, k5)
                              OR leads > 5 AND (public.st_chat_word_held(w.words, w.bits, k6)
                                                OR public.st_chat_word_held(w.words, w.bits, k7)
                                                OR public.st_chat_word_held(w.words, w.bits, k8)))
            INTO many, bits, hits
            FROM (SELECT m.memory, m.words, octet_length(m.words)::bigint * 8 AS bits FROM public.st_chat_memory_words AS m
                  WHERE m.userid >= p_userid AND m.userid <= p_userid OFFSET 0) AS w;
        ELSE
            SELECT count(*), sum(w.bits::int), array_agg(ROW (NULL, NULL, w.memory, w.words)::public.st_chat_memory_words)
                FILTER (WHERE public.st_chat_word_held(w.words, w.bits, k1) OR public.st_chat_word_held(w.words, w.bits, k2)
                              OR public.st_chat_word_held(w.words, w.bits, k3) OR public.st_chat_word_held(w.words, w.bits, k4)
                              OR public.st_chat_word_held(w.words, w.bits, k5)
                              OR leads > 5 AND (public.st_chat_word_held(w.words, w.bits, k6)
                                                OR public.st_chat_word_held(w.words, w.bits, k7)
                                                OR public.st_chat_word_held(w.words, w.bits, k8)))
            INTO many, bits, hits
            FROM (SELECT m.memory, m.words, octet_length(m.words)::bigint * 8 AS bits FROM public.st_chat_memory_words AS m
                  WHERE m.userid >= p_userid AND m.userid <= p_userid AND m.theme = p_theme OFFSET 0) AS w;
        END IF;
        EXIT WHEN leads = 8 OR cardinality(hits) >= p_most / CASE WHEN few THEN 2 ELSE 4 END;
        leads := 8;
    END LOOP;
    IF hits IS NULL THEN
        RETURN QUERY SELECT a.memory, 0::float8 FROM unnest(p_also) AS a (memory);
        RETURN;
    END IF;
    RETURN QUERY
    WITH filters AS MATERIALIZED (
        SELECT h.memory, h.words FROM unnest(hits) AS h
        UNION ALL
        SELECT a.memory, w.words FROM unnest(p_also[ : 5 * least(p_most, 100000)]) AS a (memory)
        CROSS JOIN LATERAL (
            SELECT m.theme FROM public.st_chat_history_vector_table AS m
            WHERE m.primarykey = a.memory AND m.userid = p_userid OFFSET 0) AS m
        CROSS JOIN LATERAL (
            SELECT o.words FROM public.st_chat_memory_words AS o
            WHERE o.userid = p_userid AND o.theme = m.theme AND o.memory = a.memory OFFSET 0) AS w
        WHERE leads < 8 AND a.memory NOT IN (SELECT h.memory FROM unnest(hits) AS h)
    ), pairs AS MATERIALIZED (
        SELECT f.memory, octet_length(f.words) * 8 AS size, w.place
        FROM filters AS f CROSS JOIN unnest(keys) WITH ORDINALITY AS w (key, place)
        WHERE public.st_chat_word_held(f.words, octet_length(f.words)::bigint * 8, w.key)
    ), weights AS MATERIALIZED (
        SELECT w.place, w.word, ln(1 + (many - n.memories + 0.5::float8) / (n.memories + 0.5::float8)) AS weight
        FROM unnest(words, counts) WITH ORDINALITY AS w (word, count, place)
        LEFT JOIN (SELECT p.place, count(*) AS found FROM pairs AS p GROUP BY p.place) AS p ON p.place = w.place
        -- Of a word by which nothing was looked for, as many as the sample says, if more than were found.
        CROSS JOIN LATERAL (SELECT greatest(coalesce(p.found, 0), CASE
            WHEN w.place > leads THEN w.count * many / greatest(1, sampled) END) AS memories) AS n
    ), ranked AS MATERIALIZED (
        SELECT s.memory, s.held, l.length, s.weight / l.length AS score
        FROM (SELECT p.memory, p.size, bit_or(1 << p.place::int) AS held, sum(w.weight) AS weight
              FROM pairs AS p JOIN weights AS w ON w.place = p.place GROUP BY p.memory, p.size) AS s
        CROSS JOIN LATERAL (SELECT 0.6::float8 + 0.4::float8 * s.size * many / bits AS length) AS l
        WHERE (p_left IS NULL OR s.memory IN (SELECT unnest(p_left))) AND s.memory NOT IN (SELECT unnest(p_gone))
    ), found AS MATERIALIZED (
        SELECT b.memory, (SELECT sum(w.weight) FROM weights AS w
                          WHERE b.held >> w.place::int & 1 = 1 AND strpos(f.summary, w.word) > 0) / b.length AS score
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

-- As in 0040, but at most 500 are compared exactly, by words too 100, or 8 for each that is asked for. (1,000 were, which the slack
-- leaves of vectors that lie in few of their numbers, where the sample that it is learned from comes out badly.)
CREATE OR REPLACE FUNCTION st_chat_recall(
    p_userid text, p_vector vector, p_k int, p_theme text DEFAULT NULL, p_metadata jsonb DEFAULT NULL,
    p_text text DEFAULT NULL, p_mode text DEFAULT 'hybrid', p_filter jsonb DEFAULT NULL, p_since timestamptz DEFAULT NULL,
    p_until timestamptz DEFAULT NULL, p_half_life float8 DEFAULT NULL, p_recency float8 DEFAULT 0,
    p_model text DEFAULT NULL
) RETURNS TABLE (
    primarykey bigint, theme text, chatid bigint, metadata jsonb, similarity float8, part int, chat_summary text,
    score float8, semantic float8, lexical float8,
    id text, created_at timestamptz, updated_at timestamptz, expires_at timestamptz
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
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
    of CONSTANT text := public.st_chat_model(p_model);
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
    codings int := 0;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF p_mode IS NULL OR p_mode NOT IN ('hybrid', 'semantic', 'lexical') THEN
        RAISE invalid_parameter_value USING MESSAGE = 'mode must be hybrid, semantic or lexical';
    END IF;
    gone := ARRAY(SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
                  WHERE m.userid = p_userid AND m.expires_at <= now() LIMIT 1001);
    filtered := filtered OR cardinality(gone) > 1000;
    -- Second vectors first: they become those of rows, and never the other way round. By words alone all memories count,
    -- whatever model they are of.
    FOR k IN SELECT c.coding, c.low, c.high, c.slack, c.second, c.model IS NOT DISTINCT FROM of AS own
             FROM public.st_chat_memory_coding AS c
             WHERE by_meaning AND c.model IS NOT DISTINCT FROM of OR filtered AND NOT c.second ORDER BY c.second DESC, c.coding LOOP
        codings := codings + 1;
        asked := public.st_chat_memory_near(unit, k.low, k.high)::bit(2048);
        most := greatest(CASE WHEN k.slack IS NULL OR by_age THEN 5000 WHEN cardinality(words) > 0 THEN 100 ELSE 500 END,
                         8::bigint * p_k);
        last := p_k;
        IF k.second THEN
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_second AS c
                WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND c.coding = k.coding
                  AND c.memory <> ALL (gone)
                  AND (NOT filtered OR EXISTS (
                      SELECT FROM public.st_chat_history_vector_table AS m
                      WHERE m.primarykey = c.memory AND (p_metadata IS NULL OR m.metadata @> p_metadata)
                        AND (p_since IS NULL OR m.created_at >= p_since) AND (p_until IS NULL OR m.created_at < p_until)
                        AND (m.expires_at IS NULL OR m.expires_at > now())
                        AND (p_filter IS NULL OR public.st_chat_matches(m.metadata, p_filter))))
                ORDER BY 1 LIMIT most);
        ELSIF filtered THEN
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
            -- Bounds, and no second equality beside row security's, which would be a node that each entry goes through.
            IF p_theme IS NOT NULL THEN
                near := ARRAY(
                    SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                    WHERE c.userid >= p_userid AND c.userid <= p_userid AND c.theme = p_theme AND c.coding = k.coding
                    ORDER BY 1 LIMIT most);
            ELSE
                near := ARRAY(
                    SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                    WHERE c.userid >= p_userid AND c.userid <= p_userid AND c.coding = k.coding
                    ORDER BY 1 LIMIT most);
            END IF;
        END IF;
        IF cardinality(near) > last AND p_k > 0 AND k.slack IS NOT NULL AND k.own THEN
            average := ((unit <#> k.low::public.vector) + (unit <#> k.high::public.vector)) / -2;
            IF NOT by_age THEN
                near := trim_array(near, cardinality(near) - width_bucket(((near[last] >> 52) + k.slack + 1) << 52, near));
            END IF;
        END IF;
        IF by_meaning AND k.own THEN
            memories := memories || ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
        END IF;
    END LOOP;
    IF codings > 1 THEN  -- one that was coded again, or got its vector, in between
        memories := ARRAY(SELECT DISTINCT u.memory FROM unnest(memories) AS u (memory));
    END IF;
    IF cardinality(words) > 0 THEN
        SELECT coalesce(array_agg(w.memory), '{}'), array_agg(w.bm25) INTO memories, bm25
        FROM public.st_chat_memories_by_words(
            p_userid, words, p_theme, CASE WHEN filtered THEN coalesce(remaining, '{}') END, gone, memories,
            greatest(2 * p_k, CASE WHEN by_meaning THEN 20 ELSE 100 END * CASE WHEN by_age THEN 10 ELSE 1 END)) AS w;
    END IF;
    RETURN QUERY
    WITH compared AS MATERIALIZED (
        SELECT m.primarykey, m.updated_at, CASE WHEN by_words THEN coalesce(n.bm25, 0) END AS told,
               CASE WHEN by_meaning AND v.vector IS NOT NULL THEN coalesce(1 - nullif(v.vector <=> p_vector, 'NaN'), 0)
               END AS cosine
        FROM unnest(memories, bm25) AS n (memory, bm25)
        JOIN public.st_chat_history_vector_table AS m ON m.primarykey = n.memory AND m.userid = p_userid
        CROSS JOIN LATERAL (SELECT CASE WHEN m.embedding_model IS NOT DISTINCT FROM of THEN m.chat_vector ELSE (
            SELECT s.vector FROM public.st_chat_memory_second AS s
            WHERE s.memory = m.primarykey AND s.model IS NOT DISTINCT FROM of) END AS vector OFFSET 0) AS v
        WHERE m.expires_at IS NULL OR m.expires_at > now()
    ), spread AS MATERIALIZED (
        SELECT max(c.cosine) AS best, least(average, avg(c.cosine)) AS base FROM compared AS c
    ), parts AS (
        SELECT c.*, CASE WHEN c.cosine IS NULL THEN NULL
                         WHEN s.best - s.base > 1e-6 THEN greatest(0, (c.cosine - s.base) / (s.best - s.base))
                         WHEN by_meaning THEN 1 END AS meant
        FROM compared AS c CROSS JOIN spread AS s
    ), fused AS (
        SELECT p.*, CASE WHEN NOT by_words THEN p.cosine WHEN NOT by_meaning THEN p.told
                         ELSE (coalesce(p.meant, 0) + p.told) / 2 END AS total
        FROM parts AS p WHERE p.cosine IS NOT NULL OR p.told > 0
    ), best AS MATERIALIZED (
        SELECT f.primarykey, f.cosine, f.meant, f.told,
               CASE WHEN by_age AND f.total > 0 THEN f.total * (1 - p_recency + p_recency * 0.5::float8 ^ least(
                        greatest(extract(epoch FROM now() - f.updated_at), 0)::float8 / p_half_life, 200::float8))
                    ELSE f.total END AS total
        FROM fused AS f ORDER BY total DESC, f.cosine DESC NULLS LAST, f.primarykey LIMIT p_k
    )
    SELECT m.primarykey, m.theme, m.chatid, CASE WHEN p.part = 0 THEN m.metadata END, b.cosine, p.part,
           substr(m.chat_summary, 1 + 7000 * p.part, 7000), b.total, b.meant, b.told,
           public.st_chat_memory_id(m.id, m.primarykey), m.created_at, m.updated_at, m.expires_at
    FROM best AS b
    JOIN public.st_chat_history_vector_table AS m ON m.primarykey = b.primarykey AND m.userid = p_userid
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(m.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY b.total DESC, b.cosine DESC NULLS LAST, b.primarykey, p.part;
END
$$;
