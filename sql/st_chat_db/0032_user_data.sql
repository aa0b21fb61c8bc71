-- All of one user, page by page, oldest first, as `stchat user export` writes it (docs/privacy.md). A row of the Data API
-- holds 64 KB: long texts come in parts of 7,000 characters. What has expired counts as deleted.
CREATE FUNCTION st_chat_export_turns(p_userid text, p_after bigint, p_limit int) RETURNS TABLE (
    primarykey bigint, themename text, chatid bigint, "timestamp" timestamptz, expires_at timestamptz, part int,
    userinput text, botresponse text
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    RETURN QUERY
    SELECT h.primarykey, h.themename, h.chatid, h.timestamp, h.expires_at, p.part,
           substr(h.userinput, 1 + 7000 * p.part, 7000), substr(h.botresponse, 1 + 7000 * p.part, 7000)
    FROM (SELECT * FROM public.st_chat_history_table AS t
          WHERE t.userid = p_userid AND -t.primarykey < -p_after
            AND (t.expires_at > now()) IS NOT FALSE
          ORDER BY -t.primarykey DESC LIMIT p_limit) AS h
    CROSS JOIN LATERAL generate_series(
        0, (greatest(char_length(h.userinput), char_length(h.botresponse), 1) - 1) / 7000) AS p (part)
    ORDER BY h.primarykey, p.part;
END
$$;

CREATE FUNCTION st_chat_export_memories(p_userid text, p_after bigint, p_limit int) RETURNS TABLE (
    primarykey bigint, id text, theme text, chatid bigint, metadata jsonb, created_at timestamptz, updated_at timestamptz,
    expires_at timestamptz, vector text, part int, chat_summary text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    RETURN QUERY
    SELECT m.primarykey, public.st_chat_memory_id(m.id, m.primarykey), m.theme, m.chatid,
           CASE WHEN p.part = 0 THEN m.metadata END, m.created_at, m.updated_at, m.expires_at,
           CASE WHEN p.part = 0 THEN m.chat_vector::text END, p.part, substr(m.chat_summary, 1 + 7000 * p.part, 7000)
    FROM (SELECT o.* FROM public.st_chat_memory_code AS c
          JOIN public.st_chat_history_vector_table AS o ON o.primarykey = c.memory AND o.userid = p_userid
          WHERE c.userid = p_userid AND c.memory > p_after AND (o.expires_at > now()) IS NOT FALSE
          ORDER BY c.memory LIMIT p_limit) AS m
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(m.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY m.primarykey, p.part;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_export_turns, st_chat_export_memories FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_export_turns, st_chat_export_memories TO st_chat_app;
