-- The two roles of the application. Roles belong to the whole cluster, so another database's migrations may have
-- made them already. They cannot log in until the deploy has keyed them with their secrets (docs/migrations.md).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'st_chat_app') THEN
        CREATE ROLE st_chat_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'st_chat_read') THEN
        CREATE ROLE st_chat_read NOLOGIN;
    END IF;
END
$$;

-- PostgreSQL lets everyone connect to every database; these two shall reach one.
REVOKE ALL ON DATABASE postgres, template1, st_chat_db FROM PUBLIC;
GRANT CONNECT ON DATABASE st_chat_db TO st_chat_app, st_chat_read;
