-- stchat: allow drop: functions that are made anew with a model among their parameters or columns
--
-- Writing and recall know the model of a vector (docs/decisions/0440): its codes are of a coding of that model, and a question
-- is compared with codes and vectors of its own model.
CREATE OR REPLACE TRIGGER st_chat_memory_changed
    AFTER UPDATE OF primarykey, userid, theme, chatid, chat_summary, chat_vector, embedding_model
    ON st_chat_history_vector_table FOR EACH ROW EXECUTE FUNCTION st_chat_memory_changed();

CREATE OR REPLACE FUNCTION st_chat_memory_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
    told bytea := public.st_chat_memory_digest(NEW.id, NEW.chat_summary);
BEGIN
    IF NEW.embedding_model IS NOT NULL THEN
        PERFORM public.st_chat_memory_coding_of(NEW.embedding_model);
    END IF;
    FOR attempt IN 1..2 LOOP
        INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
        SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid, told,
               public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), k.coding
        FROM public.st_chat_memory_coding AS k
        WHERE NOT k.second AND k.model IS NOT DISTINCT FROM NEW.embedding_model ORDER BY k.coding DESC LIMIT 1
        ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
        IF FOUND THEN
            RETURN NEW;
        END IF;
        -- An id that was made elsewhere is of a memory of its own, as an export has it, though another one has the same text.
        EXIT WHEN NEW.id IS NULL;
        told := substr(sha256(convert_to(NEW.id || ' ' || NEW.chat_summary, 'UTF8')), 1, 16);
    END LOOP;
    RETURN NULL;  -- it is known: no row, and no error
END
$$;

CREATE OR REPLACE FUNCTION st_chat_memory_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
    told bytea := public.st_chat_memory_digest(NEW.id, NEW.chat_summary);
    was bytea;
BEGIN
    IF NEW.embedding_model IS NOT NULL THEN
        PERFORM public.st_chat_memory_coding_of(NEW.embedding_model);
    END IF;
    IF (NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid) = (OLD.primarykey, OLD.userid, OLD.theme, OLD.chatid)
       AND told = public.st_chat_memory_digest(OLD.id, OLD.chat_summary) THEN
        UPDATE public.st_chat_memory_code AS c
        SET near = public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), coding = k.coding
        FROM (SELECT * FROM public.st_chat_memory_coding AS o
              WHERE NOT o.second AND o.model IS NOT DISTINCT FROM NEW.embedding_model ORDER BY o.coding DESC LIMIT 1) AS k
        WHERE c.memory = OLD.primarykey;
        RETURN NULL;
    END IF;
    DELETE FROM public.st_chat_memory_code AS c WHERE c.memory = OLD.primarykey;
    FOR attempt IN 1..2 LOOP
        INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
        SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid, told,
               public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), k.coding
        FROM public.st_chat_memory_coding AS k
        WHERE NOT k.second AND k.model IS NOT DISTINCT FROM NEW.embedding_model ORDER BY k.coding DESC LIMIT 1
        ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
        EXIT WHEN FOUND;
        told := substr(sha256(convert_to(NEW.primarykey || ' ' || NEW.chat_summary, 'UTF8')), 1, 16);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION st_chat_remember(p_items jsonb) RETURNS TABLE (item int, written boolean)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    memory record;
    told text;
    userids text[] := '{}';
    keys jsonb;  -- of the ids that there are, by id
    key bigint;
    expired boolean;
