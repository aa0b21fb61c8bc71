-- stchat: allow drop: a CHECK that NOT NULL takes the place of
-- stchat: allow not-null: a CHECK that is validated says so already, and is read instead of the table
--
-- Recall by the new codes, and how they are learned.
ALTER TABLE st_chat_memory_code VALIDATE CONSTRAINT st_chat_memory_code_coded;
ALTER TABLE st_chat_memory_code
    ALTER COLUMN near SET NOT NULL,
    ALTER COLUMN coding SET NOT NULL,
    ALTER COLUMN code DROP NOT NULL,  -- and 0016 drops it, when nobody writes or reads it any more
    DROP CONSTRAINT st_chat_memory_code_coded;  -- an INSERT reads each CHECK anew, which took 5 us a row

-- Nearest first; `similarity` is the cosine, from -1 to 1, whatever the vectors' lengths. The codes of the user's own
-- memories are compared in the index; those within the coding's slack of the p_k-th best, and at most 1,000 (or 4 for each
-- that is asked for), are compared exactly (docs/decisions/0420). Until a coding is learned, the 5,000 best are.
CREATE OR REPLACE FUNCTION st_chat_recall(
    p_userid text, p_vector vector, p_k int, p_theme text DEFAULT NULL, p_metadata jsonb DEFAULT NULL
) RETURNS TABLE (
    primarykey bigint, theme text, chatid bigint, metadata jsonb, similarity float8, part int, chat_summary text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    -- Thresholds are of vectors of length 1, as those are that are stored.
    unit CONSTANT vector := public.l2_normalize(p_vector);
    k record;
    asked bit(2048);
    most bigint;
    -- How many bits differ, times 2^52, and the memory: one number sorts in half the time of two.
    near bigint[];
    memories bigint[] := '{}';
BEGIN
    PERFORM public.st_chat_as(p_userid);
    FOR k IN SELECT c.coding, c.low, c.high, c.slack FROM public.st_chat_memory_coding AS c LOOP
        asked := public.st_chat_memory_near(unit, k.low, k.high)::bit(2048);
        most := greatest(CASE WHEN k.slack IS NULL THEN 5000 ELSE 1000 END, 4::bigint * p_k);
        IF p_metadata IS NOT NULL THEN
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
                WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND c.coding = k.coding
                  AND m.metadata @> p_metadata
                ORDER BY 1 LIMIT most);
        ELSIF p_theme IS NOT NULL THEN
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                WHERE c.userid = p_userid AND c.theme = p_theme AND c.coding = k.coding
                ORDER BY 1 LIMIT most);
        ELSE
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                WHERE c.userid = p_userid AND c.coding = k.coding
                ORDER BY 1 LIMIT most);
        END IF;
        IF cardinality(near) > p_k AND p_k > 0 AND k.slack IS NOT NULL THEN
            near := trim_array(near, cardinality(near) - width_bucket(((near[p_k] >> 52) + k.slack + 1) << 52, near));
        END IF;
        memories := memories || ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
    END LOOP;
    RETURN QUERY
    WITH nearest AS MATERIALIZED (
        SELECT m.primarykey, m.theme, m.chatid, m.metadata, m.chat_summary, m.chat_vector <=> p_vector AS distance
        FROM public.st_chat_history_vector_table AS m
        WHERE m.userid = p_userid AND m.primarykey = ANY (memories)
        ORDER BY (m.chat_vector <=> p_vector) + 0, m.primarykey LIMIT p_k)
    SELECT n.primarykey, n.theme, n.chatid, CASE WHEN p.part = 0 THEN n.metadata END,
           coalesce(1 - nullif(n.distance, 'NaN'), 0), p.part, substr(n.chat_summary, 1 + 7000 * p.part, 7000)
    FROM nearest AS n
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(n.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY n.distance, n.primarykey, p.part;
END
$$;

CREATE OR REPLACE FUNCTION st_chat_memory_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
BEGIN
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
    SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid,
           substr(sha256(convert_to(NEW.chat_summary, 'UTF8')), 1, 16),
           public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), k.coding
    FROM public.st_chat_memory_coding AS k ORDER BY k.coding DESC LIMIT 1
    ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
    IF FOUND THEN
        RETURN NEW;
    END IF;
    RETURN NULL;  -- it is known: no row, and no error
END
$$;

CREATE OR REPLACE FUNCTION st_chat_memory_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
BEGIN
    UPDATE public.st_chat_memory_code AS c SET
        memory = NEW.primarykey, userid = NEW.userid, theme = NEW.theme, chatid = NEW.chatid,
        digest = CASE WHEN NEW.chat_summary = OLD.chat_summary THEN c.digest
                      ELSE substr(sha256(convert_to(NEW.chat_summary, 'UTF8')), 1, 16) END,
        near = public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), coding = k.coding
    FROM (SELECT * FROM public.st_chat_memory_coding ORDER BY coding DESC LIMIT 1) AS k
    WHERE c.memory = OLD.primarykey;
    RETURN NULL;
