-- stchat: non-transactional
--
-- One memory by its id; what of one user has expired, without a look at what has not.
CREATE UNIQUE INDEX CONCURRENTLY st_chat_memory_by_id
    ON st_chat_history_vector_table (userid, st_chat_memory_id(id, primarykey));
CREATE INDEX CONCURRENTLY st_chat_memory_expiry
    ON st_chat_history_vector_table (userid, expires_at) INCLUDE (primarykey) WHERE expires_at IS NOT NULL;
CREATE INDEX CONCURRENTLY st_chat_history_expiry
    ON st_chat_history_table (userid, expires_at) WHERE expires_at IS NOT NULL;