BEGIN
    -- Of all users, in one order for all callers.
    PERFORM CASE WHEN l.alone THEN pg_advisory_xact_lock(l.lock) ELSE pg_advisory_xact_lock_shared(l.lock) END
    FROM (SELECT hashtextextended('st_chat_memory ' || (i.value ->> 'userid'), 0) AS lock,
                 bool_or(i.value ->> 'id' IS NOT NULL) AS alone
          FROM jsonb_array_elements(p_items) AS i GROUP BY 1 ORDER BY 1) AS l;
    FOR memory IN
        SELECT g.* FROM (
            SELECT i.item - 1 AS item, i.userid, i.theme, i.chatid, i.summary, i.metadata, i.vector::public.vector AS vector,
                   i.id, i.expires_at, i.created_at, i.updated_at, public.st_chat_model(i.model) AS model,
                   public.st_chat_memory_digest(i.id, i.summary) AS digest,
                   array_agg(i.id) FILTER (WHERE i.id IS NOT NULL) OVER (PARTITION BY i.userid) AS ids
            FROM ROWS FROM (jsonb_to_recordset(p_items) AS
                     (userid text, theme text, chatid bigint, summary text, metadata jsonb, vector text, id text,
                      expires_at timestamptz, created_at timestamptz, updated_at timestamptz, model text))
                 WITH ORDINALITY AS i (userid, theme, chatid, summary, metadata, vector, id, expires_at, created_at,
                                       updated_at, model, item)) AS g
        -- Whoever names ids is alone, and the last one of an id counts; all others lock in this order.
        ORDER BY g.userid, CASE WHEN g.ids IS NULL THEN g.theme END, CASE WHEN g.ids IS NULL THEN g.chatid END,
                 CASE WHEN g.ids IS NULL THEN g.digest END, g.item
    LOOP
        IF told IS DISTINCT FROM memory.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(memory.userid);
            told := memory.userid;
            userids := userids || told;
            keys := '{}';
            IF memory.ids IS NOT NULL THEN
                keys := keys || coalesce((SELECT jsonb_object_agg(k.id, k.memory)
                                          FROM public.st_chat_memory_keys(told, memory.ids) AS k), '{}');
            END IF;
        END IF;
        item := memory.item;
        written := NULL;
        FOR attempt IN 1..10 LOOP
            key := keys ->> memory.id;
            IF key IS NULL THEN
                INSERT INTO public.st_chat_history_vector_table
                    (userid, theme, chatid, chat_summary, metadata, chat_vector, id, expires_at, created_at, updated_at,
                     embedding_model)
                VALUES (memory.userid, memory.theme, memory.chatid, memory.summary, memory.metadata, memory.vector,
                        memory.id, memory.expires_at, coalesce(memory.created_at, now()),
                        coalesce(memory.updated_at, memory.created_at, now()), memory.model)
                RETURNING primarykey INTO key;
                IF FOUND THEN
                    written := true;
                ELSE
                    key := (SELECT c.memory FROM public.st_chat_memory_code AS c
                            WHERE c.userid = memory.userid AND c.theme = memory.theme
                              AND c.chatid = memory.chatid AND c.digest = memory.digest);
                END IF;
            END IF;
            IF NOT written IS TRUE THEN
                SELECT coalesce(m.expires_at <= now(), false) INTO expired FROM public.st_chat_history_vector_table AS m
                WHERE m.primarykey = key;
                IF FOUND AND NOT expired THEN
                    UPDATE public.st_chat_history_vector_table AS m
                    SET theme = memory.theme, chatid = memory.chatid, chat_summary = memory.summary,
                        metadata = memory.metadata, chat_vector = memory.vector, embedding_model = memory.model,
                        expires_at = memory.expires_at,
                        id = coalesce(memory.id, m.id), updated_at = coalesce(memory.updated_at, now())
                    WHERE m.primarykey = key AND coalesce(memory.updated_at >= m.updated_at, true)  -- not what an import brings late
                      AND ((m.theme, m.chatid, m.chat_summary, m.metadata, m.expires_at, m.embedding_model) IS DISTINCT FROM
                           (memory.theme, memory.chatid, memory.summary, memory.metadata, memory.expires_at, memory.model)
                           OR m.chat_vector <> memory.vector
                           OR memory.id <> public.st_chat_memory_id(m.id, m.primarykey));
                    written := false;
                ELSE  -- it was deleted in between, or is now
                    DELETE FROM public.st_chat_history_vector_table AS m WHERE m.primarykey = key AND m.expires_at <= now();
                    keys := keys - coalesce(memory.id, '');
                END IF;
            END IF;
            EXIT WHEN written IS NOT NULL;
        END LOOP;
        IF written IS NULL THEN
            RAISE serialization_failure USING MESSAGE = 'a memory is deleted as often as it is stored';
        END IF;
        IF memory.id IS NOT NULL THEN
            keys := keys || jsonb_build_object(memory.id, key);
        END IF;
        RETURN NEXT;
    END LOOP;
    FOREACH told IN ARRAY userids LOOP
        PERFORM public.st_chat_as(told);
        PERFORM public.st_chat_sweep_memories(told);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION st_chat_memory_update(p_userid text, p_id text, p_changes jsonb) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    m record;
    wanted record;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    PERFORM public.st_chat_memory_lock(p_userid, true);
    SELECT o.primarykey, o.chat_summary, o.metadata, o.expires_at, o.chat_vector, o.embedding_model INTO m
    FROM public.st_chat_memory_keys(p_userid, ARRAY[p_id]) AS k
    JOIN public.st_chat_history_vector_table AS o ON o.primarykey = k.memory AND o.userid = p_userid
    WHERE o.expires_at IS NULL OR o.expires_at > now() FOR UPDATE OF o;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT CASE WHEN p_changes ? 'metadata' THEN nullif(p_changes -> 'metadata', 'null') ELSE m.metadata END AS metadata,
           CASE WHEN p_changes ? 'expires_at' THEN (p_changes ->> 'expires_at')::timestamptz ELSE m.expires_at END AS expires_at,
           coalesce(p_changes ->> 'summary', m.chat_summary) AS summary,
           coalesce((p_changes ->> 'vector')::public.vector, m.chat_vector) AS vector,
           CASE WHEN p_changes ? 'vector' THEN public.st_chat_model(p_changes ->> 'model')
                ELSE m.embedding_model END AS model INTO wanted;
    IF wanted.summary <> m.chat_summary OR wanted.vector <> m.chat_vector
       OR wanted.model IS DISTINCT FROM m.embedding_model THEN
        UPDATE public.st_chat_history_vector_table AS o
        SET chat_summary = wanted.summary, chat_vector = wanted.vector, embedding_model = wanted.model,
            metadata = wanted.metadata, expires_at = wanted.expires_at, updated_at = now()
        WHERE o.primarykey = m.primarykey;
    ELSIF (wanted.metadata, wanted.expires_at) IS DISTINCT FROM (m.metadata, m.expires_at) THEN
        UPDATE public.st_chat_history_vector_table AS o
        SET metadata = wanted.metadata, expires_at = wanted.expires_at, updated_at = now() WHERE o.primarykey = m.primarykey;
    END IF;
    PERFORM public.st_chat_sweep_memories(p_userid);
    RETURN true;
