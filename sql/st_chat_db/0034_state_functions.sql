-- Strands' storage, and what it shares with the checkpoints. A value is one bytea, whatever its size: `p_data`, or, where
-- that is NULL, what the transaction has uploaded before; it is answered as rows of less than 64 KB (st_chat_parts).

CREATE FUNCTION st_chat_upload(p_userid text, p_part int, p_data bytea) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    INSERT INTO public.st_chat_upload (userid, part, data) VALUES (p_userid, p_part, p_data);
    RETURN p_part;
END
$$;

-- The parts of this transaction as one; they are deleted.
CREATE FUNCTION st_chat_uploaded() RETURNS bytea LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    whole bytea;
BEGIN
    WITH parts AS (
        DELETE FROM public.st_chat_upload AS u WHERE u.transaction = pg_current_xact_id() RETURNING u.part, u.data
    )
    SELECT string_agg(p.data, ''::bytea ORDER BY p.part) INTO whole FROM parts AS p;
    IF whole IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'data must be given, or uploaded before in this transaction';
    END IF;
    RETURN whole;
END
$$;

-- 48,000 bytes are 64,000 in base64. NULL has no part, '' one.
CREATE FUNCTION st_chat_parts(p_data bytea) RETURNS TABLE (part int, data bytea) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    FOR n IN 0..greatest(octet_length(p_data) - 1, 0) / 48000 LOOP
        EXIT WHEN p_data IS NULL;
        part := n;
        data := substr(p_data, 1 + 48000 * n, 48000);
        RETURN NEXT;
    END LOOP;
END
$$;

-- Deletes up to p_limit threads and as many states that have expired, of those that the caller sees: st_chat_app its
-- user's, the owner everyone's. Threads that a call holds are left for the next time.
CREATE FUNCTION st_chat_sweep_states(p_limit int) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    threads bigint;
    states bigint;
BEGIN
    DELETE FROM public.st_chat_thread AS t WHERE t.primarykey = ANY (ARRAY(
        SELECT e.primarykey FROM public.st_chat_thread AS e
        WHERE e.expires_at <= now() LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS threads = ROW_COUNT;
    DELETE FROM public.st_chat_state AS s WHERE s.ctid = ANY (ARRAY(
        SELECT e.ctid FROM public.st_chat_state AS e
        WHERE e.expires_at <= now() LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS states = ROW_COUNT;
    RETURN threads + states;
END
$$;

-- p_seconds: until it expires; NULL: never.
CREATE FUNCTION st_chat_write_state(p_userid text, p_key text, p_data bytea, p_seconds float8) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    INSERT INTO public.st_chat_state (userid, key, data, expires_at)
    VALUES (p_userid, p_key, coalesce(p_data, public.st_chat_uploaded()), now() + make_interval(secs => p_seconds))
    ON CONFLICT (userid, key) DO UPDATE SET data = excluded.data, updated_at = now(), expires_at = excluded.expires_at;
    RETURN public.st_chat_sweep_states(1);
END
$$;

-- NULL: there is none.
CREATE FUNCTION st_chat_read_state(p_userid text, p_key text) RETURNS bytea
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    RETURN (SELECT s.data FROM public.st_chat_state AS s
            WHERE s.userid = p_userid AND s.key = p_key AND (s.expires_at > now()) IS NOT FALSE);
END
$$;

CREATE FUNCTION st_chat_delete_state(p_userid text, p_key text) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    deleted bigint;
BEGIN
    PERFORM public.st_chat_as(p_userid);
    DELETE FROM public.st_chat_state AS s WHERE s.userid = p_userid AND s.key = p_key;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

-- The keys that begin with p_prefix, sorted, as a JSON array. p_end: the first text behind all of them, NULL if none is.
CREATE FUNCTION st_chat_list_states(p_userid text, p_prefix text, p_end text) RETURNS bytea
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM public.st_chat_as(p_userid);
    RETURN (SELECT convert_to(coalesce(json_agg(s.key ORDER BY s.key), '[]')::text, 'UTF8')
            FROM public.st_chat_state AS s
            WHERE s.userid = p_userid AND s.key >= p_prefix AND (s.key < p_end) IS NOT FALSE
              AND (s.expires_at > now()) IS NOT FALSE);
END
$$;

REVOKE EXECUTE ON FUNCTION
    st_chat_upload, st_chat_uploaded, st_chat_parts, st_chat_sweep_states, st_chat_write_state, st_chat_read_state,
    st_chat_delete_state, st_chat_list_states FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    st_chat_upload, st_chat_uploaded, st_chat_parts, st_chat_sweep_states, st_chat_write_state, st_chat_read_state,
    st_chat_delete_state, st_chat_list_states TO st_chat_app;
