-- Memories move from one embedding model to another while they are read and written (docs/decisions/0440). Every step is a
-- transaction that may be called again at any point; stchat/ops/embedding_move.py calls them as the owner.

-- How many memories there are by model: in their rows, and (`second`) by the model that they are moved to. `learned`: whether
-- the codes are.
CREATE FUNCTION st_chat_embedding_models() RETURNS TABLE (model text, second boolean, memories bigint, learned boolean)
LANGUAGE sql STABLE SET enable_seqscan = off SET jit = off
BEGIN ATOMIC
    SELECT k.model, k.second, coalesce(sum(n.memories), 0)::bigint, bool_or(k.slack IS NOT NULL)
    FROM public.st_chat_memory_coding AS k
    LEFT JOIN (SELECT c.coding, count(*) AS memories FROM public.st_chat_memory_code AS c GROUP BY c.coding
               UNION ALL
               SELECT s.coding, count(*) FROM public.st_chat_memory_second AS s GROUP BY s.coding) AS n ON n.coding = k.coding
    GROUP BY k.model, k.second ORDER BY k.second, k.model NULLS FIRST;
END;

-- How long summaries are, of which the model reads p_characters: an average over a sample. `wide`: characters outside of ASCII.
CREATE FUNCTION st_chat_embedding_sample(p_characters int) RETURNS TABLE (sampled bigint, characters float8, wide float8)
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    pages CONSTANT float8 := greatest(1, pg_relation_size('public.st_chat_history_vector_table') / 8192);
BEGIN
    SELECT count(*), avg(char_length(o.text)), avg(char_length(o.text) - char_length(regexp_replace(o.text, '[^\x01-\x7f]', '', 'g')))
    INTO sampled, characters, wide
    FROM (SELECT left(m.chat_summary, p_characters) AS text
          FROM public.st_chat_history_vector_table AS m TABLESAMPLE SYSTEM (least(100, 100 * 2000 / pages))) AS o;
    RETURN NEXT;
END
$$;

