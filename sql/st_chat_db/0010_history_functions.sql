-- The chat history's operations: each is one call of the Data API, for one user, whom it names to row security first.
-- Without sequential scans, so that a plan made while a table was small does not stay when it has grown.

-- The user of the rest of this transaction.
CREATE FUNCTION st_chat_as(p_userid text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(p_userid, '') = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'userid must not be empty';
    END IF;
    PERFORM set_config('stchat.userid', p_userid, true);
END
$$;

-- written; known: the same turn is there; conflict: another text is there under this chatid, and nothing has changed.
CREATE FUNCTION st_chat_add_turn(
    p_userid text, p_themename text, p_chatid bigint, p_userinput text, p_botresponse text
) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    same boolean;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    LOOP
        INSERT INTO public.st_chat_history_table (userid, themename, chatid, userinput, botresponse)
        VALUES (p_userid, p_themename, p_chatid, p_userinput, p_botresponse)
        ON CONFLICT (userid, themename, chatid) DO NOTHING;
        IF FOUND THEN
            RETURN 'written';
        END IF;
        SELECT (h.userinput, h.botresponse) IS NOT DISTINCT FROM (p_userinput, p_botresponse) INTO same
        FROM public.st_chat_history_table AS h
        WHERE h.userid = p_userid AND h.themename = p_themename AND h.chatid = p_chatid;
        IF FOUND THEN
            RETURN CASE WHEN same THEN 'known' ELSE 'conflict' END;
        END IF;  -- else it was deleted in between
    END LOOP;
END
$$;

-- Newest first. A row of the Data API holds 64 KB: long texts come in parts of 7,000 characters, at most 28 KB each.
CREATE FUNCTION st_chat_turns(p_userid text, p_themename text, p_limit int, p_before bigint) RETURNS TABLE (
    primarykey bigint, themename text, chatid bigint, "timestamp" timestamptz, part int, userinput text, botresponse text
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF p_themename IS NULL THEN
        RETURN QUERY
        SELECT h.primarykey, h.themename, h.chatid, h.timestamp, p.part,
               substr(h.userinput, 1 + 7000 * p.part, 7000), substr(h.botresponse, 1 + 7000 * p.part, 7000)
        FROM (SELECT * FROM public.st_chat_history_table AS t
              WHERE t.userid = p_userid AND -t.primarykey > -coalesce(p_before, 9223372036854775807)
              ORDER BY -t.primarykey LIMIT p_limit) AS h
        CROSS JOIN LATERAL generate_series(
            0, (greatest(char_length(h.userinput), char_length(h.botresponse), 1) - 1) / 7000) AS p (part)
        ORDER BY -h.primarykey, p.part;
    ELSE
        RETURN QUERY
        SELECT h.primarykey, h.themename, h.chatid, h.timestamp, p.part,
               substr(h.userinput, 1 + 7000 * p.part, 7000), substr(h.botresponse, 1 + 7000 * p.part, 7000)
        FROM (SELECT * FROM public.st_chat_history_table AS t
              WHERE t.userid = p_userid AND t.themename = p_themename
                AND -t.primarykey > -coalesce(p_before, 9223372036854775807)
              ORDER BY -t.primarykey LIMIT p_limit) AS h
        CROSS JOIN LATERAL generate_series(
            0, (greatest(char_length(h.userinput), char_length(h.botresponse), 1) - 1) / 7000) AS p (part)
        ORDER BY -h.primarykey, p.part;
    END IF;
END
$$;

CREATE FUNCTION st_chat_themes(p_userid text) RETURNS TABLE (themename text, turns bigint, latest timestamptz)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    RETURN QUERY
    SELECT h.themename, count(*), max(h.timestamp) FROM public.st_chat_history_table AS h
    WHERE h.userid = p_userid GROUP BY h.themename ORDER BY max(h.timestamp) DESC NULLS LAST, h.themename;
END
$$;

CREATE FUNCTION st_chat_delete_turns(p_userid text, p_themename text) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    deleted bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    DELETE FROM public.st_chat_history_table AS h
    WHERE h.userid = p_userid AND (p_themename IS NULL OR h.themename = p_themename);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_as, st_chat_add_turn, st_chat_turns, st_chat_themes, st_chat_delete_turns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    st_chat_as, st_chat_add_turn, st_chat_turns, st_chat_themes, st_chat_delete_turns TO st_chat_app;
