-- What has expired is never answered, also before it is deleted (docs/decisions/0430). Each write deletes a few rows of its
-- user that have expired; the owner's st_chat_sweep deletes the rest.

-- Nobody is waited for: a row that somebody else has locked stays for the next call. At the end of an operation, so that
-- who holds these rows waits for nothing more.
CREATE FUNCTION st_chat_sweep_turns(p_userid text, p_rows int DEFAULT 20) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    expired CONSTANT bigint[] := ARRAY(
        SELECT h.primarykey FROM public.st_chat_history_table AS h
        WHERE h.userid = p_userid AND h.expires_at <= now() ORDER BY h.expires_at LIMIT p_rows FOR UPDATE SKIP LOCKED);
BEGIN
    DELETE FROM public.st_chat_history_table AS h WHERE h.primarykey = ANY (expired);
    RETURN cardinality(expired);
END
$$;

CREATE FUNCTION st_chat_sweep_memories(p_userid text, p_rows int DEFAULT 20) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    expired CONSTANT bigint[] := ARRAY(
        SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
        WHERE m.userid = p_userid AND m.expires_at <= now() ORDER BY m.expires_at LIMIT p_rows FOR UPDATE SKIP LOCKED);
BEGIN
    DELETE FROM public.st_chat_history_vector_table AS m WHERE m.primarykey = ANY (expired);
    RETURN cardinality(expired);
END
$$;