-- The next memories from key p_from on that have no vector of the model: at most p_most of the next p_rows keys. `after`: where
-- the next call begins, NULL: there are no more. `digest`: of the whole summary. Long ones come in parts, as in recall. The
-- codes say what is missing, so that no page with vectors is read for it.
CREATE FUNCTION st_chat_embedding_next(p_model text, p_from bigint, p_rows int, p_most int, p_characters int) RETURNS TABLE (
    after bigint, primarykey bigint, part int, digest text, chat_summary text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    own CONSTANT int[] := ARRAY(SELECT k.coding FROM public.st_chat_memory_coding AS k
                                WHERE NOT k.second AND k.model IS NOT DISTINCT FROM p_model);
    missing bigint[];
    until bigint := (SELECT c.memory FROM public.st_chat_memory_code AS c
                     WHERE c.memory >= p_from ORDER BY c.memory OFFSET p_rows LIMIT 1);
BEGIN
    missing := ARRAY(
        SELECT c.memory FROM public.st_chat_memory_code AS c
        WHERE c.memory >= p_from AND c.memory < coalesce(until, 4503599627370496) AND c.coding <> ALL (own)
          AND NOT EXISTS (SELECT FROM public.st_chat_memory_second AS s
                          WHERE s.memory = c.memory AND s.model IS NOT DISTINCT FROM p_model)
        ORDER BY c.memory LIMIT p_most);
    IF cardinality(missing) = p_most THEN
        until := missing[p_most] + 1;
    END IF;
    RETURN QUERY
    SELECT until, m.primarykey, p.part, encode(sha256(convert_to(m.chat_summary, 'UTF8')), 'hex'),
           substr(left(m.chat_summary, p_characters), 1 + 7000 * p.part, 7000)
    FROM unnest(missing) AS o (memory)
    JOIN public.st_chat_history_vector_table AS m ON m.primarykey = o.memory
    CROSS JOIN LATERAL generate_series(0, (least(p_characters, greatest(char_length(m.chat_summary), 1)) - 1) / 7000) AS p (part);
    IF NOT FOUND THEN
        after := until;
        RETURN NEXT;
    END IF;
END
$$;

-- From here on memories may have vectors of the model besides those in their rows.
CREATE FUNCTION st_chat_embedding_begin(p_model text) RETURNS int LANGUAGE sql
RETURN public.st_chat_memory_make_coding(p_model, true);

-- An array of {"memory", "digest", "vector": "[...]"}; how many were stored. A memory whose summary has changed since, or
-- whose row has the model by now, or that somebody changes now, is left out. FOR SHARE: who changes one of these rows
-- meanwhile waits, so that his trigger finds the vector.
CREATE FUNCTION st_chat_embedding_put(p_model text, p_items jsonb) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    k record;
    stored bigint;
BEGIN
    SELECT o.coding, o.low, o.high INTO k FROM public.st_chat_memory_coding AS o
    WHERE o.second AND o.model IS NOT DISTINCT FROM p_model ORDER BY o.coding DESC LIMIT 1 FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = 'no move to this model has begun';
    END IF;
    WITH held AS MATERIALIZED (
        SELECT m.primarykey, m.userid, m.theme, i.vector::public.vector AS vector
        FROM jsonb_to_recordset(p_items) AS i (memory bigint, digest text, vector text)
        JOIN public.st_chat_history_vector_table AS m ON m.primarykey = i.memory
        WHERE m.embedding_model IS DISTINCT FROM p_model
          AND encode(sha256(convert_to(m.chat_summary, 'UTF8')), 'hex') = i.digest
        ORDER BY m.primarykey FOR SHARE OF m SKIP LOCKED)
    INSERT INTO public.st_chat_memory_second (memory, userid, theme, model, coding, near, vector)
    SELECT h.primarykey, h.userid, h.theme, p_model, k.coding,
           public.st_chat_memory_near(h.vector, k.low, k.high)::bit(2048), h.vector
    FROM held AS h
    ON CONFLICT (memory) DO UPDATE
    SET userid = EXCLUDED.userid, theme = EXCLUDED.theme, model = EXCLUDED.model, coding = EXCLUDED.coding,
        near = EXCLUDED.near, vector = EXCLUDED.vector;
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
END
$$;

-- Codes the second vectors from key p_from on again that have an older coding, p_rows of them. Nobody is waited for.
CREATE FUNCTION st_chat_embedding_recode(p_model text, p_from bigint, p_rows int) RETURNS TABLE (after bigint, done bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    k record;
    held bigint[];
BEGIN
    after := (SELECT s.memory FROM public.st_chat_memory_second AS s
              WHERE s.memory >= p_from ORDER BY s.memory OFFSET p_rows LIMIT 1);
    SELECT o.coding, o.low, o.high INTO k FROM public.st_chat_memory_coding AS o
    WHERE o.second AND o.model IS NOT DISTINCT FROM p_model ORDER BY o.coding DESC LIMIT 1 FOR KEY SHARE;
    held := ARRAY(SELECT s.memory FROM public.st_chat_memory_second AS s
                  WHERE s.memory >= p_from AND s.memory < coalesce(after, 4503599627370496)
                    AND s.model IS NOT DISTINCT FROM p_model AND s.coding < k.coding
                  ORDER BY s.memory FOR UPDATE SKIP LOCKED);
    UPDATE public.st_chat_memory_second AS s
    SET near = public.st_chat_memory_near(s.vector, k.low, k.high)::bit(2048), coding = k.coding
    WHERE s.memory = ANY (held);
    done := cardinality(held);
    RETURN NEXT;
END
$$;

-- The codings of second vectors that are older than the newest, or all if p_all, go where no vector has them; how many are left.
-- Whoever writes a second vector holds its coding, so none is written with one that goes.
CREATE FUNCTION st_chat_embedding_retire(p_model text, p_all boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    older int[];
BEGIN
    older := ARRAY(
        SELECT k.coding FROM public.st_chat_memory_coding AS k
        WHERE k.second AND (p_all OR k.model IS NOT DISTINCT FROM p_model AND k.coding < (
            SELECT max(n.coding) FROM public.st_chat_memory_coding AS n
            WHERE n.second AND n.model IS NOT DISTINCT FROM p_model))
        FOR UPDATE);
    DELETE FROM public.st_chat_memory_coding AS k
    WHERE k.coding = ANY (older) AND NOT EXISTS (SELECT FROM public.st_chat_memory_second AS s WHERE s.coding = k.coding);
    RETURN (SELECT count(*) FROM public.st_chat_memory_coding AS k WHERE k.coding = ANY (older));
END
$$;

-- Rows of the model are coded from now on as its second vectors are, if that was learned from them.
CREATE FUNCTION st_chat_embedding_adopt(p_model text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    adopted int;
BEGIN
    LOCK TABLE public.st_chat_memory_coding IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO public.st_chat_memory_coding (coding, low, high, slack, learned_of, model)
    SELECT (SELECT max(o.coding) + 1 FROM public.st_chat_memory_coding AS o), k.low, k.high, k.slack, k.learned_of, p_model
    FROM public.st_chat_memory_coding AS k
    WHERE k.second AND k.model IS NOT DISTINCT FROM p_model AND k.slack IS NOT NULL
      AND NOT EXISTS (SELECT FROM public.st_chat_memory_coding AS o
                      WHERE NOT o.second AND o.model IS NOT DISTINCT FROM p_model AND o.slack IS NOT NULL)
    ORDER BY k.coding DESC LIMIT 1
    RETURNING coding INTO adopted;
    RETURN adopted;
END
$$;

-- The next p_rows second vectors of the model from key p_from on become those of their rows; the triggers do the rest. Rows
-- that somebody changes now are left out. updated_at stays: the memory has not changed.
CREATE FUNCTION st_chat_embedding_swap(p_model text, p_from bigint, p_rows int) RETURNS TABLE (after bigint, done bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    next bigint[] := ARRAY(
        SELECT s.memory FROM public.st_chat_memory_second AS s
        WHERE s.memory >= p_from AND s.model IS NOT DISTINCT FROM p_model ORDER BY s.memory LIMIT p_rows);
    held bigint[];
BEGIN
    after := next[p_rows] + 1;
    held := ARRAY(SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
                  WHERE m.primarykey = ANY (next) ORDER BY m.primarykey FOR UPDATE SKIP LOCKED);
    UPDATE public.st_chat_history_vector_table AS m SET chat_vector = s.vector, embedding_model = s.model
    FROM public.st_chat_memory_second AS s
    WHERE m.primarykey = ANY (held) AND s.memory = m.primarykey AND s.model IS NOT DISTINCT FROM p_model;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN NEXT;
END
$$;

-- Second vectors of other models, p_rows of them: of a move that was turned back.
CREATE FUNCTION st_chat_embedding_drop(p_rows int) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    dropped bigint;
BEGIN
    DELETE FROM public.st_chat_memory_second AS s WHERE s.memory = ANY (ARRAY(
        SELECT o.memory FROM public.st_chat_memory_second AS o ORDER BY o.memory LIMIT p_rows FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_embedding_models, st_chat_embedding_sample, st_chat_embedding_next, st_chat_embedding_begin,
    st_chat_embedding_put, st_chat_embedding_recode, st_chat_embedding_retire, st_chat_embedding_adopt,
    st_chat_embedding_swap, st_chat_embedding_drop FROM PUBLIC;