END
$$;

-- As in 0006, with the new codes.
CREATE OR REPLACE FUNCTION st_chat_memory_fill(p_share float8) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    highest bigint := (SELECT (max(primarykey) * p_share)::bigint FROM public.st_chat_history_vector_table);
    newest CONSTANT int := (SELECT max(coding) FROM public.st_chat_memory_coding);
    filled bigint;
    doubles bigint;
BEGIN
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
    SELECT m.primarykey, m.userid, m.theme, m.chatid, substr(sha256(convert_to(m.chat_summary, 'UTF8')), 1, 16),
           public.st_chat_memory_near(m.chat_vector, k.low, k.high)::bit(2048), k.coding
    FROM public.st_chat_history_vector_table AS m JOIN public.st_chat_memory_coding AS k ON k.coding = newest
    WHERE m.primarykey <= highest
      AND NOT EXISTS (SELECT FROM public.st_chat_memory_code AS c WHERE c.memory = m.primarykey)
    FOR SHARE OF m
    ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
    GET DIAGNOSTICS filled = ROW_COUNT;
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
    SELECT m.primarykey, m.userid, m.theme, m.chatid,
           substr(sha256(convert_to(m.primarykey || ' ' || m.chat_summary, 'UTF8')), 1, 16),
           public.st_chat_memory_near(m.chat_vector, k.low, k.high)::bit(2048), k.coding
    FROM public.st_chat_history_vector_table AS m JOIN public.st_chat_memory_coding AS k ON k.coding = newest
    WHERE m.primarykey <= highest
      AND NOT EXISTS (SELECT FROM public.st_chat_memory_code AS c WHERE c.memory = m.primarykey)
    FOR SHARE OF m;
    GET DIAGNOSTICS doubles = ROW_COUNT;
    RETURN filled + doubles;
END
$$;

-- Learns a coding from at most 2,000 of everyone's memories, and returns its number; NULL: there are fewer than 1,000.
-- The thresholds lie 0.7 spreads to both sides of the mean; the spread is one for all numbers, weighted by what each
-- contributes to distances, so that numbers that are nearly the same in all vectors do not count. The slack is measured:
-- how many bits more than the 10th best in code have the 10 truly nearest, in 999 of 1,000 cases, among the sampled.
CREATE FUNCTION st_chat_memory_learn() RETURNS int LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
DECLARE
    -- Of each page that the sample hits, every memory; of those, 2,000 anywhere.
    pages CONSTANT float8 := greatest(1, pg_relation_size('public.st_chat_history_vector_table') / 8192);
    sampled CONSTANT bigint[] := ARRAY(
        SELECT s.primarykey FROM (
            SELECT m.primarykey
            FROM public.st_chat_history_vector_table AS m TABLESAMPLE SYSTEM (least(100, 100 * 3000 / pages))) AS s
        ORDER BY random() LIMIT 2000);
    centre vector;
    squares vector;
    spread real;
    learned int;
BEGIN
    IF cardinality(sampled) < 1000 THEN
        RETURN NULL;
    END IF;
    LOCK TABLE public.st_chat_memory_coding IN SHARE ROW EXCLUSIVE MODE;  -- one learns at a time; nobody else waits
    SELECT avg(m.chat_vector), avg(m.chat_vector * m.chat_vector) INTO centre, squares
    FROM public.st_chat_history_vector_table AS m WHERE m.primarykey = ANY (sampled);
    SELECT sum(v.variance ^ 1.5) / nullif(sum(v.variance), 0) INTO spread
    FROM (SELECT greatest(0, u.square - u.mean::float8 ^ 2) AS variance
          FROM unnest(squares::real[], centre::real[]) AS u (square, mean)) AS v;
    IF spread IS NULL OR spread < 1e-6 THEN
        RETURN NULL;  -- all the same
    END IF;
    INSERT INTO public.st_chat_memory_coding (coding, low, high, learned_of)
    SELECT max(k.coding) + 1, (centre - away.by)::halfvec, (centre + away.by)::halfvec,
           (SELECT max(m.primarykey) FROM public.st_chat_history_vector_table AS m)
    FROM public.st_chat_memory_coding AS k,
         (SELECT array_fill(0.7::real * spread, ARRAY[1024])::public.vector AS by) AS away
    GROUP BY away.by
    RETURNING coding INTO learned;
    WITH known AS MATERIALIZED (
        SELECT m.primarykey, m.chat_vector, public.st_chat_memory_near(m.chat_vector, k.low, k.high)::bit(2048) AS code
        FROM public.st_chat_history_vector_table AS m JOIN public.st_chat_memory_coding AS k ON k.coding = learned
        WHERE m.primarykey = ANY (sampled)
    ), ranked AS (
        SELECT asked.primarykey AS asked, known.code <~> asked.code AS bits,
               row_number() OVER (PARTITION BY asked.primarykey ORDER BY known.chat_vector <=> asked.chat_vector) AS nearest,
               row_number() OVER (PARTITION BY asked.primarykey ORDER BY known.code <~> asked.code) AS best
        FROM (SELECT * FROM known LIMIT 100) AS asked JOIN known ON known.primarykey <> asked.primarykey
    )
    UPDATE public.st_chat_memory_coding AS k
    SET slack = (SELECT greatest(8, percentile_disc(0.999) WITHIN GROUP (ORDER BY n.bits - b.bits))
                 FROM ranked AS n JOIN ranked AS b ON b.asked = n.asked AND b.best = 10 WHERE n.nearest <= 10)
    WHERE k.coding = learned;
    RETURN learned;
