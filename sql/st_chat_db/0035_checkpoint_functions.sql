-- The checkpoints of LangGraph's threads: each operation is one call of the Data API, for one user. What is stored comes
-- as one bytea, of which `start` and `size` say what is where; what is read is answered in the same way.

-- The thread's key; it is made if it is not there, anew if it has expired. Until the end of the transaction it cannot
-- be deleted. p_seconds: until it expires, from now; NULL: as it was.
CREATE FUNCTION st_chat_open_thread(p_userid text, p_thread_id text, p_seconds float8) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    one record;
BEGIN
    DELETE FROM public.st_chat_thread AS t
    WHERE t.userid = p_userid AND t.thread_id = p_thread_id AND t.expires_at <= now();
    IF p_seconds IS NULL THEN
        SELECT t.primarykey INTO one FROM public.st_chat_thread AS t
        WHERE t.userid = p_userid AND t.thread_id = p_thread_id FOR KEY SHARE;
        IF FOUND THEN
            RETURN one.primarykey;
        END IF;
    END IF;
    INSERT INTO public.st_chat_thread AS t (userid, thread_id, expires_at)
    VALUES (p_userid, p_thread_id, now() + make_interval(secs => p_seconds))
    ON CONFLICT (userid, thread_id) DO UPDATE SET expires_at = coalesce(excluded.expires_at, t.expires_at)
    RETURNING t.primarykey INTO one;
    RETURN one.primarykey;
END
$$;

-- {"thread_id", "namespace", "id", "parent", "run_id", "versions", "deltas", "metadata", "type", "size", "blobs", "seconds"},
-- a blob {"channel", "version", "type", "start", "size"}. The value of a version never changes.
CREATE FUNCTION st_chat_put_checkpoint(p_userid text, p_item jsonb, p_data bytea) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    whole bytea;
    key bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    whole := coalesce(p_data, public.st_chat_uploaded());
    key := public.st_chat_open_thread(p_userid, p_item ->> 'thread_id', (p_item ->> 'seconds')::float8);
    INSERT INTO public.st_chat_checkpoint
        (thread, userid, namespace, id, parent, run_id, versions, deltas, metadata, type, data)
    VALUES (key, p_userid, p_item ->> 'namespace', p_item ->> 'id', nullif(p_item ->> 'parent', p_item ->> 'id'),
            p_item ->> 'run_id', p_item -> 'versions', p_item -> 'deltas', p_item -> 'metadata', p_item ->> 'type',
            substr(whole, 1, (p_item ->> 'size')::int))
    ON CONFLICT (thread, namespace, id) DO UPDATE SET
        parent = excluded.parent, run_id = excluded.run_id, versions = excluded.versions, deltas = excluded.deltas,
        metadata = excluded.metadata, type = excluded.type, data = excluded.data;
    INSERT INTO public.st_chat_checkpoint_blob (thread, userid, namespace, channel, version, type, data)
    SELECT key, p_userid, p_item ->> 'namespace', b.channel, b.version, b.type, substr(whole, b.start + 1, b.size)
    FROM jsonb_to_recordset(p_item -> 'blobs') AS b (channel text, version text, type text, start int, size int)
    ON CONFLICT (thread, namespace, channel, version) DO NOTHING;
    RETURN public.st_chat_sweep_states(1);
END
$$;

-- {"thread_id", "namespace", "id", "task", "path", "writes", "seconds"}, a write {"idx", "channel", "type", "start", "size"}.
-- Of a task's writes the first stays, but those of idx < 0 are replaced.
CREATE FUNCTION st_chat_put_writes(p_userid text, p_item jsonb, p_data bytea) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    whole bytea;
    key bigint;
    written bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    whole := coalesce(p_data, public.st_chat_uploaded());
    key := public.st_chat_open_thread(p_userid, p_item ->> 'thread_id', (p_item ->> 'seconds')::float8);
    INSERT INTO public.st_chat_checkpoint_write AS w
        (thread, userid, namespace, checkpoint, task, idx, path, channel, type, data)
    SELECT key, p_userid, p_item ->> 'namespace', p_item ->> 'id', p_item ->> 'task', n.idx, p_item ->> 'path', n.channel,
           n.type, substr(whole, n.start + 1, n.size)
    FROM jsonb_to_recordset(p_item -> 'writes') AS n (idx int, channel text, type text, start int, size int)
    ON CONFLICT (thread, namespace, checkpoint, task, idx) DO UPDATE SET
        path = excluded.path, channel = excluded.channel, type = excluded.type, data = excluded.data
    WHERE w.idx < 0;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$$;

