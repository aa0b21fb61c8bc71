-- Rows, not the schema: no CREATE, no ownership, and not the ledger of migrations.
GRANT SELECT, INSERT, UPDATE, DELETE ON st_chat_history_table, st_chat_history_vector_table TO st_chat_app;
GRANT USAGE ON SEQUENCE
    st_chat_history_table_primarykey_seq, st_chat_history_vector_table_primarykey_seq TO st_chat_app;
GRANT SELECT ON st_chat_history_table, st_chat_history_vector_table TO st_chat_read;

-- The same for what later migrations make.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO st_chat_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO st_chat_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO st_chat_read;
