-- stchat: allow drop: functions that are made anew with a model among their parameters or columns
--
-- Codings are learned, and memories coded anew, for each model by itself (docs/decisions/0440).

-- Vectors of the rows (p_second false) and of st_chat_memory_second. For the owner's functions below alone.
CREATE VIEW st_chat_memory_vectors WITH (security_invoker = true) AS
SELECT m.primarykey AS memory, m.chat_vector AS vector, false AS second FROM st_chat_history_vector_table AS m
UNION ALL
SELECT s.memory, s.vector, true FROM st_chat_memory_second AS s;

REVOKE ALL ON st_chat_memory_vectors FROM st_chat_app, st_chat_read;

DROP FUNCTION st_chat_memory_learn();

-- As in 0015, of the vectors of one model, and with p_second of those of st_chat_memory_second.
CREATE FUNCTION st_chat_memory_learn(p_model text DEFAULT NULL, p_second boolean DEFAULT false) RETURNS int
LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
DECLARE
    pages CONSTANT float8 := greatest(1, pg_relation_size(
        CASE WHEN p_second THEN 'public.st_chat_memory_second' ELSE 'public.st_chat_history_vector_table' END) / 8192);
    sampled bigint[];
    centre vector;
    squares vector;
    spread real;
    learned int;
BEGIN
    -- Of each page that the sample hits, every memory; of those, 2,000 anywhere.
    IF p_second THEN
        sampled := ARRAY(SELECT o.memory FROM (
            SELECT s.memory FROM public.st_chat_memory_second AS s TABLESAMPLE SYSTEM (least(100, 100 * 3000 / pages))
            WHERE s.model IS NOT DISTINCT FROM p_model) AS o ORDER BY random() LIMIT 2000);
    ELSE
        sampled := ARRAY(SELECT o.primarykey FROM (
            SELECT m.primarykey
            FROM public.st_chat_history_vector_table AS m TABLESAMPLE SYSTEM (least(100, 100 * 3000 / pages))
            WHERE m.embedding_model IS NOT DISTINCT FROM p_model) AS o ORDER BY random() LIMIT 2000);
    END IF;
    IF cardinality(sampled) < 1000 THEN
        RETURN NULL;
    END IF;
    LOCK TABLE public.st_chat_memory_coding IN SHARE ROW EXCLUSIVE MODE;  -- one learns at a time; nobody else waits
    SELECT avg(v.vector), avg(v.vector * v.vector) INTO centre, squares
    FROM public.st_chat_memory_vectors AS v WHERE v.memory = ANY (sampled) AND v.second = p_second;
    SELECT sum(v.variance ^ 1.5) / nullif(sum(v.variance), 0) INTO spread
    FROM (SELECT greatest(0, u.square - u.mean::float8 ^ 2) AS variance
          FROM unnest(squares::real[], centre::real[]) AS u (square, mean)) AS v;
    IF spread IS NULL OR spread < 1e-6 THEN
        RETURN NULL;  -- all the same
    END IF;
    INSERT INTO public.st_chat_memory_coding (coding, low, high, learned_of, model, second)
    SELECT max(k.coding) + 1, (centre - away.by)::halfvec, (centre + away.by)::halfvec,
           (SELECT max(m.primarykey) FROM public.st_chat_history_vector_table AS m), p_model, p_second
    FROM public.st_chat_memory_coding AS k,
         (SELECT array_fill(0.7::real * spread, ARRAY[1024])::public.vector AS by) AS away
    GROUP BY away.by
    RETURNING coding INTO learned;
    WITH known AS MATERIALIZED (
        SELECT v.memory, v.vector, public.st_chat_memory_near(v.vector, k.low, k.high)::bit(2048) AS code
        FROM public.st_chat_memory_vectors AS v JOIN public.st_chat_memory_coding AS k ON k.coding = learned
        WHERE v.memory = ANY (sampled) AND v.second = p_second
    ), ranked AS (
        SELECT asked.memory AS asked, known.code <~> asked.code AS bits,
               row_number() OVER (PARTITION BY asked.memory ORDER BY known.vector <=> asked.vector) AS nearest,
               row_number() OVER (PARTITION BY asked.memory ORDER BY known.code <~> asked.code) AS best
        FROM (SELECT * FROM known LIMIT 100) AS asked JOIN known ON known.memory <> asked.memory
    )
    UPDATE public.st_chat_memory_coding AS k
    SET slack = (SELECT greatest(8, percentile_disc(0.999) WITHIN GROUP (ORDER BY n.bits - b.bits))
                 FROM ranked AS n JOIN ranked AS b ON b.asked = n.asked AND b.best = 10 WHERE n.nearest <= 10)
    WHERE k.coding = learned;
    RETURN learned;
END
$$;

-- As in 0013 and 0015: the newest coding of each memory's own model.
CREATE OR REPLACE FUNCTION st_chat_memory_recode(p_from bigint, p_to bigint, p_wait boolean DEFAULT false)
RETURNS TABLE (done bigint, busy bigint) LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off AS $$
DECLARE
    newest CONSTANT int[] := ARRAY(SELECT max(k.coding) FROM public.st_chat_memory_coding AS k
                                   WHERE NOT k.second GROUP BY k.model);
    older CONSTANT bigint[] := ARRAY(
        SELECT c.memory FROM public.st_chat_memory_code AS c
        WHERE c.memory >= p_from AND c.memory < p_to AND c.coding <> ALL (newest) ORDER BY c.memory);
    held bigint[];
