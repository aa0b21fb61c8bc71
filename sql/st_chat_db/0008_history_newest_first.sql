-- stchat: non-transactional
--
-- A user's newest turns, page by page. By the negative key, which no other index has: by the key itself PostgreSQL may
-- take the primary key's index instead and walk over everyone's turns until it has met enough of this user's
-- (docs/decisions/0402).
CREATE INDEX CONCURRENTLY idx_st_chat_history_newest ON st_chat_history_table (userid, (-primarykey));
CREATE INDEX CONCURRENTLY idx_st_chat_history_theme_newest
    ON st_chat_history_table (userid, themename, (-primarykey)) INCLUDE (timestamp);
