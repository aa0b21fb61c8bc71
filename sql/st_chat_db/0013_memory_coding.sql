-- Codes that fit real vectors (docs/decisions/0420). The signs of 0006 say little of vectors that do not lie evenly around
-- zero, as a model's do not. A coding has two thresholds for each of the 1024 numbers, learned from the rows: a code says of
-- each number whether it is above the one, and above the other. Bits that differ count how far two vectors lie apart.
CREATE TABLE st_chat_memory_coding (
    coding int PRIMARY KEY,
    low halfvec(1024) STORAGE PLAIN NOT NULL,
    high halfvec(1024) STORAGE PLAIN NOT NULL,
    slack int,                -- bits more than the k-th best that are worth an exact comparison; NULL until learned
    learned_of bigint,        -- the highest key of the memories when it was learned
    learned_at timestamptz NOT NULL DEFAULT now(),
    fence xid8                -- transactions from here on know this coding
);

COMMENT ON TABLE st_chat_memory_coding IS
    'How st_chat_memory_code.near is coded: one row, and two while memories are coded anew. docs/decisions/0420.';

-- What a table has until it can be learned from: made for vectors that lie evenly around zero.
INSERT INTO st_chat_memory_coding (coding, low, high)
VALUES (0, array_fill((-0.7 / 32)::real, ARRAY[1024])::halfvec, array_fill((0.7 / 32)::real, ARRAY[1024])::halfvec);

REVOKE INSERT, UPDATE, DELETE ON st_chat_memory_coding FROM st_chat_app;
ALTER TABLE st_chat_memory_coding ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyones ON st_chat_memory_coding FOR SELECT TO st_chat_app, st_chat_read USING (true);

CREATE FUNCTION st_chat_memory_near(p_vector vector, p_low halfvec, p_high halfvec) RETURNS bit
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN public.binary_quantize(p_vector - p_low::public.vector) || public.binary_quantize(p_vector - p_high::public.vector);

ALTER TABLE st_chat_memory_code ADD COLUMN near bit(2048), ADD COLUMN coding int;

-- The triggers write both codes until recall reads the new ones (0015). A transaction has its number before it looks for
-- the coding, so that the coding's fence tells whether one that knows only an older coding is still at work.
CREATE OR REPLACE FUNCTION st_chat_memory_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
BEGIN
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, code, near, coding)
    SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid,
           substr(sha256(convert_to(NEW.chat_summary, 'UTF8')), 1, 16),
           public.binary_quantize(NEW.chat_vector)::bit(1024),
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
        code = public.binary_quantize(NEW.chat_vector)::bit(1024),
        near = public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), coding = k.coding
    FROM (SELECT * FROM public.st_chat_memory_coding ORDER BY coding DESC LIMIT 1) AS k
    WHERE c.memory = OLD.primarykey;
    RETURN NULL;
END
$$;

-- Codes by the newest coding those memories from p_from to before p_to that have an older one, or none. `done`: how many
-- were; `busy`: how many are left because somebody changes them now, unless p_wait. FOR SHARE: who changes one of these
-- rows meanwhile waits, so that his trigger's code is the later one.
CREATE FUNCTION st_chat_memory_recode(p_from bigint, p_to bigint, p_wait boolean DEFAULT false)
RETURNS TABLE (done bigint, busy bigint) LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off AS $$
DECLARE
    newest CONSTANT int := (SELECT max(k.coding) FROM public.st_chat_memory_coding AS k);
    older CONSTANT bigint[] := ARRAY(
        SELECT c.memory FROM public.st_chat_memory_code AS c
        WHERE c.memory >= p_from AND c.memory < p_to AND c.coding IS DISTINCT FROM newest ORDER BY c.memory);
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
    WHERE c.memory = ANY (held) AND m.primarykey = c.memory AND k.coding = newest;
    GET DIAGNOSTICS done = ROW_COUNT;
    busy := (SELECT count(*) FROM public.st_chat_memory_code AS c
             WHERE c.memory = ANY (older) AND c.coding IS DISTINCT FROM newest);
    RETURN NEXT;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memory_recode FROM PUBLIC;
