-- What LangGraph's BaseStore reads: in one call of the Data API, each operation for its own user.

-- The items in a namespace and below it: in the order in which they were created, or, with a vector, first those that are
-- indexed, the best first by st_chat_recall, and then the others.
CREATE FUNCTION st_chat_store_search(
    p_userid text, p_namespace text, p_filter jsonb, p_limit bigint, p_offset bigint, p_vector text, p_text text, p_mode text,
    p_model text
) RETURNS TABLE (item bigint, score float8) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
    below CONSTANT text COLLATE "C" := CASE WHEN p_namespace = '.' THEN '.' ELSE p_namespace || '.' END;
    behind CONSTANT text COLLATE "C" := left(below, -1) || '/';  -- "/" is the character after "."
    most CONSTANT bigint := p_limit + p_offset;
    leaf boolean;
    ranked bigint[] := '{}';
    scores float8[] := '{}';
BEGIN
    IF p_vector IS NOT NULL AND most > 0 AND EXISTS (
        SELECT FROM public.st_chat_store_item AS i
        WHERE i.userid = p_userid AND i.namespace >= p_namespace COLLATE "C" AND i.namespace < behind AND i.indexed
    ) THEN
        -- A theme is searched in the index of codes alone; a prefix needs the memories' metadata.
        leaf := NOT EXISTS (SELECT FROM public.st_chat_store_item AS i
                            WHERE i.userid = p_userid AND i.namespace > below AND i.namespace < behind);
        SELECT coalesce(array_agg(f.item ORDER BY f.place), '{}'), coalesce(array_agg(f.score ORDER BY f.place), '{}')
        INTO ranked, scores
        FROM (
            SELECT i.primarykey AS item, r.score, r.ordinality AS place
            FROM public.st_chat_recall(
                     p_userid, p_vector::public.vector, most::int,
                     p_theme => CASE WHEN leaf THEN p_namespace END,
                     p_metadata => CASE WHEN NOT leaf THEN
                         jsonb_build_object('langgraph.namespaces', jsonb_build_array(p_namespace)) END,
                     p_text => p_text, p_mode => p_mode, p_filter => p_filter, p_model => p_model) WITH ORDINALITY AS r
            JOIN public.st_chat_store_item AS i ON i.userid = p_userid AND i.namespace = r.theme
                AND i.key = substr(r.id, char_length(r.theme) + 3) AND (i.expires_at IS NULL OR i.expires_at > now())
            WHERE r.part = 0) AS f;
    END IF;
    RETURN QUERY
    SELECT a.item, a.score FROM (
        SELECT f.item, f.score, f.place, NULL::timestamptz AS created_at
        FROM unnest(ranked, scores) WITH ORDINALITY AS f (item, score, place)
        UNION ALL
        (SELECT i.primarykey, NULL, NULL, i.created_at FROM public.st_chat_store_item AS i
         WHERE i.userid = p_userid AND i.namespace >= p_namespace COLLATE "C" AND i.namespace < behind
           AND (i.namespace = p_namespace OR i.namespace >= below)
           AND (i.expires_at IS NULL OR i.expires_at > now()) AND (p_vector IS NULL OR NOT i.indexed)
           AND (p_filter IS NULL OR public.st_chat_matches(coalesce(i.fields, i.value::jsonb), p_filter))
         ORDER BY i.created_at, i.primarykey LIMIT most - cardinality(ranked))) AS a
    ORDER BY a.place, a.created_at, a.item LIMIT p_limit OFFSET p_offset;
END
$$;

-- The namespaces of a user that fulfil all of p_conditions, [{"match_type", "path"}], a "*" of whose path is any label; cut to
-- p_depth labels, the user's included. NULL is the empty namespace.
CREATE FUNCTION st_chat_store_namespaces(p_userid text, p_conditions jsonb, p_depth int, p_limit bigint, p_offset bigint)
RETURNS TABLE (namespace text) LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
BEGIN ATOMIC
    SELECT CASE WHEN cardinality(s.labels) > 0 THEN '.' || array_to_string(s.labels[2: ], '.') END
    FROM (
        SELECT DISTINCT CASE WHEN p_depth IS NULL THEN n.labels ELSE n.labels[1 : p_depth] END AS labels
        FROM (SELECT p_userid COLLATE "C" || CASE WHEN d.namespace = '.' THEN '{}' ELSE string_to_array(substr(d.namespace, 2), '.') END AS labels
              FROM (SELECT DISTINCT i.namespace FROM public.st_chat_store_item AS i
                    WHERE i.userid = p_userid AND (i.expires_at IS NULL OR i.expires_at > now())) AS d) AS n
        WHERE NOT EXISTS (
            SELECT FROM jsonb_array_elements(p_conditions) AS c (condition)
            WHERE jsonb_array_length(c.condition -> 'path') > cardinality(n.labels) OR EXISTS (
                SELECT FROM jsonb_array_elements_text(c.condition -> 'path') WITH ORDINALITY AS p (label, place)
                WHERE p.label NOT IN ('*', n.labels[p.place + CASE WHEN c.condition ->> 'match_type' = 'suffix'
                    THEN cardinality(n.labels) - jsonb_array_length(c.condition -> 'path') ELSE 0 END])))) AS s
    ORDER BY s.labels LIMIT p_limit OFFSET p_offset;
END;

