-- Memories that are read, changed and forgotten by their ids: each is one call of the Data API (docs/decisions/0430).

-- The memories of a jsonb array of ids, in its order. Long summaries come in parts, as recall's.
CREATE FUNCTION st_chat_memory_get(p_userid text, p_ids jsonb) RETURNS TABLE (
    id text, primarykey bigint, theme text, chatid bigint, metadata jsonb, created_at timestamptz, updated_at timestamptz,
    expires_at timestamptz, part int, chat_summary text
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    asked CONSTANT text[] := ARRAY(SELECT i.id FROM jsonb_array_elements_text(p_ids) AS i (id));
    found bigint[];
BEGIN
    PERFORM public.st_chat_as(p_userid);
    found := ARRAY(SELECT k.memory FROM public.st_chat_memory_keys(p_userid, asked) AS k ORDER BY array_position(asked, k.id));
    RETURN QUERY
    SELECT public.st_chat_memory_id(m.id, m.primarykey), m.primarykey, m.theme, m.chatid,
           CASE WHEN p.part = 0 THEN m.metadata END, m.created_at, m.updated_at, m.expires_at, p.part,
           substr(m.chat_summary, 1 + 7000 * p.part, 7000)
    FROM unnest(found) WITH ORDINALITY AS f (memory, place)
    JOIN public.st_chat_history_vector_table AS m ON m.primarykey = f.memory AND m.userid = p_userid
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(m.chat_summary), 1) - 1) / 7000) AS p (part)
    WHERE m.expires_at IS NULL OR m.expires_at > now()
    ORDER BY f.place, p.part;
END
$$;

-- A page, oldest first, of one theme or of all: after the memory of this id, or, if p_after is NULL, after this key.
CREATE FUNCTION st_chat_memory_list(p_userid text, p_theme text, p_after text, p_key bigint, p_limit int) RETURNS TABLE (
    id text, primarykey bigint, theme text, chatid bigint, metadata jsonb, created_at timestamptz, updated_at timestamptz,
    expires_at timestamptz, part int, chat_summary text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    start bigint := coalesce(p_key, -1);
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF p_after IS NOT NULL THEN
        SELECT k.memory INTO start FROM public.st_chat_memory_keys(p_userid, ARRAY[p_after]) AS k;
        IF NOT FOUND THEN
            RAISE no_data_found USING MESSAGE = 'no memory of this user has the id';
        END IF;
    END IF;
    RETURN QUERY
    SELECT l.id, l.primarykey, l.theme, l.chatid, CASE WHEN p.part = 0 THEN l.metadata END, l.created_at, l.updated_at,
           l.expires_at, p.part, substr(l.chat_summary, 1 + 7000 * p.part, 7000)
    FROM (SELECT public.st_chat_memory_id(m.id, m.primarykey) AS id, m.primarykey, m.theme, m.chatid, m.metadata,
                 m.created_at, m.updated_at, m.expires_at, m.chat_summary, k.place
          FROM (SELECT c.memory, c.memory + 0 AS place FROM public.st_chat_memory_code AS c
                WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND c.memory + 0 > start
                ORDER BY place) AS k
          JOIN public.st_chat_history_vector_table AS m ON m.primarykey = k.memory AND m.userid = p_userid
          WHERE m.expires_at IS NULL OR m.expires_at > now()
          ORDER BY k.place LIMIT p_limit) AS l
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(l.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY l.place, p.part;
END
$$;

-- p_changes: "summary" with its "vector", "metadata" and "expires_at", each if it is to change; null is a value. False: no such
-- memory.
CREATE FUNCTION st_chat_memory_update(p_userid text, p_id text, p_changes jsonb) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    m record;
    wanted record;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    PERFORM public.st_chat_memory_lock(p_userid, true);
    SELECT o.primarykey, o.chat_summary, o.metadata, o.expires_at, o.chat_vector INTO m
    FROM public.st_chat_memory_keys(p_userid, ARRAY[p_id]) AS k
    JOIN public.st_chat_history_vector_table AS o ON o.primarykey = k.memory AND o.userid = p_userid
    WHERE o.expires_at IS NULL OR o.expires_at > now() FOR UPDATE OF o;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT CASE WHEN p_changes ? 'metadata' THEN nullif(p_changes -> 'metadata', 'null') ELSE m.metadata END AS metadata,
           CASE WHEN p_changes ? 'expires_at' THEN (p_changes ->> 'expires_at')::timestamptz ELSE m.expires_at END AS expires_at,
           coalesce(p_changes ->> 'summary', m.chat_summary) AS summary,
           coalesce((p_changes ->> 'vector')::public.vector, m.chat_vector) AS vector INTO wanted;
    IF wanted.summary <> m.chat_summary OR wanted.vector <> m.chat_vector THEN
        UPDATE public.st_chat_history_vector_table AS o
        SET chat_summary = wanted.summary, chat_vector = wanted.vector, metadata = wanted.metadata,
            expires_at = wanted.expires_at, updated_at = now()
        WHERE o.primarykey = m.primarykey;
    ELSIF (wanted.metadata, wanted.expires_at) IS DISTINCT FROM (m.metadata, m.expires_at) THEN
        UPDATE public.st_chat_history_vector_table AS o
        SET metadata = wanted.metadata, expires_at = wanted.expires_at, updated_at = now() WHERE o.primarykey = m.primarykey;
    END IF;
    PERFORM public.st_chat_sweep_memories(p_userid);
    RETURN true;
END
$$;

-- Of a jsonb array of ids. What has expired is deleted too, and not counted.
CREATE FUNCTION st_chat_forget_ids(p_userid text, p_ids jsonb) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    own bigint[];
    forgotten bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    PERFORM public.st_chat_memory_lock(p_userid, true);
    own := ARRAY(SELECT k.memory FROM public.st_chat_memory_keys(
        p_userid, ARRAY(SELECT i.id FROM jsonb_array_elements_text(p_ids) AS i (id))) AS k);
    WITH gone AS (
        DELETE FROM public.st_chat_history_vector_table AS m WHERE m.primarykey = ANY (own) RETURNING m.expires_at)
    SELECT count(*) FILTER (WHERE g.expires_at IS NULL OR g.expires_at > now()) INTO forgotten FROM gone AS g;
    RETURN forgotten;
END
$$;

-- As in 0011, and what has expired is not counted.
CREATE OR REPLACE FUNCTION st_chat_forget(p_userid text, p_theme text, p_chatid bigint) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    own bigint[];
    forgotten bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    PERFORM public.st_chat_memory_lock(p_userid, false);
    own := ARRAY(
        SELECT m.primarykey FROM public.st_chat_memory_code AS c
        JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
        WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND (p_chatid IS NULL OR c.chatid = p_chatid)
        ORDER BY c.theme, c.chatid, c.digest FOR UPDATE OF m);
    WITH gone AS (
        DELETE FROM public.st_chat_history_vector_table AS m WHERE m.primarykey = ANY (own) RETURNING m.expires_at)
    SELECT count(*) FILTER (WHERE g.expires_at IS NULL OR g.expires_at > now()) INTO forgotten FROM gone AS g;
    RETURN forgotten;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_memory_get, st_chat_memory_list, st_chat_memory_update, st_chat_forget_ids FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    st_chat_memory_get, st_chat_memory_list, st_chat_memory_update, st_chat_forget_ids TO st_chat_app;
