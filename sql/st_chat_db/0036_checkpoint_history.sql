-- What goes along a thread's history: delta channels, prune, copies.

-- The ancestors of a checkpoint, nearest first, with each channel that is still without a value there; version: of the
-- value that was found, with which the channel ends. One snapshot: that of the statement that calls it.
CREATE FUNCTION st_chat_ancestors(p_thread bigint, p_namespace text, p_id text, p_channels text[])
RETURNS TABLE (n int, id text, channel text, version text) LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    wanted text[] := p_channels;
    missing text[];
    one record;
BEGIN
    n := 0;
    SELECT c.parent AS id INTO one FROM public.st_chat_checkpoint AS c
    WHERE c.thread = p_thread AND c.namespace = p_namespace AND c.id = p_id;
    WHILE one.id IS NOT NULL AND cardinality(wanted) > 0 LOOP
        id := one.id;
        SELECT c.parent AS id, c.versions INTO one FROM public.st_chat_checkpoint AS c
        WHERE c.thread = p_thread AND c.namespace = p_namespace AND c.id = st_chat_ancestors.id;
        EXIT WHEN NOT FOUND;
        n := n + 1;
        missing := '{}';
        FOREACH channel IN ARRAY wanted LOOP
            SELECT b.version INTO version FROM public.st_chat_checkpoint_blob AS b
            WHERE b.thread = p_thread AND b.namespace = p_namespace AND b.channel = st_chat_ancestors.channel
              AND b.version = one.versions ->> st_chat_ancestors.channel;
            IF version IS NULL THEN
                missing := missing || channel;
            END IF;
            RETURN NEXT;
        END LOOP;
        wanted := missing;
    END LOOP;
END
$$;

-- As st_chat_checkpoints: {"blobs", "writes"} along the ancestors of {"thread_id", "namespace", "id"}, of {"channels"}; of a write
-- the number of its ancestor comes first. Where "id" is null the newest checkpoint is meant.
CREATE FUNCTION st_chat_delta_history(p_userid text, p_query jsonb) RETURNS bytea
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    key bigint;
    target text := p_query ->> 'id';
    space text := p_query ->> 'namespace';
    head bytea;
    whole bytea;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    SELECT t.primarykey INTO key FROM public.st_chat_thread AS t
    WHERE t.userid = p_userid AND t.thread_id = p_query ->> 'thread_id' AND (t.expires_at > now()) IS NOT FALSE;
    IF target IS NULL THEN
        SELECT max(c.id) INTO target FROM public.st_chat_checkpoint AS c WHERE c.thread = key AND c.namespace = space;
    END IF;
    WITH steps AS MATERIALIZED (
        SELECT a.* FROM public.st_chat_ancestors(
            key, space, target, ARRAY(SELECT jsonb_array_elements_text(p_query -> 'channels'))) AS a
    ), items AS MATERIALIZED (
        SELECT 1 AS kind, row_number() OVER () AS n,
               jsonb_build_array(b.channel, b.type, octet_length(b.data)) AS head, b.data
        FROM steps AS s JOIN public.st_chat_checkpoint_blob AS b
          ON (b.thread, b.namespace, b.channel, b.version) = (key, space, s.channel, s.version)
        UNION ALL
        SELECT 2, row_number() OVER (),
               jsonb_build_array(s.n, w.path, w.task, w.idx, w.channel, w.type, octet_length(w.data)), w.data
        FROM steps AS s JOIN public.st_chat_checkpoint_write AS w
          ON (w.thread, w.namespace, w.checkpoint, w.channel) = (key, space, s.id, s.channel)
    )
    SELECT convert_to(jsonb_build_object(
               'blobs', coalesce(jsonb_agg(i.head ORDER BY i.n) FILTER (WHERE i.kind = 1), '[]'),
               'writes', coalesce(jsonb_agg(i.head ORDER BY i.n) FILTER (WHERE i.kind = 2), '[]'))::text, 'UTF8'),
           coalesce(string_agg(i.data, ''::bytea ORDER BY i.kind, i.n), '')
    INTO head, whole
    FROM items AS i;
    RETURN int4send(octet_length(head)) || head || whole;