-- A read lets what it returns live on. Only once a tenth of the ttl has passed, so that most reads write nothing; nobody is
-- waited for: what somebody else has locked is being written, or read, at this moment.
CREATE FUNCTION st_chat_store_refresh(p_userid text, p_items bigint[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    due CONSTANT bigint[] := ARRAY(
        SELECT i.primarykey FROM public.st_chat_store_item AS i
        WHERE i.primarykey = ANY (p_items) AND i.userid = p_userid AND i.expires_at < now() + 0.9 * i.ttl);
    ids text[];
    held bigint[];
BEGIN
    IF cardinality(due) = 0 THEN
        RETURN;
    END IF;
    SELECT array_agg(public.st_chat_store_id(i.namespace, i.key)) INTO ids
    FROM public.st_chat_store_item AS i WHERE i.primarykey = ANY (due) AND i.userid = p_userid AND i.indexed;
    -- The memories first, as writers do: an item never outlives its memory's lock.
    held := ARRAY(SELECT m.primarykey FROM public.st_chat_history_vector_table AS m
                  WHERE m.userid = p_userid AND m.id = ANY (ids) ORDER BY m.primarykey FOR UPDATE SKIP LOCKED);
    WITH live AS MATERIALIZED (
        SELECT i.primarykey, i.namespace, i.key, now() + i.ttl AS until FROM public.st_chat_store_item AS i
        WHERE i.primarykey = ANY (due) AND i.userid = p_userid
          AND (NOT i.indexed OR EXISTS (
              SELECT FROM public.st_chat_history_vector_table AS m
              WHERE m.primarykey = ANY (held) AND m.userid = p_userid AND m.id = public.st_chat_store_id(i.namespace, i.key)))
        FOR UPDATE OF i SKIP LOCKED
    ), remembered AS (
        UPDATE public.st_chat_history_vector_table AS m SET expires_at = l.until FROM live AS l
        WHERE m.userid = p_userid AND m.id = public.st_chat_store_id(l.namespace, l.key)
    )
    UPDATE public.st_chat_store_item AS i SET expires_at = l.until FROM live AS l
    WHERE i.primarykey = l.primarykey AND i.userid = p_userid;
END
$$;

-- p_ops: {"op", "kind", "userid", ...}, of which "get" has "namespace", "key" and "refresh"; "search" "namespace", "filter",
-- "limit", "offset", "vector", "text", "mode", "model" and "refresh"; "list" "conditions", "depth", "limit" and "offset".
-- Items come in their order, a long value in parts of 7,000 characters.
CREATE FUNCTION st_chat_store_read(p_ops jsonb) RETURNS TABLE (
    op int, place bigint, part int, namespace text, key text, value text, created_at timestamptz, updated_at timestamptz,
    score float8
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    asked record;
    told text;
    found bigint[];
    scores float8[];
BEGIN
    FOR asked IN
        SELECT o.* FROM jsonb_to_recordset(p_ops) AS o (
            op int, kind text, userid text, namespace text, key text, refresh boolean, filter jsonb, "limit" bigint,
            "offset" bigint, vector text, text text, mode text, model text, conditions jsonb, depth int)
        ORDER BY o.op
    LOOP
        IF told IS DISTINCT FROM asked.userid OR told IS NULL THEN
            PERFORM public.st_chat_as(asked.userid);
            told := asked.userid;
        END IF;
        IF asked.kind = 'list' THEN
            RETURN QUERY
            SELECT asked.op, n.place, 0, n.namespace, NULL::text, NULL::text, NULL::timestamptz, NULL::timestamptz, NULL::float8
            FROM public.st_chat_store_namespaces(told, asked.conditions, asked.depth, asked."limit", asked."offset")
                 WITH ORDINALITY AS n (namespace, place);
            CONTINUE;
        END IF;
        IF asked.kind = 'get' THEN
            found := ARRAY(
                SELECT i.primarykey FROM public.st_chat_store_item AS i
                WHERE i.userid = told AND i.namespace = asked.namespace AND i.key = asked.key
                  AND (i.expires_at IS NULL OR i.expires_at > now()));
            scores := '{}';
        ELSE
            SELECT coalesce(array_agg(s.item ORDER BY s.place), '{}'), array_agg(s.score ORDER BY s.place) INTO found, scores
            FROM public.st_chat_store_search(told, asked.namespace, asked.filter, asked."limit", asked."offset",
                                             asked.vector, asked.text, asked.mode, asked.model)
                 WITH ORDINALITY AS s (item, score, place);
        END IF;
        RETURN QUERY
        SELECT asked.op, f.place, p.part, i.namespace, i.key, substr(v.text, 1 + 7000 * p.part, 7000), i.created_at,
               i.updated_at, f.score
        FROM unnest(found, scores) WITH ORDINALITY AS f (item, score, place)
        JOIN public.st_chat_store_item AS i ON i.primarykey = f.item AND i.userid = told
        CROSS JOIN LATERAL (SELECT i.value::text AS text OFFSET 0) AS v
        CROSS JOIN LATERAL generate_series(0, (char_length(v.text) - 1) / 7000) AS p (part);
        IF asked.refresh AND EXISTS (
            SELECT FROM public.st_chat_store_item AS i
            WHERE i.primarykey = ANY (found) AND i.userid = told AND i.expires_at < now() + 0.9 * i.ttl
        ) THEN
            PERFORM public.st_chat_store_refresh(told, found);
        END IF;
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_store_search, st_chat_store_namespaces, st_chat_store_refresh, st_chat_store_read FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    st_chat_store_search, st_chat_store_namespaces, st_chat_store_refresh, st_chat_store_read TO st_chat_app;
