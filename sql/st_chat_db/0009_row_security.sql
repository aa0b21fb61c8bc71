-- The application sees and writes the rows of the one user that the setting stchat.userid names, and without it none,
-- whatever SQL it sends (docs/decisions/0401). '' is what the setting falls back to in a session that has had it.
-- The SELECT around it makes it one look for a statement, not one for each row. The owner of the tables, and who it
-- lets read, see all.
ALTER TABLE st_chat_history_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE st_chat_history_vector_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE st_chat_memory_code ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON st_chat_history_table TO st_chat_app
    USING (userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own ON st_chat_history_vector_table TO st_chat_app
    USING (userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own ON st_chat_memory_code FOR SELECT TO st_chat_app
    USING (userid = (SELECT nullif(current_setting('stchat.userid', true), '')));

-- Codes are written by the memories' triggers alone.
CREATE POLICY own_added ON st_chat_memory_code FOR INSERT TO st_chat_app
    WITH CHECK (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own_changed ON st_chat_memory_code FOR UPDATE TO st_chat_app
    USING (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY own_gone ON st_chat_memory_code FOR DELETE TO st_chat_app
    USING (pg_trigger_depth() > 0 AND userid = (SELECT nullif(current_setting('stchat.userid', true), '')));

CREATE POLICY everyones ON st_chat_history_table FOR SELECT TO st_chat_read USING (true);
CREATE POLICY everyones ON st_chat_history_vector_table FOR SELECT TO st_chat_read USING (true);
CREATE POLICY everyones ON st_chat_memory_code FOR SELECT TO st_chat_read USING (true);
