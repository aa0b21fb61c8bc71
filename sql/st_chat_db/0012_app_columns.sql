-- A row's key comes from its sequence alone: with one ahead of it, written by hand, the next calls of every user would
-- fail as duplicates. So the application may write every column but that one. It may not move the sequence either:
-- USAGE lets it take the next value, not set one.
DO $$
DECLARE
    name regclass;
    written text;
BEGIN
    FOREACH name IN ARRAY ARRAY['st_chat_history_table', 'st_chat_history_vector_table']::regclass[] LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO written FROM pg_attribute
        WHERE attrelid = name AND attnum > 0 AND NOT attisdropped AND attname <> 'primarykey';
        EXECUTE format('REVOKE INSERT, UPDATE ON %s FROM st_chat_app', name);
        EXECUTE format('GRANT INSERT (%s), UPDATE (%s) ON %s TO st_chat_app', written, written, name);
    END LOOP;
END
$$;
