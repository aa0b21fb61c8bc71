-- stchat: allow drop: the signs, which the new codes have taken the place of, with their index st_chat_memory_code_search
--
-- In a file of its own: a trigger or a recall that was at work when 0015 came has ended before this can begin.
ALTER TABLE st_chat_memory_code DROP COLUMN code;
