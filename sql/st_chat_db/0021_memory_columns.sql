-- What a memory has besides: an id, when it was created and changed, and when it expires; a turn expires too
-- (docs/decisions/0430). Rows from before have the time of this migration, and expire never.
ALTER TABLE st_chat_history_vector_table
    ADD COLUMN id text,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN expires_at timestamptz;
ALTER TABLE st_chat_history_table ADD COLUMN expires_at timestamptz;

-- A memory's id: the caller's, or one made from its key, so that rows from before have theirs without being written anew.
CREATE FUNCTION st_chat_memory_id(p_id text, p_primarykey bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_id, 'm_' || md5('st_chat_memory ' || p_primarykey));

-- Every column but the key, as 0012 has it.
GRANT INSERT (id, created_at, updated_at, expires_at), UPDATE (id, created_at, updated_at, expires_at)
    ON st_chat_history_vector_table TO st_chat_app;
GRANT INSERT (expires_at), UPDATE (expires_at) ON st_chat_history_table TO st_chat_app;
GRANT EXECUTE ON FUNCTION st_chat_memory_id TO st_chat_app;
