-- stchat: non-transactional
--
-- Each step is a transaction of its own, and done once: a deploy that is cut short goes on from the next. Rows that are
-- written meanwhile have their codes from the triggers.
SELECT st_chat_memory_fill(0.25);
SELECT st_chat_memory_fill(0.5);
SELECT st_chat_memory_fill(0.75);
SELECT st_chat_memory_fill(1);
