-- stchat: non-transactional
--
-- As in 0007: each step is a transaction of its own, and done once. Rows that are written meanwhile have theirs from the
-- triggers.
SELECT done, busy FROM st_chat_memory_recode(0, (SELECT (max(memory) * 0.25)::bigint FROM st_chat_memory_code), true);
SELECT done, busy FROM st_chat_memory_recode(0, (SELECT (max(memory) * 0.5)::bigint FROM st_chat_memory_code), true);
SELECT done, busy FROM st_chat_memory_recode(0, (SELECT (max(memory) * 0.75)::bigint FROM st_chat_memory_code), true);
SELECT done, busy FROM st_chat_memory_recode(0, (SELECT max(memory) + 1 FROM st_chat_memory_code), true);
-- From here on nobody can leave it out; a trigger that was at work when 0013 came may have, and comes to an end before this.
ALTER TABLE st_chat_memory_code
    ADD CONSTRAINT st_chat_memory_code_coded CHECK (near IS NOT NULL AND coding IS NOT NULL) NOT VALID;
SELECT done AS again, busy FROM st_chat_memory_recode(0, (SELECT max(memory) + 1 FROM st_chat_memory_code), true);
CREATE UNIQUE INDEX CONCURRENTLY st_chat_memory_code_near
    ON st_chat_memory_code (userid, theme, chatid, digest) INCLUDE (near, memory, coding);