END
$$;

-- Coding anew, in steps that anybody may repeat. First the fence; then steps from key 0 on until `after` is NULL; when none
-- was busy in a walk that began after the fence said true, the older codings go. Rows that are written meanwhile have the
-- newest coding, but for transactions that looked for it before it was there: the fence says whether these have ended.
CREATE FUNCTION st_chat_memory_fence() RETURNS TABLE (coding int, codings bigint, passed boolean) LANGUAGE plpgsql AS $$
BEGIN
    SELECT max(k.coding), count(*) INTO coding, codings FROM public.st_chat_memory_coding AS k;
    UPDATE public.st_chat_memory_coding AS k SET fence = pg_current_xact_id()
    WHERE k.coding = st_chat_memory_fence.coding AND k.fence IS NULL;
    passed := NOT FOUND AND (SELECT pg_snapshot_xmin(pg_current_snapshot()) > k.fence
                             FROM public.st_chat_memory_coding AS k WHERE k.coding = st_chat_memory_fence.coding);
    RETURN NEXT;
END
$$;

CREATE FUNCTION st_chat_memory_step(p_from bigint, p_rows int) RETURNS TABLE (after bigint, done bigint, busy bigint)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    after := (SELECT c.memory FROM public.st_chat_memory_code AS c
              WHERE c.memory >= p_from ORDER BY c.memory OFFSET p_rows LIMIT 1);
    SELECT r.done, r.busy INTO done, busy
    FROM public.st_chat_memory_recode(p_from, coalesce(after, 4503599627370496)) AS r;
    RETURN NEXT;
END
$$;

CREATE FUNCTION st_chat_memory_retire(p_coding int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    retired bigint;
BEGIN
    DELETE FROM public.st_chat_memory_coding AS k WHERE k.coding < p_coding;
    GET DIAGNOSTICS retired = ROW_COUNT;
    RETURN retired;
END
$$;

-- How well the codes fit: memories of users with many are asked for by codes, as recall does, and exactly. `recall`: the
-- share of the 10 nearest that was found, `worst`: of one question. `questions` is 0 where no user that was met has more
-- memories than are all compared exactly.
CREATE FUNCTION st_chat_memory_fit(p_questions int) RETURNS TABLE (
    memories bigint, codings bigint, learned_of bigint, questions int, recall float8, worst float8
) LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
DECLARE
    pages CONSTANT float8 := greatest(1, pg_relation_size('public.st_chat_history_vector_table') / 8192);
    asked record;
    nearest bigint[];
    share float8;
BEGIN
    SELECT max(c.memory) INTO memories FROM public.st_chat_memory_code AS c;
    SELECT count(*), (array_agg(k.learned_of ORDER BY k.coding DESC))[1] INTO codings, learned_of
    FROM public.st_chat_memory_coding AS k;
    questions := 0;
    recall := 0;
    FOR asked IN
        SELECT s.userid, s.chat_vector FROM (
            SELECT m.userid, m.chat_vector
            FROM public.st_chat_history_vector_table AS m TABLESAMPLE SYSTEM (least(100, 100 * 300 / pages))) AS s
        WHERE (SELECT count(*) FROM (SELECT FROM public.st_chat_memory_code AS c
                                     WHERE c.userid = s.userid LIMIT 1001) AS n) > 1000
        ORDER BY random() LIMIT p_questions
    LOOP
        nearest := ARRAY(
            SELECT m.primarykey FROM public.st_chat_memory_code AS c
            JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
            WHERE c.userid = asked.userid ORDER BY (m.chat_vector <=> asked.chat_vector) + 0, m.primarykey LIMIT 10);
        SELECT count(DISTINCT r.primarykey) / 10.0 INTO share
        FROM public.st_chat_recall(asked.userid, asked.chat_vector, 10) AS r WHERE r.primarykey = ANY (nearest);
        questions := questions + 1;
        recall := recall + share;
        worst := least(worst, share);
    END LOOP;
    recall := CASE WHEN questions > 0 THEN recall / questions END;
    RETURN NEXT;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_memory_learn, st_chat_memory_fence, st_chat_memory_step, st_chat_memory_retire, st_chat_memory_fit FROM PUBLIC;
