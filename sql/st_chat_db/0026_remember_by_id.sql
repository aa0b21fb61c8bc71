-- Memories with the caller's ids and with expiry, written in one call of the Data API (docs/decisions/0430).
--
-- As in 0011, with an "id" and "expires_at" for each memory. `written`: there was none, or it had expired. A memory that is
-- there, by its id or else by its summary, takes what differs, and keeps its key and created_at. "created_at" and "updated_at"
-- come from an import, and are now otherwise.
CREATE OR REPLACE FUNCTION st_chat_remember(p_items jsonb) RETURNS TABLE (item int, written boolean)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    memory record;
    told text;
    userids text[] := '{}';
    keys jsonb;  -- of the ids that there are, by id
    key bigint;
    expired boolean;
BEGIN
    -- Of all users, in one order for all callers.
    PERFORM CASE WHEN l.alone THEN pg_advisory_xact_lock(l.lock) ELSE pg_advisory_xact_lock_shared(l.lock) END
    FROM (SELECT hashtextextended('st_chat_memory ' || (i.value ->> 'userid'), 0) AS lock,
                 bool_or(i.value ->> 'id' IS NOT NULL) AS alone
          FROM jsonb_array_elements(p_items) AS i GROUP BY 1 ORDER BY 1) AS l;
    FOR memory IN
        SELECT g.* FROM (
            SELECT i.item - 1 AS item, i.userid, i.theme, i.chatid, i.summary, i.metadata, i.vector::public.vector AS vector,
                   i.id, i.expires_at, i.created_at, i.updated_at, public.st_chat_memory_digest(i.id, i.summary) AS digest,
                   array_agg(i.id) FILTER (WHERE i.id IS NOT NULL) OVER (PARTITION BY i.userid) AS ids
            FROM ROWS FROM (jsonb_to_recordset(p_items) AS
                     (userid text, theme text, chatid bigint, summary text, metadata jsonb, vector text, id text,
                      expires_at timestamptz, created_at timestamptz, updated_at timestamptz))
                 WITH ORDINALITY AS i (userid, theme, chatid, summary, metadata, vector, id, expires_at, created_at,
                                       updated_at, item)) AS g
        -- Whoever names ids is alone, and the last one of an id counts; all others lock in this order.
        ORDER BY g.userid, CASE WHEN g.ids IS NULL THEN g.theme END, CASE WHEN g.ids IS NULL THEN g.chatid END,
                 CASE WHEN g.ids IS NULL THEN g.digest END, g.item
    LOOP
        IF told IS DISTINCT FROM memory.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(memory.userid);
            told := memory.userid;
            userids := userids || told;
            keys := '{}';
            IF memory.ids IS NOT NULL THEN
                keys := keys || coalesce((SELECT jsonb_object_agg(k.id, k.memory)
                                          FROM public.st_chat_memory_keys(told, memory.ids) AS k), '{}');
            END IF;
        END IF;
        item := memory.item;
        written := NULL;
        FOR attempt IN 1..10 LOOP
            key := keys ->> memory.id;
            IF key IS NULL THEN
                INSERT INTO public.st_chat_history_vector_table
                    (userid, theme, chatid, chat_summary, metadata, chat_vector, id, expires_at, created_at, updated_at)
                VALUES (memory.userid, memory.theme, memory.chatid, memory.summary, memory.metadata, memory.vector,
                        memory.id, memory.expires_at, coalesce(memory.created_at, now()),
                        coalesce(memory.updated_at, memory.created_at, now()))
                RETURNING primarykey INTO key;
                IF FOUND THEN
                    written := true;
                ELSE
                    key := (SELECT c.memory FROM public.st_chat_memory_code AS c
                            WHERE c.userid = memory.userid AND c.theme = memory.theme
                              AND c.chatid = memory.chatid AND c.digest = memory.digest);
                END IF;
            END IF;
            IF NOT written IS TRUE THEN
                SELECT coalesce(m.expires_at <= now(), false) INTO expired FROM public.st_chat_history_vector_table AS m
                WHERE m.primarykey = key;
                IF FOUND AND NOT expired THEN
                    UPDATE public.st_chat_history_vector_table AS m
                    SET theme = memory.theme, chatid = memory.chatid, chat_summary = memory.summary,
                        metadata = memory.metadata, chat_vector = memory.vector, expires_at = memory.expires_at,
                        id = coalesce(memory.id, m.id), updated_at = coalesce(memory.updated_at, now())
                    WHERE m.primarykey = key
                      AND ((m.theme, m.chatid, m.chat_summary, m.metadata, m.expires_at) IS DISTINCT FROM
                           (memory.theme, memory.chatid, memory.summary, memory.metadata, memory.expires_at)
                           OR m.chat_vector <> memory.vector
                           OR memory.id <> public.st_chat_memory_id(m.id, m.primarykey));
                    written := false;
                ELSE  -- it was deleted in between, or is now
                    DELETE FROM public.st_chat_history_vector_table AS m WHERE m.primarykey = key AND m.expires_at <= now();
                    keys := keys - coalesce(memory.id, '');
                END IF;
            END IF;
            EXIT WHEN written IS NOT NULL;
        END LOOP;
        IF written IS NULL THEN
            RAISE serialization_failure USING MESSAGE = 'a memory is deleted as often as it is stored';
        END IF;
        IF memory.id IS NOT NULL THEN
            keys := keys || jsonb_build_object(memory.id, key);
        END IF;
        RETURN NEXT;
    END LOOP;
    FOREACH told IN ARRAY userids LOOP
        PERFORM public.st_chat_as(told);
        PERFORM public.st_chat_sweep_memories(told);
    END LOOP;
END
$$;
