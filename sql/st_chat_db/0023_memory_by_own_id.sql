-- stchat: non-transactional
-- stchat: allow drop: st_chat_memory_by_id serves no query under row security, whose function is not leakproof
--
-- One memory by the id that the caller gave it: compared as a column, since row security lets an index be searched by nothing
-- else. A made id is not stored; it is looked for among the user's codes (docs/decisions/0430).
CREATE UNIQUE INDEX CONCURRENTLY st_chat_memory_by_own_id
    ON st_chat_history_vector_table (userid, id) WHERE id IS NOT NULL;
DROP INDEX CONCURRENTLY st_chat_memory_by_id;
