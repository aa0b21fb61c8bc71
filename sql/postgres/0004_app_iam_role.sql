-- The application's role for a direct connection that logs in by IAM (docs/transports.md). A role of its own beside
-- st_chat_app: rds_iam turns the password of its members off, and the Data API logs in with one. It is a member of
-- st_chat_app, so it has the same rights and sees the same rows. Where there is no rds_iam, no login as it succeeds.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'st_chat_app_iam') THEN
        CREATE ROLE st_chat_app_iam LOGIN;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') THEN
        GRANT rds_iam TO st_chat_app_iam;
    END IF;
END
$$;
GRANT st_chat_app TO st_chat_app_iam;

-- The limits of st_chat_app: a member does not inherit settings.
ALTER ROLE st_chat_app_iam SET statement_timeout = '60s';
ALTER ROLE st_chat_app_iam SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE st_chat_app_iam SET lock_timeout = '30s';
ALTER ROLE st_chat_app_iam CONNECTION LIMIT 500;