END
$$;

-- After checkpoints of a thread are gone: the values that none of the others has, and the parents that are not there.
CREATE FUNCTION st_chat_tidy_thread(p_thread bigint) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM public.st_chat_checkpoint_blob AS b
    WHERE b.thread = p_thread AND (b.namespace, b.channel, b.version) NOT IN (
        SELECT c.namespace, v.key COLLATE "C", v.value COLLATE "C"
        FROM public.st_chat_checkpoint AS c CROSS JOIN jsonb_each_text(c.versions) AS v WHERE c.thread = p_thread);
    UPDATE public.st_chat_checkpoint AS c SET parent = NULL
    WHERE c.thread = p_thread AND c.parent IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.st_chat_checkpoint AS p
        WHERE p.thread = p_thread AND p.namespace = c.namespace AND p.id = c.parent);
END
$$;

-- Keeps the newest checkpoint of each namespace; of one whose delta channels have no value there, its ancestors too, down
-- to the value that they begin with. A channel that has been a delta channel of any checkpoint counts as one. The lock
-- lets no put come between. Writes may be here before their checkpoint: only those of checkpoints that go are deleted.
CREATE FUNCTION st_chat_prune_threads(p_userid text, p_thread_ids jsonb) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    key bigint;
    deleted bigint;
    total bigint := 0;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    FOR key IN
        SELECT t.primarykey FROM public.st_chat_thread AS t
        WHERE t.userid = p_userid AND t.thread_id = ANY (ARRAY(SELECT jsonb_array_elements_text(p_thread_ids)))
        ORDER BY t.primarykey FOR UPDATE
    LOOP
        WITH newest AS MATERIALIZED (
            SELECT DISTINCT ON (c.namespace) c.namespace, c.id, c.versions FROM public.st_chat_checkpoint AS c
            WHERE c.thread = key ORDER BY c.namespace, c.id DESC
        ), deltas AS (
            SELECT DISTINCT c.namespace, d.channel
            FROM public.st_chat_checkpoint AS c CROSS JOIN jsonb_array_elements_text(c.deltas) AS d (channel)
            WHERE c.thread = key
        ), kept AS MATERIALIZED (
            SELECT n.namespace, n.id FROM newest AS n
            UNION
            SELECT n.namespace, a.id
            FROM newest AS n CROSS JOIN LATERAL public.st_chat_ancestors(key, n.namespace, n.id, ARRAY(
                SELECT d.channel FROM deltas AS d
                WHERE d.namespace = n.namespace AND n.versions ? d.channel AND NOT EXISTS (
                    SELECT FROM public.st_chat_checkpoint_blob AS b
                    WHERE b.thread = key AND b.namespace = n.namespace AND b.channel = d.channel
                      AND b.version = n.versions ->> d.channel))) AS a
        ), gone AS (
            DELETE FROM public.st_chat_checkpoint AS c
            WHERE c.thread = key AND (c.namespace, c.id) NOT IN (SELECT k.namespace, k.id COLLATE "C" FROM kept AS k)
            RETURNING c.namespace, c.id
        ), writes AS (
            DELETE FROM public.st_chat_checkpoint_write AS w USING gone AS g
            WHERE w.thread = key AND w.namespace = g.namespace AND w.checkpoint = g.id
        )
        SELECT count(*) INTO deleted FROM gone;
        IF deleted > 0 THEN
            PERFORM public.st_chat_tidy_thread(key);
        END IF;
        total := total + deleted;
    END LOOP;
    RETURN total;
END
$$;

