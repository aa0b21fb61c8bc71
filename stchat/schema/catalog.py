"""What is in a database, as lines of text that can be compared: two databases with the same lines are the same.

Without the ledger, and without what belongs to an extension.
"""

from __future__ import annotations

from stchat.data_api import DataApi

_LINES = """
WITH own AS (
    SELECT oid, nspname AS name FROM pg_namespace
    WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'),
relation AS (
    SELECT c.*, own.name AS schema FROM pg_class AS c JOIN own ON own.oid = c.relnamespace
    WHERE c.relname NOT LIKE 'schema\\_migrations%'
      AND NOT EXISTS (SELECT FROM pg_depend AS d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')),
routine AS (
    SELECT p.* FROM pg_proc AS p JOIN own ON own.oid = p.pronamespace
    WHERE p.prokind <> 'a'
      AND NOT EXISTS (SELECT FROM pg_depend AS d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
SELECT 'extension ' || extname AS line FROM pg_extension
UNION ALL SELECT 'schema ' || name FROM own
UNION ALL
SELECT CASE relkind WHEN 'r' THEN 'table ' WHEN 'p' THEN 'partitioned table ' WHEN 'S' THEN 'sequence '
            WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' ELSE 'relation ' END
       || schema || '.' || relname || coalesce(' (' || array_to_string(reloptions, ', ') || ')', '')
       || CASE WHEN relkind IN ('v', 'm') THEN ' ' || pg_get_viewdef(oid) ELSE '' END
       || coalesce(' partition ' || pg_get_expr(relpartbound, oid), '')
       || CASE WHEN relforcerowsecurity THEN ' row security forced' WHEN relrowsecurity THEN ' row security' ELSE '' END
FROM relation WHERE relkind IN ('r', 'p', 'S', 'v', 'm', 'f', 'c')
UNION ALL
SELECT 'column ' || schema || '.' || relname || '.' || attname || ' ' || format_type(atttypid, atttypmod)
       || CASE WHEN attnotnull THEN ' not null' ELSE '' END || coalesce(' ' || nullif(attidentity::text, ''), '')
       || coalesce(' default ' || pg_get_expr(adbin, adrelid), '')
       || ' storage ' || attstorage::text
FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
UNION ALL
SELECT 'constraint ' || schema || '.' || relname || ' ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
FROM relation JOIN pg_constraint ON conrelid = relation.oid
UNION ALL
SELECT 'index ' || pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' invalid' END
FROM relation JOIN pg_index ON indrelid = relation.oid
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(pg_trigger.oid)
FROM relation JOIN pg_trigger ON tgrelid = relation.oid AND NOT tgisinternal
UNION ALL
SELECT 'policy ' || schema || '.' || relname || ' ' || polname || ' ' || polcmd::text
       || CASE WHEN polpermissive THEN '' ELSE ' restrictive' END
       || (SELECT ' to ' || string_agg(CASE role WHEN 0 THEN 'public' ELSE role::regrole::text END, ', ' ORDER BY role)
           FROM unnest(polroles) AS role)
       || coalesce(' using ' || pg_get_expr(polqual, polrelid), '')
       || coalesce(' check ' || pg_get_expr(polwithcheck, polrelid), '')
FROM relation JOIN pg_policy ON polrelid = relation.oid
UNION ALL
SELECT 'grant ' || lower(privilege_type) || ' on ' || what || ' to '
       || CASE grantee WHEN 0 THEN 'public' ELSE grantee::regrole::text END
FROM (SELECT schema || '.' || relname AS what, relowner AS owner, (aclexplode(relacl)).* FROM relation
      UNION ALL
      SELECT oid::regprocedure::text, proowner, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).*
      FROM routine) AS granted
WHERE grantee <> owner
UNION ALL SELECT pg_get_functiondef(oid) FROM routine
UNION ALL
SELECT 'enum ' || own.name || '.' || typname || ' ' || string_agg(enumlabel, ', ' ORDER BY enumsortorder)
FROM pg_enum JOIN pg_type AS t ON t.oid = enumtypid JOIN own ON own.oid = typnamespace GROUP BY own.name, typname
ORDER BY 1"""


def lines(api: DataApi) -> list[str]:
    return [row["line"] for row in api.execute(_LINES, idempotent=True).rows]
