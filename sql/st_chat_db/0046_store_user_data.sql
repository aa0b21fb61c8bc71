-- Items of the store for `stchat user export` and `import` (docs/decisions/0451), as 0032 has turns and memories: page by page,
-- oldest first, a long value in parts of 7,000 characters. What has expired counts as deleted.
CREATE FUNCTION st_chat_export_items(p_userid text, p_after bigint, p_limit int) RETURNS TABLE (
    primarykey bigint, namespace text, key text, fields jsonb, indexed boolean, minutes float8, created_at timestamptz,
    updated_at timestamptz, expires_at timestamptz, part int, value text
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    RETURN QUERY
    SELECT i.primarykey, i.namespace, i.key, CASE WHEN p.part = 0 THEN i.fields END, i.indexed,
           extract(epoch FROM i.ttl)::float8 / 60, i.created_at, i.updated_at, i.expires_at, p.part,
           substr(i.text, 1 + 7000 * p.part, 7000)
    FROM (SELECT s.*, s.value::text AS text FROM public.st_chat_store_item AS s
          WHERE s.userid = p_userid AND s.primarykey > p_after AND (s.expires_at IS NULL OR s.expires_at > now())
          ORDER BY s.primarykey LIMIT p_limit) AS i
    CROSS JOIN LATERAL generate_series(0, (char_length(i.text) - 1) / 7000) AS p (part)
    ORDER BY i.primarykey, p.part;
END
$$;

-- p_items: what st_chat_export_items returns, with the userid of each. An item that is there is replaced.
CREATE FUNCTION st_chat_import_items(p_items jsonb) RETURNS TABLE (item int, written boolean) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    one record;
    told text;
BEGIN
    PERFORM pg_advisory_xact_lock(u.lock) FROM (
        SELECT DISTINCT hashtextextended('st_chat_memory ' || (i.value ->> 'userid'), 0) AS lock
        FROM jsonb_array_elements(p_items) AS i ORDER BY 1) AS u;
    FOR one IN
        SELECT i.*, make_interval(secs => i.minutes * 60) AS ttl
        FROM ROWS FROM (jsonb_to_recordset(p_items) AS (
                 userid text, namespace text, key text, value text, fields jsonb, indexed boolean, minutes float8,
                 created_at timestamptz, updated_at timestamptz, expires_at timestamptz))
             WITH ORDINALITY AS i (userid, namespace, key, value, fields, indexed, minutes, created_at, updated_at,
                                   expires_at, place)
        ORDER BY i.place
    LOOP
        IF told IS DISTINCT FROM one.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(one.userid);
            told := one.userid;
        END IF;
        item := one.place - 1;
        written := NOT EXISTS (SELECT FROM public.st_chat_store_item AS i
                               WHERE i.userid = told AND i.namespace = one.namespace AND i.key = one.key);
        INSERT INTO public.st_chat_store_item
            (userid, namespace, key, value, fields, indexed, ttl, expires_at, created_at, updated_at)
        VALUES (told, one.namespace, one.key, one.value::json, one.fields, one.indexed, one.ttl, one.expires_at,
                coalesce(one.created_at, clock_timestamp()), coalesce(one.updated_at, clock_timestamp()))
        ON CONFLICT (userid, namespace, key) DO UPDATE SET
            value = EXCLUDED.value, fields = EXCLUDED.fields, indexed = EXCLUDED.indexed, ttl = EXCLUDED.ttl,
            expires_at = EXCLUDED.expires_at, updated_at = EXCLUDED.updated_at;
        RETURN NEXT;
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_export_items, st_chat_import_items FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_export_items, st_chat_import_items TO st_chat_app;
