-- What one session of the application may take from the others: a statement that never ends, a lock that is held by a
-- transaction in which nothing happens, every connection of the server. The Data API ends a statement after 45 s and a
-- transaction without a call after 3 minutes, so these are met by what goes past it. PostgreSQL lets a role change its
-- own settings: a deploy compares them with these and sets them again (docs/migrations.md).
ALTER ROLE st_chat_app SET statement_timeout = '60s';
ALTER ROLE st_chat_app SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE st_chat_app SET lock_timeout = '30s';
ALTER ROLE st_chat_app CONNECTION LIMIT 500;
ALTER ROLE st_chat_read SET statement_timeout = '60s';
ALTER ROLE st_chat_read SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE st_chat_read SET lock_timeout = '30s';
ALTER ROLE st_chat_read CONNECTION LIMIT 500;
