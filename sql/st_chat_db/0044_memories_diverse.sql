-- Maximal marginal relevance, where the vectors are: of a jsonb array of a user's memories p_k that are near a vector and not
-- near each other. The first is the nearest; then each time the one with the largest p_lambda times its cosine with the
-- vector, less (1 - p_lambda) times its largest cosine with one that is chosen already.
CREATE FUNCTION st_chat_memories_diverse(
    p_userid text, p_memories jsonb, p_vector vector, p_k int, p_lambda float8, p_model text DEFAULT NULL
) RETURNS TABLE (memory bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    of CONSTANT text := public.st_chat_model(p_model);
    memories bigint[];
    vectors vector[];
    near float8[];
    far float8[];  -- of each, the largest cosine with one that is chosen; NULL: it is chosen itself
    best int;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    -- Each memory's vector of the question's model, of which it has one at most in its row, and one aside during a move.
    SELECT array_agg(f.memory ORDER BY f.memory), array_agg(f.vector ORDER BY f.memory),
           array_agg(1 - (f.vector <=> p_vector) ORDER BY f.memory)
    INTO memories, vectors, near
    FROM (SELECT m.primarykey AS memory, CASE WHEN m.embedding_model IS NOT DISTINCT FROM of THEN m.chat_vector ELSE (
                     SELECT s.vector FROM public.st_chat_memory_second AS s
                     WHERE s.memory = m.primarykey AND s.userid = p_userid AND s.model IS NOT DISTINCT FROM of) END AS vector
          FROM jsonb_array_elements(p_memories) AS a (memory)
          JOIN public.st_chat_history_vector_table AS m ON m.primarykey = a.memory::bigint AND m.userid = p_userid) AS f
    WHERE f.vector IS NOT NULL;
    far := array_fill(-1::float8, ARRAY[coalesce(cardinality(memories), 0)]);
    FOR n IN 1 .. least(p_k, coalesce(cardinality(memories), 0)) LOOP
        SELECT c.place INTO best FROM unnest(memories, near, far) WITH ORDINALITY AS c (memory, near, far, place)
        WHERE c.far IS NOT NULL
        ORDER BY CASE WHEN n = 1 THEN c.near ELSE p_lambda * c.near - (1 - p_lambda) * c.far END DESC, c.memory LIMIT 1;
        memory := memories[best];
        RETURN NEXT;
        far := ARRAY(SELECT CASE WHEN c.place <> best AND c.far IS NOT NULL THEN CASE WHEN n = 1 THEN 1 - (c.vector <=> vectors[best])
                                 ELSE greatest(c.far, 1 - (c.vector <=> vectors[best])) END END
                     FROM unnest(vectors, far) WITH ORDINALITY AS c (vector, far, place) ORDER BY c.place);
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memories_diverse FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_memories_diverse TO st_chat_app;
