-- stchat: non-transactional
--
-- One memory by the id that the caller gave it: compared as a column, since row security lets an index be searched by nothing
-- else. A made id is not stored; it is looked for among the user's codes (docs/decisions/0430).
CREATE UNIQUE INDEX CONCURRENTLY st_chat_memory_by_own_id
    ON st_chat_history_vector_table (userid, id) WHERE id IS NOT NULL;
-- What of one user has expired, without a look at what has not.
CREATE INDEX CONCURRENTLY st_chat_memory_expiry
    ON st_chat_history_vector_table (userid, expires_at) INCLUDE (primarykey) WHERE expires_at IS NOT NULL;
CREATE INDEX CONCURRENTLY st_chat_history_expiry
    ON st_chat_history_table (userid, expires_at) WHERE expires_at IS NOT NULL;
