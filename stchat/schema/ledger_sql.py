"""The statements of the ledger: its table `schema_migrations`, one row for each file that was begun."""

CREATE = """
CREATE TABLE IF NOT EXISTS public.schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    deploy text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    duration_ms bigint,
    statements integer NOT NULL DEFAULT 0,
    done text NOT NULL DEFAULT '',
    tries integer NOT NULL DEFAULT 0,
    error text,
    holder text,
    lease_until timestamptz
)"""

READ = """
SELECT version, name, checksum, deploy, started_at, applied_at, duration_ms, statements, done, error,
       holder IS NOT NULL AS owned
FROM public.schema_migrations ORDER BY version"""

ACQUIRE = """
WITH setting AS MATERIALIZED (SELECT set_config('lock_timeout', :lock_timeout, true))
INSERT INTO public.schema_migrations AS m (version, name, checksum, deploy, holder, lease_until)
SELECT :version, :name, :checksum, :deploy, :holder, clock_timestamp() + make_interval(secs => :lease)
FROM setting
ON CONFLICT (version) DO UPDATE SET
    name = excluded.name, checksum = excluded.checksum, deploy = excluded.deploy,
    holder = excluded.holder, lease_until = excluded.lease_until, error = NULL,
    started_at = CASE WHEN m.deploy = excluded.deploy THEN m.started_at ELSE excluded.started_at END,
    tries = CASE WHEN m.deploy = excluded.deploy THEN m.tries ELSE -least(1, abs(m.tries)) END
WHERE m.applied_at IS NULL
  AND (m.holder = excluded.holder
       OR (m.lease_until BETWEEN clock_timestamp() AND excluded.lease_until) IS NOT TRUE)
RETURNING statements, done, tries, pg_backend_pid() AS pid"""

ADVANCE = """
UPDATE public.schema_migrations SET
    statements = :statements, done = :done, tries = 0,
    applied_at = CASE WHEN :applied THEN clock_timestamp() END,
    duration_ms = CASE WHEN :applied
        THEN greatest(0, 1000 * extract(epoch FROM clock_timestamp() - started_at)) END,
    holder = CASE WHEN :applied THEN NULL ELSE holder END,
    lease_until = CASE WHEN :applied THEN NULL ELSE lease_until END
WHERE version = :version AND holder = :holder AND applied_at IS NULL"""

TRY = """
UPDATE public.schema_migrations SET tries = :tries
WHERE version = :version AND holder = :holder AND applied_at IS NULL"""

# A runner that is neither this one nor gone keeps its row.
POSTPONE = """
INSERT INTO public.schema_migrations AS m (version, name, checksum, deploy, tries, error, holder, lease_until)
SELECT :version, :name, :checksum, :deploy, 1, :reason, 'none', clock_timestamp()
ON CONFLICT (version) DO UPDATE SET
    name = excluded.name, checksum = excluded.checksum, deploy = excluded.deploy,
    error = excluded.error, holder = excluded.holder, lease_until = excluded.lease_until,
    started_at = CASE WHEN m.deploy = excluded.deploy THEN m.started_at ELSE excluded.started_at END,
    tries = CASE WHEN m.deploy = excluded.deploy THEN greatest(0, m.tries) ELSE 0 END + 1
WHERE m.applied_at IS NULL
  AND (m.holder = :holder
       OR (m.lease_until BETWEEN clock_timestamp() AND clock_timestamp() + make_interval(secs => :lease)) IS NOT TRUE)
RETURNING tries"""

PAUSE = """
UPDATE public.schema_migrations SET lease_until = clock_timestamp() + make_interval(secs => :seconds)
WHERE version = :version AND holder = 'none' AND applied_at IS NULL"""

FAIL = """
UPDATE public.schema_migrations SET error = :error, tries = 0, holder = NULL, lease_until = NULL
WHERE version = :version AND holder IN (:holder, 'none') AND applied_at IS NULL"""

RELEASE = """
UPDATE public.schema_migrations SET holder = NULL, lease_until = NULL
WHERE holder = :holder AND applied_at IS NULL"""

BASELINE = """
INSERT INTO public.schema_migrations (version, name, checksum, deploy, applied_at, duration_ms, statements)
VALUES (:version, :name, :checksum, :deploy, clock_timestamp(), 0, :statements)"""
