-- stchat: allow drop: functions that are made anew with a model among their parameters or columns
--
-- Which model a vector is of (docs/decisions/0440). NULL is the model of the baseline configuration,
-- cohere.embed-multilingual-v3, so that no row is written anew. A coding is of one model's vectors, so the coding of a
-- memory's code says the model too, and a question is compared with codes and vectors of its own model alone.
ALTER TABLE st_chat_history_vector_table ADD COLUMN embedding_model text;
GRANT INSERT (embedding_model), UPDATE (embedding_model) ON st_chat_history_vector_table TO st_chat_app;

ALTER TABLE st_chat_memory_coding
    ADD COLUMN model text,
    ADD COLUMN second boolean NOT NULL DEFAULT false;  -- of st_chat_memory_second, while memories move to another model

COMMENT ON TABLE st_chat_memory_coding IS
    'How st_chat_memory_code.near is coded: one row a model, and two while memories are coded anew. docs/decisions/0420, 0440.';

-- One spelling of the baseline's model.
CREATE FUNCTION st_chat_model(p_model text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(p_model, 'cohere.embed-multilingual-v3');

-- The vectors of another model than that of the memory's row, while memories move from one model to another: two do not lie in
-- one page. Written by the owner alone; the memories' triggers keep it as they are.
CREATE TABLE st_chat_memory_second (
    memory bigint PRIMARY KEY,
    userid text NOT NULL,
    theme text NOT NULL,
    model text,
    coding int NOT NULL,
    near bit(2048) NOT NULL,
    vector vector(1024) STORAGE PLAIN NOT NULL
) WITH (
    toast_tuple_target = 8160,
    -- As st_chat_memory_code: the search reads the index alone where pages are known to be visible.
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.01
);

CREATE INDEX st_chat_memory_second_near ON st_chat_memory_second (userid, theme, memory) INCLUDE (near, coding);

COMMENT ON TABLE st_chat_memory_second IS
    'Vectors of memories by the model that they are moved to: empty but during a move. docs/decisions/0440.';

REVOKE INSERT ON st_chat_memory_second FROM st_chat_app;
ALTER TABLE st_chat_memory_second ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON st_chat_memory_second FOR SELECT TO st_chat_app
    USING (userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own_changed ON st_chat_memory_second FOR UPDATE TO st_chat_app
    USING (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own_gone ON st_chat_memory_second FOR DELETE TO st_chat_app
    USING (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY everyones ON st_chat_memory_second FOR SELECT TO st_chat_read USING (true);

CREATE FUNCTION st_chat_memory_second_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    -- Of another text than before, or of the model that the row has now.
    DELETE FROM public.st_chat_memory_second AS s
    WHERE s.memory = OLD.primarykey
      AND (NEW.chat_summary <> OLD.chat_summary OR s.model IS NOT DISTINCT FROM NEW.embedding_model);
    IF (NEW.primarykey, NEW.userid, NEW.theme) <> (OLD.primarykey, OLD.userid, OLD.theme) THEN
        UPDATE public.st_chat_memory_second AS s SET memory = NEW.primarykey, userid = NEW.userid, theme = NEW.theme
        WHERE s.memory = OLD.primarykey;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION st_chat_memory_second_gone() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM public.st_chat_memory_second AS s WHERE s.memory = OLD.primarykey;
    RETURN NULL;
END
$$;

CREATE FUNCTION st_chat_memory_second_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE public.st_chat_memory_second;
    RETURN NULL;
END
$$;

CREATE TRIGGER st_chat_memory_second_changed
    AFTER UPDATE OF primarykey, userid, theme, chat_summary, embedding_model ON st_chat_history_vector_table FOR EACH ROW
    WHEN ((OLD.primarykey, OLD.userid, OLD.theme, OLD.chat_summary, OLD.embedding_model)
          IS DISTINCT FROM (NEW.primarykey, NEW.userid, NEW.theme, NEW.chat_summary, NEW.embedding_model))
    EXECUTE FUNCTION st_chat_memory_second_changed();
CREATE TRIGGER st_chat_memory_second_gone AFTER DELETE ON st_chat_history_vector_table
    FOR EACH ROW EXECUTE FUNCTION st_chat_memory_second_gone();
CREATE TRIGGER st_chat_memory_second_emptied AFTER TRUNCATE ON st_chat_history_vector_table
    FOR EACH STATEMENT EXECUTE FUNCTION st_chat_memory_second_emptied();

-- The newest coding of a model's vectors, those of rows or second ones. If there is none, it is made, for vectors that lie
-- evenly around zero, as 0013 does. One at a time; no reader waits.
CREATE FUNCTION st_chat_memory_make_coding(p_model text, p_second boolean) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    made int;
BEGIN
    IF octet_length(p_model) NOT BETWEEN 1 AND 200 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'embedding_model must have 1 to 200 bytes';
    END IF;
    LOCK TABLE public.st_chat_memory_coding IN SHARE ROW EXCLUSIVE MODE;
    made := (SELECT max(k.coding) FROM public.st_chat_memory_coding AS k
             WHERE k.second = p_second AND k.model IS NOT DISTINCT FROM p_model);
    IF made IS NULL THEN
        IF (SELECT count(DISTINCT k.model) FROM public.st_chat_memory_coding AS k) >= 20 THEN
            RAISE program_limit_exceeded USING MESSAGE = 'memories are of 20 embedding models already';
        END IF;
        INSERT INTO public.st_chat_memory_coding (coding, low, high, model, second)
        SELECT max(k.coding) + 1, array_fill((-0.7 / 32)::real, ARRAY[1024])::public.halfvec,
               array_fill((0.7 / 32)::real, ARRAY[1024])::public.halfvec, p_model, p_second
        FROM public.st_chat_memory_coding AS k
        RETURNING coding INTO made;
    END IF;
    RETURN made;
END
$$;

-- Of rows, for the triggers: with the owner's rights, since the application may not write codings.
CREATE FUNCTION st_chat_memory_coding_of(p_model text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest CONSTANT int := (SELECT max(k.coding) FROM public.st_chat_memory_coding AS k
                            WHERE NOT k.second AND k.model IS NOT DISTINCT FROM p_model);
BEGIN
    RETURN coalesce(newest, public.st_chat_memory_make_coding(p_model, false));
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_memory_make_coding, st_chat_memory_coding_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_model, st_chat_memory_coding_of TO st_chat_app;