BEGIN
    IF p_wait THEN
        held := ARRAY(SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
                      WHERE m.primarykey = ANY (older) ORDER BY m.primarykey FOR SHARE);
    ELSE
        held := ARRAY(SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
                      WHERE m.primarykey = ANY (older) ORDER BY m.primarykey FOR SHARE SKIP LOCKED);
    END IF;
    UPDATE public.st_chat_memory_code AS c
    SET near = public.st_chat_memory_near(m.chat_vector, k.low, k.high)::bit(2048), coding = k.coding
    FROM public.st_chat_history_vector_table AS m, public.st_chat_memory_coding AS k
    WHERE c.memory = ANY (held) AND m.primarykey = c.memory AND k.coding = ANY (newest)
      AND k.model IS NOT DISTINCT FROM m.embedding_model;
    GET DIAGNOSTICS done = ROW_COUNT;
    busy := (SELECT count(*) FROM public.st_chat_memory_code AS c
             WHERE c.memory = ANY (older) AND c.coding <> ALL (newest));
    RETURN NEXT;
END
$$;

-- `codings`: of the model that has most; `passed`: of the newest of all models.
CREATE OR REPLACE FUNCTION st_chat_memory_fence() RETURNS TABLE (coding int, codings bigint, passed boolean)
LANGUAGE plpgsql AS $$
DECLARE
    newest int[];
BEGIN
    SELECT array_agg(o.newest), max(o.newest), max(o.codings) INTO newest, coding, codings
    FROM (SELECT max(k.coding) AS newest, count(*) AS codings FROM public.st_chat_memory_coding AS k
          WHERE NOT k.second GROUP BY k.model) AS o;
    UPDATE public.st_chat_memory_coding AS k SET fence = pg_current_xact_id()
    WHERE k.coding = ANY (newest) AND k.fence IS NULL;
    passed := NOT FOUND AND (SELECT bool_and(pg_snapshot_xmin(pg_current_snapshot()) > k.fence)
                             FROM public.st_chat_memory_coding AS k WHERE k.coding = ANY (newest));
    RETURN NEXT;
END
$$;

-- Of each model those before its newest, of which p_coding is the last that was known when the memories were coded again.
CREATE OR REPLACE FUNCTION st_chat_memory_retire(p_coding int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    retired bigint;
BEGIN
    DELETE FROM public.st_chat_memory_coding AS k
    WHERE NOT k.second
      AND k.coding < (SELECT max(n.coding) FROM public.st_chat_memory_coding AS n
                      WHERE NOT n.second AND n.coding <= p_coding AND n.model IS NOT DISTINCT FROM k.model);
    GET DIAGNOSTICS retired = ROW_COUNT;
    RETURN retired;
END
$$;

-- As in 0015, with the coding of each row's model.
CREATE OR REPLACE FUNCTION st_chat_memory_fill(p_share float8) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    highest bigint := (SELECT (max(primarykey) * p_share)::bigint FROM public.st_chat_history_vector_table);
    filled bigint;
    doubles bigint;
BEGIN
    PERFORM public.st_chat_memory_coding_of(o.embedding_model) FROM (
        SELECT DISTINCT m.embedding_model FROM public.st_chat_history_vector_table AS m
        WHERE m.primarykey <= highest
          AND NOT EXISTS (SELECT FROM public.st_chat_memory_code AS c WHERE c.memory = m.primarykey)) AS o;
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
    SELECT m.primarykey, m.userid, m.theme, m.chatid, public.st_chat_memory_digest(m.id, m.chat_summary),
           public.st_chat_memory_near(m.chat_vector, k.low, k.high)::bit(2048), k.coding
    FROM public.st_chat_history_vector_table AS m
    CROSS JOIN LATERAL (SELECT o.* FROM public.st_chat_memory_coding AS o
                        WHERE NOT o.second AND o.model IS NOT DISTINCT FROM m.embedding_model
                        ORDER BY o.coding DESC LIMIT 1) AS k
    WHERE m.primarykey <= highest
      AND NOT EXISTS (SELECT FROM public.st_chat_memory_code AS c WHERE c.memory = m.primarykey)
    FOR SHARE OF m
    ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
    GET DIAGNOSTICS filled = ROW_COUNT;
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
    SELECT m.primarykey, m.userid, m.theme, m.chatid,
           substr(sha256(convert_to(m.primarykey || ' ' || m.chat_summary, 'UTF8')), 1, 16),
           public.st_chat_memory_near(m.chat_vector, k.low, k.high)::bit(2048), k.coding
    FROM public.st_chat_history_vector_table AS m
    CROSS JOIN LATERAL (SELECT o.* FROM public.st_chat_memory_coding AS o
                        WHERE NOT o.second AND o.model IS NOT DISTINCT FROM m.embedding_model
                        ORDER BY o.coding DESC LIMIT 1) AS k
    WHERE m.primarykey <= highest
      AND NOT EXISTS (SELECT FROM public.st_chat_memory_code AS c WHERE c.memory = m.primarykey)
    FOR SHARE OF m;
    GET DIAGNOSTICS doubles = ROW_COUNT;
    RETURN filled + doubles;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memory_learn FROM PUBLIC;
