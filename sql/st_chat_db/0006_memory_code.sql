-- What the search of one user's memories reads (docs/decisions/0400): the sign of each of a vector's 1024 numbers,
-- in one index with whose memory it is. 136 bytes instead of 4 KB, no graph, and it grows with the user's own rows alone.
-- A memory that is sent twice is one: (userid, theme, chatid, summary) is unique by the summary's digest.
CREATE TABLE st_chat_memory_code (
    memory bigint PRIMARY KEY CHECK (memory BETWEEN 0 AND 4503599627370495),  -- recall sorts it as 52 bits of a number
    userid text NOT NULL,
    theme text NOT NULL,
    chatid bigint NOT NULL,
    digest bytea NOT NULL,
    code bit(1024) NOT NULL
) WITH (
    -- Vacuumed after 1,000 rows, however large it is: the search reads the index alone where pages are known to be visible.
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.01
);

CREATE UNIQUE INDEX st_chat_memory_code_search
    ON st_chat_memory_code (userid, theme, chatid, digest) INCLUDE (code, memory);

COMMENT ON TABLE st_chat_memory_code IS
    'One row for each of st_chat_history_vector_table, which its triggers keep. Never written by hand.';

-- A new row's vector lies in its row, not in three pieces elsewhere: comparing it takes half the time
-- (docs/decisions/0400). Old rows stay as they are.
ALTER TABLE st_chat_history_vector_table ALTER COLUMN chat_vector SET STORAGE PLAIN;
ALTER TABLE st_chat_history_vector_table SET (toast_tuple_target = 8160);

-- The trigger functions run as whoever writes the memory, so that row security (0009) holds in them too.
CREATE FUNCTION st_chat_memory_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, code)
    VALUES (NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid,
            substr(sha256(convert_to(NEW.chat_summary, 'UTF8')), 1, 16),
            public.binary_quantize(NEW.chat_vector)::bit(1024))
    ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
    IF FOUND THEN
        RETURN NEW;
    END IF;
    RETURN NULL;  -- it is known: no row, and no error
END
$$;

CREATE FUNCTION st_chat_memory_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    UPDATE public.st_chat_memory_code SET
        memory = NEW.primarykey, userid = NEW.userid, theme = NEW.theme, chatid = NEW.chatid,
        digest = CASE WHEN NEW.chat_summary = OLD.chat_summary THEN digest
                      ELSE substr(sha256(convert_to(NEW.chat_summary, 'UTF8')), 1, 16) END,
        code = public.binary_quantize(NEW.chat_vector)::bit(1024)
    WHERE memory = OLD.primarykey;
    RETURN NULL;
END
$$;

CREATE FUNCTION st_chat_memory_gone() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM public.st_chat_memory_code WHERE memory = OLD.primarykey;
    RETURN NULL;
END
$$;

CREATE FUNCTION st_chat_memory_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE public.st_chat_memory_code;
    RETURN NULL;
END
$$;

CREATE TRIGGER st_chat_memory_added BEFORE INSERT ON st_chat_history_vector_table
    FOR EACH ROW EXECUTE FUNCTION st_chat_memory_added();
CREATE TRIGGER st_chat_memory_changed
    AFTER UPDATE OF primarykey, userid, theme, chatid, chat_summary, chat_vector ON st_chat_history_vector_table
    FOR EACH ROW EXECUTE FUNCTION st_chat_memory_changed();
CREATE TRIGGER st_chat_memory_gone AFTER DELETE ON st_chat_history_vector_table
    FOR EACH ROW EXECUTE FUNCTION st_chat_memory_gone();
CREATE TRIGGER st_chat_memory_emptied AFTER TRUNCATE ON st_chat_history_vector_table
    FOR EACH STATEMENT EXECUTE FUNCTION st_chat_memory_emptied();

-- The codes of rows that have none: those from before the triggers, or written while triggers were off. `p_share`: of
-- the primary keys, from the lowest. FOR SHARE: who changes one of these rows meanwhile waits, so that his trigger
-- finds the code. Two old rows that are the same memory stay two: the second one's digest has its key in it.
CREATE FUNCTION st_chat_memory_fill(p_share float8) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    highest bigint := (SELECT (max(primarykey) * p_share)::bigint FROM public.st_chat_history_vector_table);
    filled bigint;
    doubles bigint;
BEGIN
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, code)
    SELECT m.primarykey, m.userid, m.theme, m.chatid, substr(sha256(convert_to(m.chat_summary, 'UTF8')), 1, 16),
           public.binary_quantize(m.chat_vector)::bit(1024)
    FROM public.st_chat_history_vector_table AS m
    WHERE m.primarykey <= highest
      AND NOT EXISTS (SELECT FROM public.st_chat_memory_code AS c WHERE c.memory = m.primarykey)
    FOR SHARE OF m
    ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
    GET DIAGNOSTICS filled = ROW_COUNT;
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, code)
    SELECT m.primarykey, m.userid, m.theme, m.chatid,
           substr(sha256(convert_to(m.primarykey || ' ' || m.chat_summary, 'UTF8')), 1, 16),
           public.binary_quantize(m.chat_vector)::bit(1024)
    FROM public.st_chat_history_vector_table AS m
    WHERE m.primarykey <= highest
      AND NOT EXISTS (SELECT FROM public.st_chat_memory_code AS c WHERE c.memory = m.primarykey)
    FOR SHARE OF m;
    GET DIAGNOSTICS doubles = ROW_COUNT;
    RETURN filled + doubles;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memory_fill FROM PUBLIC;
