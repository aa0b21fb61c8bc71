-- stchat: allow drop, index: the old constraint kept the table at one row a user, so the new index is built at once
--
-- The source declares userid UNIQUE: one row for each user, which cannot hold a history, since the second thing
-- that a user says is refused. What is unique is one turn: the chatid within a theme of a user.
ALTER TABLE st_chat_history_table
    DROP CONSTRAINT st_chat_history_table_userid_key,
    ADD CONSTRAINT st_chat_history_table_userid_themename_chatid_key UNIQUE (userid, themename, chatid);
