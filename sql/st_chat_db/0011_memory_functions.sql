-- The chat memory's operations: each is one call of the Data API. Their plans are the same whatever statistics say.

-- An array of {"userid", "theme", "chatid", "summary", "metadata", "vector": "[...]"}; `item` counts from 0. A memory that
-- is known is not doubled, but takes a metadata and a vector that differ. In one order for all callers, so that two
-- whose memories overlap do not wait for each other in a circle.
CREATE FUNCTION st_chat_remember(p_items jsonb) RETURNS TABLE (item int, written boolean)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    memory record;
    told text;
BEGIN
    FOR memory IN
        SELECT i.item - 1 AS item, i.userid, i.theme, i.chatid, i.summary, i.metadata, i.vector, d.digest
        FROM ROWS FROM (jsonb_to_recordset(p_items) AS
                 (userid text, theme text, chatid bigint, summary text, metadata jsonb, vector text))
             WITH ORDINALITY AS i (userid, theme, chatid, summary, metadata, vector, item)
        CROSS JOIN LATERAL substr(sha256(convert_to(i.summary, 'UTF8')), 1, 16) AS d (digest)
        ORDER BY i.userid, i.theme, i.chatid, d.digest, i.item
    LOOP
        IF told IS DISTINCT FROM memory.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(memory.userid);
            told := memory.userid;
        END IF;
        item := memory.item;
        INSERT INTO public.st_chat_history_vector_table (userid, theme, chatid, chat_summary, metadata, chat_vector)
        VALUES (memory.userid, memory.theme, memory.chatid, memory.summary, memory.metadata, memory.vector::public.vector);
        written := FOUND;
        IF NOT written THEN
            UPDATE public.st_chat_history_vector_table AS m
            SET metadata = memory.metadata, chat_vector = memory.vector::public.vector
            WHERE m.primarykey = (SELECT c.memory FROM public.st_chat_memory_code AS c
                                  WHERE c.userid = memory.userid AND c.theme = memory.theme
                                    AND c.chatid = memory.chatid AND c.digest = memory.digest)
              AND (m.metadata IS DISTINCT FROM memory.metadata OR m.chat_vector <> memory.vector::public.vector);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Nearest first; `similarity` is the cosine, from -1 to 1, whatever the vectors' lengths. The signs of the user's own
-- memories are compared in the index; those that differ in at most 48 more of the 1024 than the p_k-th best, and at
-- most 1,000 (or 4 for each that is asked for), are compared exactly (docs/decisions/0400).
CREATE FUNCTION st_chat_recall(
    p_userid text, p_vector vector, p_k int, p_theme text DEFAULT NULL, p_metadata jsonb DEFAULT NULL
) RETURNS TABLE (
    primarykey bigint, theme text, chatid bigint, metadata jsonb, similarity float8, part int, chat_summary text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    asked CONSTANT bit(1024) := public.binary_quantize(p_vector)::bit(1024);
    most CONSTANT bigint := greatest(1000, 4::bigint * p_k);
    -- How many signs differ, times 2^52, and the memory: one number sorts in half the time of two.
    near bigint[];
    memories bigint[];
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF p_metadata IS NOT NULL THEN
        near := ARRAY(
            SELECT ((c.code <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
            JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
            WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND m.metadata @> p_metadata
            ORDER BY 1 LIMIT most);
    ELSIF p_theme IS NOT NULL THEN
        near := ARRAY(
            SELECT ((c.code <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
            WHERE c.userid = p_userid AND c.theme = p_theme
            ORDER BY 1 LIMIT most);
    ELSE
        near := ARRAY(
            SELECT ((c.code <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
            WHERE c.userid = p_userid
            ORDER BY 1 LIMIT most);
    END IF;
    IF cardinality(near) > p_k AND p_k > 0 THEN
        near := trim_array(near, cardinality(near) - width_bucket(((near[p_k] >> 52) + 49) << 52, near));
    END IF;
    memories := ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
    RETURN QUERY
    WITH nearest AS MATERIALIZED (
        SELECT m.primarykey, m.theme, m.chatid, m.metadata, m.chat_summary, m.chat_vector <=> p_vector AS distance
        FROM public.st_chat_history_vector_table AS m
        WHERE m.userid = p_userid AND m.primarykey = ANY (memories)
        ORDER BY (m.chat_vector <=> p_vector) + 0, m.primarykey LIMIT p_k)
    SELECT n.primarykey, n.theme, n.chatid, CASE WHEN p.part = 0 THEN n.metadata END,
           coalesce(1 - nullif(n.distance, 'NaN'), 0), p.part, substr(n.chat_summary, 1 + 7000 * p.part, 7000)
    FROM nearest AS n
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(n.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY n.distance, n.primarykey, p.part;
END
$$;

-- Locks what it forgets in the order in which st_chat_remember writes.
CREATE FUNCTION st_chat_forget(p_userid text, p_theme text, p_chatid bigint) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    own bigint[];
    forgotten bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    own := ARRAY(
        SELECT m.primarykey FROM public.st_chat_memory_code AS c
        JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
        WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND (p_chatid IS NULL OR c.chatid = p_chatid)
        ORDER BY c.theme, c.chatid, c.digest FOR UPDATE OF m);
    DELETE FROM public.st_chat_history_vector_table AS m WHERE m.primarykey = ANY (own);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_remember, st_chat_recall, st_chat_forget FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_remember, st_chat_recall, st_chat_forget TO st_chat_app;
