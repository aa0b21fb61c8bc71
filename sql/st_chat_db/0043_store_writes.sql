-- What LangGraph's BaseStore writes: in one call of the Data API, each item for its own user.

-- Nobody is waited for. An item that is indexed goes with its memory, which has a sweep of its own.
CREATE FUNCTION st_chat_store_sweep(p_userid text, p_rows int DEFAULT 20) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    expired CONSTANT bigint[] := ARRAY(
        SELECT i.primarykey FROM public.st_chat_store_item AS i
        WHERE i.userid = p_userid AND i.expires_at <= now() AND NOT i.indexed
        ORDER BY i.expires_at LIMIT p_rows FOR UPDATE SKIP LOCKED);
BEGIN
    DELETE FROM public.st_chat_store_item AS i WHERE i.primarykey = ANY (expired);
    RETURN cardinality(expired);
END
$$;

-- p_items: {"place", "userid", "namespace", "key", "value", "fields", "minutes", "summary", "metadata", "vector", "model"}, each key once,
-- written by place; a value that is null deletes the item. With a vector the summary is its memory. Writers of one user wait
-- for each other, by the lock of st_chat_remember. Of each user some items are deleted that have expired.
CREATE FUNCTION st_chat_store_write(p_items jsonb) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    item record;
    told text;
    users text[];
    born timestamptz[] := '{}';
    instant timestamptz;
    written bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(u.lock) FROM (
        SELECT DISTINCT hashtextextended('st_chat_memory ' || (i.value ->> 'userid'), 0) AS lock
        FROM jsonb_array_elements(p_items) AS i ORDER BY 1) AS u;
    -- What is there, and the memories of what is not to have one any more: with them go their items.
    FOR item IN
        SELECT i.* FROM jsonb_to_recordset(p_items) AS i (
            userid text, namespace text, key text, value text, vector text, place bigint) ORDER BY i.place
    LOOP
        IF told IS DISTINCT FROM item.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(item.userid);
            told := item.userid;
        END IF;
        born[item.place] := (SELECT i.created_at FROM public.st_chat_store_item AS i
                             WHERE i.userid = told AND i.namespace = item.namespace AND i.key = item.key
                               AND (i.expires_at IS NULL OR i.expires_at > now()));
        IF item.vector IS NULL THEN
            DELETE FROM public.st_chat_history_vector_table AS m
            WHERE m.userid = told AND m.id = public.st_chat_store_id(item.namespace, item.key);
        END IF;
    END LOOP;
    PERFORM public.st_chat_remember(r.memories) FROM (
        SELECT jsonb_agg(jsonb_build_object(
            'userid', i.userid, 'theme', i.namespace, 'chatid', 0, 'summary', i.summary, 'metadata', i.metadata,
            'vector', i.vector, 'model', i.model, 'id', public.st_chat_store_id(i.namespace, i.key),
            'expires_at', now() + make_interval(secs => i.minutes * 60)) ORDER BY i.place) AS memories
        FROM jsonb_to_recordset(p_items) AS i (
            userid text, namespace text, key text, summary text, metadata jsonb, vector text, model text, minutes float8,
            place bigint)
        WHERE i.vector IS NOT NULL) AS r
    WHERE r.memories IS NOT NULL;
    told := NULL;
    FOR item IN
        SELECT i.*, make_interval(secs => i.minutes * 60) AS ttl FROM jsonb_to_recordset(p_items) AS i (
            userid text, namespace text, key text, value text, fields jsonb, vector text, minutes float8, place bigint)
        ORDER BY i.place
    LOOP
        IF told IS DISTINCT FROM item.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(item.userid);
            told := item.userid;
        END IF;
        IF item.value IS NULL OR born[item.place] IS NULL THEN
            DELETE FROM public.st_chat_store_item AS i
            WHERE i.userid = told AND i.namespace = item.namespace AND i.key = item.key;
        END IF;
        IF item.value IS NOT NULL THEN
            instant := clock_timestamp();  -- each its own: searches sort by it
            INSERT INTO public.st_chat_store_item
                (userid, namespace, key, value, fields, indexed, ttl, expires_at, created_at, updated_at)
            VALUES (told, item.namespace, item.key, item.value::json, item.fields, item.vector IS NOT NULL,
                    item.ttl, now() + item.ttl, coalesce(born[item.place], instant), instant)
            ON CONFLICT (userid, namespace, key) DO UPDATE SET
                value = EXCLUDED.value, fields = EXCLUDED.fields, indexed = EXCLUDED.indexed, ttl = EXCLUDED.ttl,
                expires_at = EXCLUDED.expires_at, updated_at = EXCLUDED.updated_at;
            written := written + 1;
        END IF;
    END LOOP;
    users := ARRAY(SELECT DISTINCT i.value ->> 'userid' FROM jsonb_array_elements(p_items) AS i);
    FOREACH told IN ARRAY users LOOP
        PERFORM public.st_chat_as(told);
        PERFORM public.st_chat_sweep_memories(told);
        PERFORM public.st_chat_store_sweep(told);
    END LOOP;
    RETURN written;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_store_write, st_chat_store_sweep FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_store_write, st_chat_store_sweep TO st_chat_app;