-- The keys of a page, newest first. The one that a graph goes on from comes from a statement whose plan is kept; any other
-- has only the conditions that the query has, so that it is planned for them.
CREATE FUNCTION st_chat_checkpoint_keys(p_userid text, p_query jsonb)
RETURNS TABLE (thread bigint, namespace text, id text, n bigint) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    key bigint;
    after jsonb := nullif(p_query -> 'after', 'null');
    filter jsonb := nullif(p_query -> 'filter', '{}');
    conditions text := '';
BEGIN
    IF p_query ->> 'thread_id' IS NULL THEN
        conditions := ' AND EXISTS (SELECT FROM public.st_chat_thread AS t
                                    WHERE t.primarykey = c.thread AND (t.expires_at > now()) IS NOT FALSE)';
    ELSE
        SELECT t.primarykey INTO key FROM public.st_chat_thread AS t
        WHERE t.userid = p_userid AND t.thread_id = p_query ->> 'thread_id' AND (t.expires_at > now()) IS NOT FALSE;
        conditions := ' AND c.thread = $2';
        IF p_query - ARRAY['thread_id', 'namespace', 'id', 'limit'] = '{}' AND p_query ->> 'namespace' IS NOT NULL THEN
            RETURN QUERY SELECT key, p_query ->> 'namespace', coalesce(p_query ->> 'id', (
                SELECT max(c.id) FROM public.st_chat_checkpoint AS c
                WHERE c.thread = key AND c.namespace = p_query ->> 'namespace')), 1::bigint;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY EXECUTE 'SELECT c.thread, c.namespace::text, c.id::text,
            row_number() OVER (ORDER BY c.id DESC, c.thread DESC, c.namespace DESC)
        FROM public.st_chat_checkpoint AS c WHERE c.userid = $1' || conditions
        || CASE WHEN p_query ->> 'namespace' IS NOT NULL THEN ' AND c.namespace = $3' ELSE '' END
        || CASE WHEN p_query ->> 'id' IS NOT NULL THEN ' AND c.id = $4' ELSE '' END
        || CASE WHEN p_query ->> 'before' IS NOT NULL THEN ' AND c.id < $5' ELSE '' END
        || CASE WHEN filter IS NOT NULL THEN ' AND NOT EXISTS (
               SELECT FROM jsonb_each($6) AS f WHERE coalesce(c.metadata -> f.key, ''null'') <> f.value)' ELSE '' END
        || CASE WHEN after IS NOT NULL THEN
               ' AND c.id <= $7 AND (c.id, c.thread, c.namespace) < ($7, $8, $9)' ELSE '' END
        || ' ORDER BY c.id DESC, c.thread DESC, c.namespace DESC LIMIT $10'
    USING p_userid, key, p_query ->> 'namespace', p_query ->> 'id', p_query ->> 'before', filter,
          after ->> 0, (after ->> 1)::bigint, after ->> 2, (p_query ->> 'limit')::int;
END
$$;

