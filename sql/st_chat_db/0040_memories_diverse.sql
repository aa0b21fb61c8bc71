-- Maximal marginal relevance, where the vectors are: of a jsonb array of a user's memories p_k that are near a vector and not
-- near each other. The first is the nearest; then each time the one with the largest p_lambda times its cosine with the
-- vector, less (1 - p_lambda) times its largest cosine with one that is chosen already.
CREATE FUNCTION st_chat_memories_diverse(p_userid text, p_memories jsonb, p_vector vector, p_k int, p_lambda float8)
RETURNS TABLE (memory bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    chosen bigint[] := '{}';
BEGIN
    PERFORM public.st_chat_as(p_userid);
    FOR n IN 1 .. least(p_k, jsonb_array_length(p_memories)) LOOP
        memory := (
            SELECT m.primarykey FROM jsonb_array_elements(p_memories) AS a (memory)
            JOIN public.st_chat_history_vector_table AS m ON m.primarykey = a.memory::bigint AND m.userid = p_userid
            WHERE m.primarykey <> ALL (chosen)
            ORDER BY CASE WHEN n = 1 THEN 1 - (m.chat_vector <=> p_vector)
                     ELSE p_lambda * (1 - (m.chat_vector <=> p_vector)) - (1 - p_lambda) * (
                         SELECT max(1 - (m.chat_vector <=> c.chat_vector)) FROM public.st_chat_history_vector_table AS c
                         WHERE c.primarykey = ANY (chosen) AND c.userid = p_userid) END DESC, m.primarykey LIMIT 1);
        EXIT WHEN memory IS NULL;
        chosen := chosen || memory;
        RETURN NEXT;
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memories_diverse FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_memories_diverse TO st_chat_app;