END
$$;

DROP FUNCTION st_chat_recall(text, vector, int, text, jsonb, text, text, jsonb, timestamptz, timestamptz, float8, float8);

CREATE FUNCTION st_chat_recall(
    p_userid text, p_vector vector, p_k int, p_theme text DEFAULT NULL, p_metadata jsonb DEFAULT NULL,
    p_text text DEFAULT NULL, p_mode text DEFAULT 'hybrid', p_filter jsonb DEFAULT NULL, p_since timestamptz DEFAULT NULL,
    p_until timestamptz DEFAULT NULL, p_half_life float8 DEFAULT NULL, p_recency float8 DEFAULT 0,
    p_model text DEFAULT NULL
) RETURNS TABLE (
    primarykey bigint, theme text, chatid bigint, metadata jsonb, similarity float8, part int, chat_summary text,
    score float8, semantic float8, lexical float8,
    id text, created_at timestamptz, updated_at timestamptz, expires_at timestamptz
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    by_meaning CONSTANT boolean := p_mode <> 'lexical';
    by_words CONSTANT boolean := p_mode <> 'semantic' AND p_text IS NOT NULL;
    by_age CONSTANT boolean := p_recency > 0 AND p_half_life > 0;
    words CONSTANT text[] := CASE WHEN by_words THEN public.st_chat_words_asked(p_text) ELSE '{}' END;
    -- Thresholds are of vectors of length 1, as those are that are stored.
    unit CONSTANT vector := CASE WHEN by_meaning THEN public.l2_normalize(p_vector) END;
    filtered boolean := p_metadata IS NOT NULL OR p_filter IS NOT NULL OR p_since IS NOT NULL OR p_until IS NOT NULL;
    gone bigint[];  -- what has expired
    of CONSTANT text := public.st_chat_model(p_model);
    k record;
    asked bit(2048);
    most bigint;
    last bigint;
    average float8;  -- the question's similarity with the average memory, as far as a coding knows it
    -- How many bits differ, times 2^52, and the memory: one number sorts in half the time of two.
    near bigint[];
    memories bigint[] := '{}';
    remaining bigint[];
    bm25 float8[];
    codings int := 0;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    IF p_mode IS NULL OR p_mode NOT IN ('hybrid', 'semantic', 'lexical') THEN
        RAISE invalid_parameter_value USING MESSAGE = 'mode must be hybrid, semantic or lexical';
    END IF;
    gone := ARRAY(SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
                  WHERE m.userid = p_userid AND m.expires_at <= now() LIMIT 1001);
    filtered := filtered OR cardinality(gone) > 1000;
    -- Second vectors first: they become those of rows, and never the other way round. By words alone all memories count,
    -- whatever model they are of.
    FOR k IN SELECT c.coding, c.low, c.high, c.slack, c.second, c.model IS NOT DISTINCT FROM of AS own
             FROM public.st_chat_memory_coding AS c
             WHERE by_meaning AND c.model IS NOT DISTINCT FROM of OR filtered AND NOT c.second ORDER BY c.second DESC, c.coding LOOP
        codings := codings + 1;
        asked := public.st_chat_memory_near(unit, k.low, k.high)::bit(2048);
        most := greatest(CASE WHEN k.slack IS NULL OR by_age THEN 5000 ELSE 1000 END, 4::bigint * p_k);
        last := p_k;
        IF k.second THEN
            near := ARRAY(
                SELECT ((c.near <~> asked)::bigint << 52) + c.memory FROM public.st_chat_memory_second AS c
                WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND c.coding = k.coding
                  AND c.memory <> ALL (gone)
                  AND (NOT filtered OR EXISTS (
                      SELECT FROM public.st_chat_history_vector_table AS m
                      WHERE m.primarykey = c.memory AND (p_metadata IS NULL OR m.metadata @> p_metadata)
                        AND (p_since IS NULL OR m.created_at >= p_since) AND (p_until IS NULL OR m.created_at < p_until)
                        AND (m.expires_at IS NULL OR m.expires_at > now())
                        AND (p_filter IS NULL OR public.st_chat_matches(m.metadata, p_filter))))
                ORDER BY 1 LIMIT most);
        ELSIF filtered THEN
            near := ARRAY(
                SELECT (coalesce(c.near <~> asked, 0)::bigint << 52) + c.memory FROM public.st_chat_memory_code AS c
                JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
                WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme) AND c.coding = k.coding
                  AND (p_metadata IS NULL OR m.metadata @> p_metadata)
                  AND (p_since IS NULL OR m.created_at >= p_since) AND (p_until IS NULL OR m.created_at < p_until)
                  AND (m.expires_at IS NULL OR m.expires_at > now())
                  AND (p_filter IS NULL OR public.st_chat_matches(m.metadata, p_filter))
                ORDER BY 1);
            remaining := remaining || ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
            near := near[1 : most];
        ELSE
            most := most + cardinality(gone);  -- which are among them, at worst
            last := last + cardinality(gone);
            IF p_theme IS NOT NULL THEN
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
        END IF;
        IF cardinality(near) > last AND p_k > 0 AND k.slack IS NOT NULL AND k.own THEN
            average := ((unit <#> k.low::public.vector) + (unit <#> k.high::public.vector)) / -2;
            IF NOT by_age THEN
                near := trim_array(near, cardinality(near) - width_bucket(((near[last] >> 52) + k.slack + 1) << 52, near));
            END IF;
        END IF;
        IF by_meaning AND k.own THEN
            memories := memories || ARRAY(SELECT n.near & 4503599627370495 FROM unnest(near) AS n (near));
        END IF;
    END LOOP;
    IF codings > 1 THEN  -- one that was coded again, or got its vector, in between
        memories := ARRAY(SELECT DISTINCT u.memory FROM unnest(memories) AS u (memory));
    END IF;
    IF cardinality(words) > 0 THEN
        SELECT coalesce(array_agg(w.memory), '{}'), array_agg(w.bm25) INTO memories, bm25
        FROM public.st_chat_memories_by_words(
            p_userid, words, p_theme, CASE WHEN filtered THEN coalesce(remaining, '{}') END, gone, memories,
            greatest(2 * p_k, CASE WHEN by_meaning THEN 20 ELSE 100 END * CASE WHEN by_age THEN 10 ELSE 1 END)) AS w;
    END IF;
    RETURN QUERY
    WITH compared AS MATERIALIZED (
        SELECT m.primarykey, m.updated_at, CASE WHEN by_words THEN coalesce(n.bm25, 0) END AS told,
               CASE WHEN by_meaning AND v.vector IS NOT NULL THEN coalesce(1 - nullif(v.vector <=> p_vector, 'NaN'), 0)
               END AS cosine
        FROM unnest(memories, bm25) AS n (memory, bm25)
        JOIN public.st_chat_history_vector_table AS m ON m.primarykey = n.memory AND m.userid = p_userid
        CROSS JOIN LATERAL (SELECT CASE WHEN m.embedding_model IS NOT DISTINCT FROM of THEN m.chat_vector ELSE (
            SELECT s.vector FROM public.st_chat_memory_second AS s
            WHERE s.memory = m.primarykey AND s.model IS NOT DISTINCT FROM of) END AS vector OFFSET 0) AS v
        WHERE m.expires_at IS NULL OR m.expires_at > now()
    ), spread AS MATERIALIZED (
        SELECT max(c.cosine) AS best, least(average, avg(c.cosine)) AS base FROM compared AS c
    ), parts AS (
        SELECT c.*, CASE WHEN c.cosine IS NULL THEN NULL
                         WHEN s.best - s.base > 1e-6 THEN greatest(0, (c.cosine - s.base) / (s.best - s.base))
                         WHEN by_meaning THEN 1 END AS meant
        FROM compared AS c CROSS JOIN spread AS s
    ), fused AS (
        SELECT p.*, CASE WHEN NOT by_words THEN p.cosine WHEN NOT by_meaning THEN p.told
                         ELSE (coalesce(p.meant, 0) + p.told) / 2 END AS total
        FROM parts AS p WHERE p.cosine IS NOT NULL OR p.told > 0
    ), best AS MATERIALIZED (
        SELECT f.primarykey, f.cosine, f.meant, f.told,
               CASE WHEN by_age AND f.total > 0 THEN f.total * (1 - p_recency + p_recency * 0.5::float8 ^ least(
                        greatest(extract(epoch FROM now() - f.updated_at), 0)::float8 / p_half_life, 200::float8))
                    ELSE f.total END AS total
        FROM fused AS f ORDER BY total DESC, f.cosine DESC NULLS LAST, f.primarykey LIMIT p_k
    )
    SELECT m.primarykey, m.theme, m.chatid, CASE WHEN p.part = 0 THEN m.metadata END, b.cosine, p.part,
           substr(m.chat_summary, 1 + 7000 * p.part, 7000), b.total, b.meant, b.told,
           public.st_chat_memory_id(m.id, m.primarykey), m.created_at, m.updated_at, m.expires_at
    FROM best AS b
    JOIN public.st_chat_history_vector_table AS m ON m.primarykey = b.primarykey AND m.userid = p_userid
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(m.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY b.total DESC, b.cosine DESC NULLS LAST, b.primarykey, p.part;
END
$$;

DROP FUNCTION st_chat_export_memories(text, bigint, int);

-- As in 0032, with the model of the vector.
CREATE FUNCTION st_chat_export_memories(p_userid text, p_after bigint, p_limit int) RETURNS TABLE (
    primarykey bigint, id text, theme text, chatid bigint, metadata jsonb, created_at timestamptz, updated_at timestamptz,
    expires_at timestamptz, vector text, embedding_model text, part int, chat_summary text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    RETURN QUERY
    SELECT m.primarykey, public.st_chat_memory_id(m.id, m.primarykey), m.theme, m.chatid,
           CASE WHEN p.part = 0 THEN m.metadata END, m.created_at, m.updated_at, m.expires_at,
           CASE WHEN p.part = 0 THEN m.chat_vector::text END,
           coalesce(m.embedding_model, 'cohere.embed-multilingual-v3'), p.part, substr(m.chat_summary, 1 + 7000 * p.part, 7000)
    FROM (SELECT o.* FROM public.st_chat_memory_code AS c
          JOIN public.st_chat_history_vector_table AS o ON o.primarykey = c.memory AND o.userid = p_userid
          WHERE c.userid = p_userid AND c.memory > p_after AND (o.expires_at > now()) IS NOT FALSE
          ORDER BY c.memory LIMIT p_limit) AS m
    CROSS JOIN LATERAL generate_series(0, (greatest(char_length(m.chat_summary), 1) - 1) / 7000) AS p (part)
    ORDER BY m.primarykey, p.part;
END
$$;

DROP FUNCTION st_chat_memory_fit(int);

-- As in 0015, for each model that memories have. `memories`: about how many. While memories move to the model, no question
-- is asked, since recall finds those too whose vectors are not in their rows.
CREATE FUNCTION st_chat_memory_fit(p_questions int) RETURNS TABLE (
    model text, memories bigint, codings bigint, learned_of bigint, questions int, recall float8, worst float8
) LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
DECLARE
    pages CONSTANT float8 := greatest(1, pg_relation_size('public.st_chat_history_vector_table') / 8192);
    highest CONSTANT bigint := (SELECT max(c.memory) FROM public.st_chat_memory_code AS c);
    several CONSTANT boolean := (SELECT count(DISTINCT coalesce(k.model, '')) > 1 FROM public.st_chat_memory_coding AS k);
    asked record;
    nearest bigint[];
    share float8;
BEGIN
    FOR model, codings, learned_of IN
        SELECT k.model, count(*), (array_agg(k.learned_of ORDER BY k.coding DESC))[1]
        FROM public.st_chat_memory_coding AS k WHERE NOT k.second GROUP BY k.model ORDER BY k.model NULLS FIRST
    LOOP
        memories := highest;
        IF several THEN
            memories := (SELECT count(*) FILTER (WHERE s.embedding_model IS NOT DISTINCT FROM model) * highest
                                / greatest(1, count(*))
                         FROM public.st_chat_history_vector_table AS s TABLESAMPLE SYSTEM (least(100, 100 * 300 / pages)));
        END IF;
        questions := 0;
        recall := 0;
        worst := NULL;
        FOR asked IN
            SELECT s.userid, s.chat_vector FROM (
                SELECT m.userid, m.chat_vector
                FROM public.st_chat_history_vector_table AS m TABLESAMPLE SYSTEM (least(100, 100 * 300 / pages))
                WHERE m.embedding_model IS NOT DISTINCT FROM model) AS s
            WHERE NOT EXISTS (SELECT FROM public.st_chat_memory_coding AS k
                              WHERE k.second AND k.model IS NOT DISTINCT FROM st_chat_memory_fit.model)
              AND (SELECT count(*) FROM (SELECT FROM public.st_chat_memory_code AS c
                                         WHERE c.userid = s.userid LIMIT 1001) AS n) > 1000
            ORDER BY random() LIMIT p_questions
        LOOP
            nearest := ARRAY(
                SELECT m.primarykey FROM public.st_chat_memory_code AS c
                JOIN public.st_chat_history_vector_table AS m ON m.primarykey = c.memory
                WHERE c.userid = asked.userid AND m.embedding_model IS NOT DISTINCT FROM model
                ORDER BY (m.chat_vector <=> asked.chat_vector) + 0, m.primarykey LIMIT 10);
            SELECT count(DISTINCT r.primarykey) / 10.0 INTO share
            FROM public.st_chat_recall(asked.userid, asked.chat_vector, 10, p_model => model) AS r
            WHERE r.primarykey = ANY (nearest);
            questions := questions + 1;
            recall := recall + share;
            worst := least(worst, share);
        END LOOP;
        recall := CASE WHEN questions > 0 THEN recall / questions END;
        RETURN NEXT;
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_recall, st_chat_export_memories, st_chat_memory_fit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_recall, st_chat_export_memories TO st_chat_app;
