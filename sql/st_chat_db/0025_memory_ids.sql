-- Memories by their ids (docs/decisions/0430): what tells one from another, and how one user's writers wait for each other.

-- A memory without an id of the caller's is one with (userid, theme, chatid, summary); with one it is one with its id, so
-- that the same summary may stand under two ids. No text holds NUL, so an id's digest is no summary's.
CREATE FUNCTION st_chat_memory_digest(p_id text, p_summary text) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN substr(sha256(CASE WHEN p_id IS NULL OR p_id ~ '^m_[0-9a-f]{32}$' THEN convert_to(p_summary, 'UTF8')
                          ELSE '\x00'::bytea || convert_to(p_id, 'UTF8') END), 1, 16);

CREATE OR REPLACE FUNCTION st_chat_memory_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
BEGIN
    INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
    SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid, public.st_chat_memory_digest(NEW.id, NEW.chat_summary),
           public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), k.coding
    FROM public.st_chat_memory_coding AS k ORDER BY k.coding DESC LIMIT 1
    ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
    IF FOUND THEN
        RETURN NEW;
    END IF;
    RETURN NULL;  -- it is known: no row, and no error
END
$$;

-- A memory that becomes the same as another one stays the second: its digest has its key in it, as in 0006.
CREATE OR REPLACE FUNCTION st_chat_memory_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
    told bytea := public.st_chat_memory_digest(NEW.id, NEW.chat_summary);
    was bytea;
BEGIN
    IF (NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid) = (OLD.primarykey, OLD.userid, OLD.theme, OLD.chatid)
       AND told = public.st_chat_memory_digest(OLD.id, OLD.chat_summary) THEN
        UPDATE public.st_chat_memory_code AS c
        SET near = public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), coding = k.coding
        FROM (SELECT * FROM public.st_chat_memory_coding ORDER BY coding DESC LIMIT 1) AS k
        WHERE c.memory = OLD.primarykey;
        RETURN NULL;
    END IF;
    DELETE FROM public.st_chat_memory_code AS c WHERE c.memory = OLD.primarykey;
    FOR attempt IN 1..2 LOOP
        INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
        SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid, told,
               public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), k.coding
        FROM public.st_chat_memory_coding AS k ORDER BY k.coding DESC LIMIT 1
        ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
        EXIT WHEN FOUND;
        told := substr(sha256(convert_to(NEW.primarykey || ' ' || NEW.chat_summary, 'UTF8')), 1, 16);
    END LOOP;
    RETURN NULL;
END
$$;

-- As in 0019, but for an UPDATE that names the columns and leaves their values.
CREATE OR REPLACE FUNCTION st_chat_memory_words_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF (NEW.primarykey, NEW.userid, NEW.theme, NEW.chat_summary) = (OLD.primarykey, OLD.userid, OLD.theme, OLD.chat_summary) THEN
        RETURN NULL;
    END IF;
    DELETE FROM public.st_chat_memory_words AS w
    WHERE w.userid = OLD.userid AND w.theme = OLD.theme AND w.memory = OLD.primarykey;
    INSERT INTO public.st_chat_memory_words (userid, theme, memory, words)
    VALUES (NEW.userid, NEW.theme, NEW.primarykey, public.st_chat_words_code(NEW.userid, NEW.theme, NEW.chat_summary))
    ON CONFLICT (userid, theme, memory) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END
$$;

-- The memories of the user whom st_chat_as has named that have these ids, expired ones too. A made id is looked for among the
-- user's codes, in one look for all of them; made here as st_chat_memory_id does, whose call takes five times as long.
CREATE FUNCTION st_chat_memory_keys(p_userid text, p_ids text[]) RETURNS TABLE (id text, memory bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    made CONSTANT jsonb := (SELECT jsonb_object_agg(i.id, true) FROM unnest(p_ids) AS i (id) WHERE i.id ~ '^m_[0-9a-f]{32}$');
BEGIN
    RETURN QUERY
    SELECT i.id, m.primarykey FROM (SELECT DISTINCT u.id FROM unnest(p_ids) AS u (id)) AS i
    CROSS JOIN LATERAL (SELECT o.primarykey FROM public.st_chat_history_vector_table AS o
                        WHERE o.userid = p_userid AND o.id = i.id OFFSET 0) AS m;
    IF made IS NOT NULL THEN
        RETURN QUERY
        SELECT f.id, f.memory
        FROM (SELECT c.id, c.memory
              FROM (SELECT 'm_' || md5('st_chat_memory ' || o.memory) AS id, o.memory FROM public.st_chat_memory_code AS o
                    WHERE o.userid = p_userid OFFSET 0) AS c
              WHERE made ? c.id OFFSET 0) AS f
        WHERE EXISTS (SELECT FROM public.st_chat_history_vector_table AS m
                      WHERE m.primarykey = f.memory AND m.userid = p_userid AND m.id IS NULL);
    END IF;
END
$$;

-- Who names ids is alone among those who write this user's memories: an id may be at any place of the order in which all
-- others lock them.
CREATE FUNCTION st_chat_memory_lock(p_userid text, p_alone boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_alone THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('st_chat_memory ' || p_userid, 0));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('st_chat_memory ' || p_userid, 0));
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memory_keys, st_chat_memory_lock FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_memory_digest, st_chat_memory_keys, st_chat_memory_lock TO st_chat_app;