-- A JSON object {"checkpoints", "blobs", "writes", "last"} behind its length in 4 bytes, then the data of each in that order.
-- From all threads and namespaces where p_query names none: {"thread_id", "namespace", "id", "before", "filter", "limit", "after"}.
-- As many as have 600,000 bytes together, but one at least. last: "after" of the next page, null if there is none.
CREATE FUNCTION st_chat_checkpoints(p_userid text, p_query jsonb) RETURNS bytea
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    threads bigint[];
    namespaces text[];
    ids text[];
    head bytea;
    whole bytea;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    SELECT array_agg(k.thread ORDER BY k.n), array_agg(k.namespace ORDER BY k.n), array_agg(k.id ORDER BY k.n)
    INTO threads, namespaces, ids FROM public.st_chat_checkpoint_keys(p_userid, p_query) AS k;
    WITH page AS MATERIALIZED (
        SELECT c.*, t.thread_id, k.n
        FROM unnest(threads, namespaces, ids) WITH ORDINALITY AS k (thread, namespace, id, n)
        JOIN public.st_chat_checkpoint AS c ON (c.thread, c.namespace, c.id) = (k.thread, k.namespace, k.id)
        JOIN public.st_chat_thread AS t ON t.primarykey = c.thread
    ), found AS MATERIALIZED (  -- n: of the first checkpoint that needs it
        SELECT 1 AS kind, p.n, p.n AS place,
               jsonb_build_array(p.thread, p.namespace, p.id, p.thread_id, p.parent, p.type, octet_length(p.data)) AS head,
               p.data
        FROM page AS p
        UNION ALL
        SELECT 2, wanted.n, row_number() OVER (),
               jsonb_build_array(b.thread, b.namespace, b.channel, b.version, b.type, octet_length(b.data)), b.data
        FROM (SELECT p.thread, p.namespace, v.key, v.value, min(p.n) AS n
              FROM page AS p CROSS JOIN jsonb_each_text(p.versions) AS v GROUP BY 1, 2, 3, 4) AS wanted
        JOIN public.st_chat_checkpoint_blob AS b
          ON (b.thread, b.namespace, b.channel, b.version) = (wanted.thread, wanted.namespace, wanted.key, wanted.value)
        UNION ALL
        SELECT 3, p.n, row_number() OVER (),
               jsonb_build_array(w.thread, w.namespace, w.checkpoint, w.path, w.task, w.idx, w.channel, w.type,
                                 octet_length(w.data)), w.data
        FROM page AS p JOIN public.st_chat_checkpoint_write AS w
          ON (w.thread, w.namespace, w.checkpoint) = (p.thread, p.namespace, p.id)
    ), fit AS MATERIALIZED (
        SELECT coalesce(max(t.n) FILTER (WHERE t.total <= 600000), min(t.n)) AS n FROM (
            SELECT f.n, sum(sum(octet_length(f.data) + octet_length(f.head::text))) OVER (ORDER BY f.n) AS total
            FROM found AS f GROUP BY f.n) AS t
    )
    SELECT convert_to(jsonb_build_object(
               'checkpoints', coalesce(jsonb_agg(i.head ORDER BY i.place) FILTER (WHERE i.kind = 1), '[]'),
               'blobs', coalesce(jsonb_agg(i.head ORDER BY i.place) FILTER (WHERE i.kind = 2), '[]'),
               'writes', coalesce(jsonb_agg(i.head ORDER BY i.place) FILTER (WHERE i.kind = 3), '[]'),
               'last', (SELECT jsonb_build_array(ids[f.n], threads[f.n], namespaces[f.n]) FROM fit AS f
                        WHERE f.n < cardinality(ids) OR f.n = (p_query ->> 'limit')::int))::text, 'UTF8'),
           coalesce(string_agg(i.data, ''::bytea ORDER BY i.kind, i.place), '')
    INTO head, whole
    FROM found AS i WHERE i.n <= (SELECT f.n FROM fit AS f);
    RETURN int4send(octet_length(head)) || head || whole;
END
$$;

-- Whether the thread is there. p_seconds: until it expires, from now; NULL: never.
CREATE FUNCTION st_chat_expire_thread(p_userid text, p_thread_id text, p_seconds float8) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    UPDATE public.st_chat_thread AS t SET expires_at = now() + make_interval(secs => p_seconds)
    WHERE t.userid = p_userid AND t.thread_id = p_thread_id AND (t.expires_at > now()) IS NOT FALSE;
    RETURN FOUND;
END
$$;

CREATE FUNCTION st_chat_delete_threads(p_userid text, p_thread_ids jsonb) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    deleted bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    DELETE FROM public.st_chat_thread AS t
    WHERE t.userid = p_userid AND t.thread_id = ANY (ARRAY(SELECT jsonb_array_elements_text(p_thread_ids)));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_open_thread, st_chat_put_checkpoint, st_chat_put_writes, st_chat_checkpoint_keys, st_chat_checkpoints,
    st_chat_expire_thread, st_chat_delete_threads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    st_chat_open_thread, st_chat_put_checkpoint, st_chat_put_writes, st_chat_checkpoint_keys, st_chat_checkpoints,
    st_chat_expire_thread, st_chat_delete_threads TO st_chat_app;
