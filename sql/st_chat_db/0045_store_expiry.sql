-- `stchat user sweep` and `stchat doctor` know items of the store too (docs/decisions/0451). An item that is indexed goes with its
-- memory; the others are swept, and counted, among the memories.

-- As in 0023.
CREATE OR REPLACE FUNCTION st_chat_sweep(p_from text, p_rows int) RETURNS TABLE (after text, turns bigint, memories bigint)
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
         WHERE m.expires_at IS NOT NULL AND m.userid >= p_from ORDER BY m.userid LIMIT 1),
        (SELECT i.userid FROM public.st_chat_store_item AS i
         WHERE i.expires_at IS NOT NULL AND i.userid >= p_from ORDER BY i.userid LIMIT 1));
    WHILE after IS NOT NULL AND left_over > 0 LOOP
        swept := public.st_chat_sweep_turns(after, left_over::int);
        turns := turns + swept;
        left_over := left_over - swept;
        swept := public.st_chat_sweep_memories(after, left_over::int);
        memories := memories + swept;
        left_over := left_over - swept;
        swept := public.st_chat_store_sweep(after, left_over::int);
        memories := memories + swept;
        left_over := left_over - swept - 1;
        EXIT WHEN left_over < 0;  -- there may be more of this user's
        after := least(
            (SELECT h.userid FROM public.st_chat_history_table AS h
             WHERE h.expires_at IS NOT NULL AND h.userid > after ORDER BY h.userid LIMIT 1),
            (SELECT m.userid FROM public.st_chat_history_vector_table AS m
             WHERE m.expires_at IS NOT NULL AND m.userid > after ORDER BY m.userid LIMIT 1),
            (SELECT i.userid FROM public.st_chat_store_item AS i
             WHERE i.expires_at IS NOT NULL AND i.userid > after ORDER BY i.userid LIMIT 1));
    END LOOP;
    RETURN NEXT;
END
$$;

CREATE OR REPLACE FUNCTION st_chat_expired() RETURNS TABLE (turns bigint, memories bigint) LANGUAGE sql STABLE
SET enable_seqscan = off SET jit = off
BEGIN ATOMIC
    SELECT (SELECT count(*) FROM public.st_chat_history_table AS h WHERE h.expires_at <= now()),
           (SELECT count(*) FROM public.st_chat_history_vector_table AS m WHERE m.expires_at <= now())
           + (SELECT count(*) FROM public.st_chat_store_item AS i WHERE i.expires_at <= now() AND NOT i.indexed);
END;
