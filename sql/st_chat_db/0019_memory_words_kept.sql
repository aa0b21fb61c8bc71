-- The words of the memories, kept by triggers as the codes are. The triggers are new ones: to create them waits for who
-- writes memories at that moment, so every memory that is written later has its words. Those from before get theirs in
-- steps (stchat/schema/memory_words.py), by a deploy.
CREATE TABLE st_chat_memory_words (
    userid text NOT NULL,
    theme text NOT NULL,
    memory bigint NOT NULL,
    words bytea STORAGE PLAIN NOT NULL,
    PRIMARY KEY (userid, theme, memory) INCLUDE (words)
) WITH (
    -- As st_chat_memory_code: the search reads the index alone where pages are known to be visible.
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.01
);

COMMENT ON TABLE st_chat_memory_words IS
    'One row for each of st_chat_history_vector_table, which its triggers keep. Never written by hand.';

CREATE FUNCTION st_chat_memory_words_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.st_chat_memory_words (userid, theme, memory, words)
    VALUES (NEW.userid, NEW.theme, NEW.primarykey, public.st_chat_words_code(NEW.userid, NEW.theme, NEW.chat_summary))
    ON CONFLICT (userid, theme, memory) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END
$$;

CREATE FUNCTION st_chat_memory_words_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM public.st_chat_memory_words AS w
    WHERE w.userid = OLD.userid AND w.theme = OLD.theme AND w.memory = OLD.primarykey;
    INSERT INTO public.st_chat_memory_words (userid, theme, memory, words)
    VALUES (NEW.userid, NEW.theme, NEW.primarykey, public.st_chat_words_code(NEW.userid, NEW.theme, NEW.chat_summary))
    ON CONFLICT (userid, theme, memory) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END
$$;

CREATE FUNCTION st_chat_memory_words_gone() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM public.st_chat_memory_words AS w
    WHERE w.userid = OLD.userid AND w.theme = OLD.theme AND w.memory = OLD.primarykey;
    RETURN NULL;
END
$$;

CREATE FUNCTION st_chat_memory_words_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE public.st_chat_memory_words;
    RETURN NULL;
END
$$;

CREATE TRIGGER st_chat_memory_words_added AFTER INSERT ON st_chat_history_vector_table
    FOR EACH ROW EXECUTE FUNCTION st_chat_memory_words_added();
CREATE TRIGGER st_chat_memory_words_changed
    AFTER UPDATE OF primarykey, userid, theme, chat_summary ON st_chat_history_vector_table
    FOR EACH ROW EXECUTE FUNCTION st_chat_memory_words_changed();
CREATE TRIGGER st_chat_memory_words_gone AFTER DELETE ON st_chat_history_vector_table
    FOR EACH ROW EXECUTE FUNCTION st_chat_memory_words_gone();
CREATE TRIGGER st_chat_memory_words_emptied AFTER TRUNCATE ON st_chat_history_vector_table
    FOR EACH STATEMENT EXECUTE FUNCTION st_chat_memory_words_emptied();

-- As of the codes (0009): a user's own to read, and written by the triggers alone.
ALTER TABLE st_chat_memory_words ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON st_chat_memory_words FOR SELECT TO st_chat_app
    USING (userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own_added ON st_chat_memory_words FOR INSERT TO st_chat_app
    WITH CHECK (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own_changed ON st_chat_memory_words FOR UPDATE TO st_chat_app
    USING (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own_gone ON st_chat_memory_words FOR DELETE TO st_chat_app
    USING (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY everyones ON st_chat_memory_words FOR SELECT TO st_chat_read USING (true);

-- How many memories have no words yet. They are found by their meaning meanwhile.
CREATE FUNCTION st_chat_memory_words_missing() RETURNS bigint LANGUAGE sql STABLE SET enable_seqscan = off SET jit = off
BEGIN ATOMIC
    SELECT count(*) FROM public.st_chat_memory_code AS c
    WHERE NOT EXISTS (SELECT FROM public.st_chat_memory_words AS w
                      WHERE w.userid = c.userid AND w.theme = c.theme AND w.memory = c.memory);
END;

-- The words of those among the next p_rows memories from key p_from on that have none. `after`: where the next step begins,
-- NULL: there are no more; `busy`: how many are left because somebody changes them now. FOR SHARE: who changes one of these
-- rows meanwhile waits, so that his trigger finds the words.
CREATE FUNCTION st_chat_memory_words_step(p_from bigint, p_rows int) RETURNS TABLE (after bigint, done bigint, busy bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    missing bigint[];
BEGIN
    after := (SELECT c.memory FROM public.st_chat_memory_code AS c
              WHERE c.memory >= p_from ORDER BY c.memory OFFSET p_rows LIMIT 1);
    missing := ARRAY(
        SELECT c.memory FROM public.st_chat_memory_code AS c
        WHERE c.memory >= p_from AND c.memory < coalesce(after, 4503599627370496)
          AND NOT EXISTS (SELECT FROM public.st_chat_memory_words AS w
                          WHERE w.userid = c.userid AND w.theme = c.theme AND w.memory = c.memory));
    WITH held AS MATERIALIZED (
        SELECT m.userid, m.theme, m.primarykey, m.chat_summary FROM public.st_chat_history_vector_table AS m
        WHERE m.primarykey = ANY (missing) ORDER BY m.primarykey FOR SHARE SKIP LOCKED)
    INSERT INTO public.st_chat_memory_words (userid, theme, memory, words)
    SELECT h.userid, h.theme, h.primarykey, public.st_chat_words_code(h.userid, h.theme, h.chat_summary) FROM held AS h
    ON CONFLICT (userid, theme, memory) DO NOTHING;
    GET DIAGNOSTICS done = ROW_COUNT;
    busy := (SELECT count(*) FROM public.st_chat_memory_code AS c
             WHERE c.memory = ANY (missing)
               AND NOT EXISTS (SELECT FROM public.st_chat_memory_words AS w
                               WHERE w.userid = c.userid AND w.theme = c.theme AND w.memory = c.memory));
    RETURN NEXT;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memory_words_missing, st_chat_memory_words_step FROM PUBLIC;
