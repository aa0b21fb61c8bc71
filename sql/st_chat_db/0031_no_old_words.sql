-- stchat: allow drop: what 0030 has taken the place of
--
-- In a file of its own: a recall that was at work when 0030 came has ended before this can begin.
DROP FUNCTION st_chat_memories_by_words(text, text[], text, jsonb, bigint[], int);
