-- Turns that have expired are not read (docs/decisions/0430). The same functions otherwise.

CREATE OR REPLACE FUNCTION st_chat_turns(p_userid text, p_themename text, p_limit int, p_before bigint) RETURNS TABLE (
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
                AND (t.expires_at IS NULL OR t.expires_at > now())
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
                AND (t.expires_at IS NULL OR t.expires_at > now())
              ORDER BY -t.primarykey LIMIT p_limit) AS h
        CROSS JOIN LATERAL generate_series(
            0, (greatest(char_length(h.userinput), char_length(h.botresponse), 1) - 1) / 7000) AS p (part)
        ORDER BY -h.primarykey, p.part;
    END IF;
END
$$;

-- Rows are read only where some have expired: otherwise the index alone tells.
CREATE OR REPLACE FUNCTION st_chat_themes(p_userid text) RETURNS TABLE (themename text, turns bigint, latest timestamptz)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF EXISTS (SELECT FROM public.st_chat_history_table AS h WHERE h.userid = p_userid AND h.expires_at <= now()) THEN
        RETURN QUERY
        SELECT h.themename, count(*), max(h.timestamp) FROM public.st_chat_history_table AS h
        WHERE h.userid = p_userid AND (h.expires_at IS NULL OR h.expires_at > now())
        GROUP BY h.themename ORDER BY max(h.timestamp) DESC NULLS LAST, h.themename;
    ELSE
        RETURN QUERY
        SELECT h.themename, count(*), max(h.timestamp) FROM public.st_chat_history_table AS h
        WHERE h.userid = p_userid GROUP BY h.themename ORDER BY max(h.timestamp) DESC NULLS LAST, h.themename;
    END IF;
END
$$;

-- What has expired is deleted too, and not counted.
CREATE OR REPLACE FUNCTION st_chat_delete_turns(p_userid text, p_themename text) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    deleted bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    WITH gone AS (
        DELETE FROM public.st_chat_history_table AS h
        WHERE h.userid = p_userid AND (p_themename IS NULL OR h.themename = p_themename) RETURNING h.expires_at)
    SELECT count(*) FILTER (WHERE g.expires_at IS NULL OR g.expires_at > now()) INTO deleted FROM gone AS g;
    RETURN deleted;
END
$$;
