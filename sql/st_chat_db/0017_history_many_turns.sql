-- Many turns in one call of the Data API, with the times that they had: an import, or turns that were queued.

-- An array of {"userid", "theme", "chatid", "userinput", "botresponse", "timestamp"}; `item` counts from 0, `outcome` is that
-- of st_chat_add_turn. A turn without a timestamp gets the current one; one that is known keeps its own. Rows are
-- inserted in the order of the array, since a user's newest turn is the one with the largest key. Two callers whose
-- turns overlap in another order would wait for each other in a circle: so the users are locked first, in one order.
CREATE FUNCTION st_chat_add_turns(p_items jsonb) RETURNS TABLE (item int, outcome text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    turn record;
    same boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(u.lock) FROM (
        SELECT DISTINCT hashtextextended('st_chat_add_turns ' || (i.value ->> 'userid'), 0) AS lock
        FROM jsonb_array_elements(p_items) AS i ORDER BY 1) AS u;
    FOR turn IN
        SELECT i.item - 1 AS item, i.userid, i.theme, i.chatid, i.userinput, i.botresponse, i.timestamp
        FROM ROWS FROM (jsonb_to_recordset(p_items) AS
                 (userid text, theme text, chatid bigint, userinput text, botresponse text, "timestamp" timestamptz))
             WITH ORDINALITY AS i (userid, theme, chatid, userinput, botresponse, "timestamp", item)
        ORDER BY i.item
    LOOP
        IF coalesce(current_setting('stchat.userid', true), '') IS DISTINCT FROM turn.userid THEN
            PERFORM public.st_chat_as(turn.userid);
        END IF;
        item := turn.item;
        outcome := NULL;
        WHILE outcome IS NULL LOOP
            INSERT INTO public.st_chat_history_table (userid, themename, chatid, userinput, botresponse, "timestamp")
            VALUES (turn.userid, turn.theme, turn.chatid, turn.userinput, turn.botresponse,
                    coalesce(turn.timestamp, now()))
            ON CONFLICT (userid, themename, chatid) DO NOTHING;
            IF FOUND THEN
                outcome := 'written';
            ELSE
                SELECT (h.userinput, h.botresponse) IS NOT DISTINCT FROM (turn.userinput, turn.botresponse) INTO same
                FROM public.st_chat_history_table AS h
                WHERE h.userid = turn.userid AND h.themename = turn.theme AND h.chatid = turn.chatid;
                IF FOUND THEN
                    outcome := CASE WHEN same THEN 'known' ELSE 'conflict' END;
                END IF;  -- else it was deleted in between
            END IF;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_add_turns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_add_turns TO st_chat_app;