-- The checkpoints of these runs, with their writes; a thread of which nothing is left goes too.
CREATE FUNCTION st_chat_delete_runs(p_userid text, p_run_ids jsonb) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    runs text[] := ARRAY(SELECT jsonb_array_elements_text(p_run_ids));
    key bigint;
    deleted bigint;
    total bigint := 0;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    FOR key IN
        SELECT t.primarykey FROM public.st_chat_thread AS t
        WHERE t.userid = p_userid AND t.primarykey IN (
            SELECT c.thread FROM public.st_chat_checkpoint AS c WHERE c.userid = p_userid AND c.run_id = ANY (runs))
        ORDER BY t.primarykey FOR UPDATE
    LOOP
        WITH gone AS (
            DELETE FROM public.st_chat_checkpoint AS c WHERE c.thread = key AND c.run_id = ANY (runs)
            RETURNING c.namespace, c.id
        ), writes AS (
            DELETE FROM public.st_chat_checkpoint_write AS w USING gone AS g
            WHERE w.thread = key AND w.namespace = g.namespace AND w.checkpoint = g.id
        )
        SELECT count(*) INTO deleted FROM gone;
        total := total + deleted;
        PERFORM public.st_chat_tidy_thread(key);
        DELETE FROM public.st_chat_thread AS t WHERE t.primarykey = key AND NOT EXISTS (
            SELECT FROM public.st_chat_checkpoint AS c WHERE c.thread = key);
    END LOOP;
    RETURN total;
END
$$;

-- All of a thread, into another: what that one has already stays. A thread that is new expires when its source does. The
-- lock lets puts go on: what they add comes after its values, or not at all.
CREATE FUNCTION st_chat_copy_thread(p_userid text, p_source text, p_target text, p_seconds float8) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    source record;
    key bigint;
    copied bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    SELECT t.primarykey, t.expires_at INTO source FROM public.st_chat_thread AS t
    WHERE t.userid = p_userid AND t.thread_id = p_source AND (t.expires_at > now()) IS NOT FALSE FOR KEY SHARE;
    IF NOT FOUND OR p_source = p_target THEN
        RETURN 0;
    END IF;
    INSERT INTO public.st_chat_thread (userid, thread_id, expires_at) VALUES (p_userid, p_target, source.expires_at)
    ON CONFLICT (userid, thread_id) DO NOTHING;
    key := public.st_chat_open_thread(p_userid, p_target, p_seconds);
    INSERT INTO public.st_chat_checkpoint
        (thread, userid, namespace, id, parent, run_id, versions, deltas, metadata, type, data)
    SELECT key, c.userid, c.namespace, c.id, c.parent, c.run_id, c.versions, c.deltas, c.metadata, c.type, c.data
    FROM public.st_chat_checkpoint AS c WHERE c.thread = source.primarykey ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS copied = ROW_COUNT;
    INSERT INTO public.st_chat_checkpoint_blob (thread, userid, namespace, channel, version, type, data)
    SELECT key, b.userid, b.namespace, b.channel, b.version, b.type, b.data
    FROM public.st_chat_checkpoint_blob AS b WHERE b.thread = source.primarykey ON CONFLICT DO NOTHING;
    INSERT INTO public.st_chat_checkpoint_write
        (thread, userid, namespace, checkpoint, task, idx, path, channel, type, data)
    SELECT key, w.userid, w.namespace, w.checkpoint, w.task, w.idx, w.path, w.channel, w.type, w.data
    FROM public.st_chat_checkpoint_write AS w WHERE w.thread = source.primarykey ON CONFLICT DO NOTHING;
    RETURN copied;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_ancestors, st_chat_delta_history, st_chat_tidy_thread, st_chat_prune_threads, st_chat_delete_runs,
    st_chat_copy_thread FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    st_chat_ancestors, st_chat_delta_history, st_chat_tidy_thread, st_chat_prune_threads, st_chat_delete_runs,
    st_chat_copy_thread TO st_chat_app;