-- For the owner: up to p_rows expired rows of the users from p_from on. `after`: the user with whom the next step begins;
-- NULL: there are no more. A user costs as much as a row, so that no step is long.
CREATE FUNCTION st_chat_sweep(p_from text, p_rows int) RETURNS TABLE (after text, turns bigint, memories bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    left_over bigint := p_rows;
    swept bigint;
BEGIN
    turns := 0;
    memories := 0;
    after := least(
        (SELECT h.userid FROM public.st_chat_history_table AS h
         WHERE h.expires_at IS NOT NULL AND h.userid >= p_from ORDER BY h.userid LIMIT 1),
        (SELECT m.userid FROM public.st_chat_history_vector_table AS m
         WHERE m.expires_at IS NOT NULL AND m.userid >= p_from ORDER BY m.userid LIMIT 1));
    WHILE after IS NOT NULL AND left_over > 0 LOOP
        swept := public.st_chat_sweep_turns(after, left_over::int);
        turns := turns + swept;
        left_over := left_over - swept;
        swept := public.st_chat_sweep_memories(after, left_over::int);
        memories := memories + swept;
        left_over := left_over - swept - 1;
        EXIT WHEN left_over < 0;  -- there may be more of this user's
        after := least(
            (SELECT h.userid FROM public.st_chat_history_table AS h
             WHERE h.expires_at IS NOT NULL AND h.userid > after ORDER BY h.userid LIMIT 1),
            (SELECT m.userid FROM public.st_chat_history_vector_table AS m
             WHERE m.expires_at IS NOT NULL AND m.userid > after ORDER BY m.userid LIMIT 1));
    END LOOP;
    RETURN NEXT;
END
$$;

-- For the owner: how many rows have expired, and are not deleted yet.
CREATE FUNCTION st_chat_expired() RETURNS TABLE (turns bigint, memories bigint) LANGUAGE sql STABLE
SET enable_seqscan = off SET jit = off
BEGIN ATOMIC
    SELECT (SELECT count(*) FROM public.st_chat_history_table AS h WHERE h.expires_at <= now()),
           (SELECT count(*) FROM public.st_chat_history_vector_table AS m WHERE m.expires_at <= now());
END;

-- One turn of the user whom st_chat_as has named: written, known or conflict, as st_chat_add_turn has them. One that has
-- expired is not there: its chatid is free.
CREATE FUNCTION st_chat_write_turn(
    p_userid text, p_themename text, p_chatid bigint, p_userinput text, p_botresponse text, p_timestamp timestamptz,
    p_expires_at timestamptz
) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    there record;
BEGIN
    LOOP
        INSERT INTO public.st_chat_history_table
            (userid, themename, chatid, userinput, botresponse, "timestamp", expires_at)
        VALUES (p_userid, p_themename, p_chatid, p_userinput, p_botresponse, coalesce(p_timestamp, now()), p_expires_at)
        ON CONFLICT (userid, themename, chatid) DO NOTHING;
        IF FOUND THEN
            RETURN 'written';
        END IF;
        SELECT h.primarykey, coalesce(h.expires_at <= now(), false) AS expired,
               (h.userinput, h.botresponse) IS NOT DISTINCT FROM (p_userinput, p_botresponse) AS same INTO there
        FROM public.st_chat_history_table AS h
        WHERE h.userid = p_userid AND h.themename = p_themename AND h.chatid = p_chatid;
        IF FOUND AND NOT there.expired THEN
            RETURN CASE WHEN there.same THEN 'known' ELSE 'conflict' END;
        END IF;  -- else it was deleted in between, or is now
        DELETE FROM public.st_chat_history_table AS h WHERE h.primarykey = there.primarykey AND h.expires_at <= now();
    END LOOP;
END
$$;

CREATE FUNCTION st_chat_add_turn(
    p_userid text, p_themename text, p_chatid bigint, p_userinput text, p_botresponse text, p_expires_at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    outcome := public.st_chat_write_turn(p_userid, p_themename, p_chatid, p_userinput, p_botresponse, NULL, p_expires_at);
    PERFORM public.st_chat_sweep_turns(p_userid);
    RETURN outcome;
END
$$;

-- As callers from before this migration call it.
CREATE OR REPLACE FUNCTION st_chat_add_turn(
    p_userid text, p_themename text, p_chatid bigint, p_userinput text, p_botresponse text
) RETURNS text LANGUAGE sql
RETURN public.st_chat_add_turn(p_userid, p_themename, p_chatid, p_userinput, p_botresponse, NULL::timestamptz);

-- As in 0017, with an "expires_at" for each turn.
CREATE OR REPLACE FUNCTION st_chat_add_turns(p_items jsonb) RETURNS TABLE (item int, outcome text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    turn record;
    userids text[] := '{}';
    told text;
BEGIN
    PERFORM pg_advisory_xact_lock(u.lock) FROM (
        SELECT DISTINCT hashtextextended('st_chat_add_turns ' || (i.value ->> 'userid'), 0) AS lock
        FROM jsonb_array_elements(p_items) AS i ORDER BY 1) AS u;
    FOR turn IN
        SELECT i.item - 1 AS item, i.userid, i.theme, i.chatid, i.userinput, i.botresponse, i.timestamp, i.expires_at
        FROM ROWS FROM (jsonb_to_recordset(p_items) AS
                 (userid text, theme text, chatid bigint, userinput text, botresponse text, "timestamp" timestamptz,
                  expires_at timestamptz))
             WITH ORDINALITY AS i (userid, theme, chatid, userinput, botresponse, "timestamp", expires_at, item)
        ORDER BY i.item
    LOOP
        IF told IS DISTINCT FROM turn.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(turn.userid);
            told := turn.userid;
            userids := CASE WHEN told = ANY (userids) THEN userids ELSE userids || told END;
        END IF;
        item := turn.item;
        outcome := public.st_chat_write_turn(
            turn.userid, turn.theme, turn.chatid, turn.userinput, turn.botresponse, turn.timestamp, turn.expires_at);
        RETURN NEXT;
    END LOOP;
    FOREACH told IN ARRAY userids LOOP
        PERFORM public.st_chat_as(told);
        PERFORM public.st_chat_sweep_turns(told);
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_sweep, st_chat_expired, st_chat_sweep_turns, st_chat_sweep_memories, st_chat_write_turn,
    st_chat_add_turn(text, text, bigint, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    st_chat_sweep_turns, st_chat_sweep_memories, st_chat_write_turn,
    st_chat_add_turn(text, text, bigint, text, text, timestamptz) TO st_chat_app;
