-- Whether a memory's metadata are what a filter asks for (docs/decisions/0431). The library checks a filter and writes it
-- as nodes, ["and", node, ...], ["or", node, ...], ["not", node], ["exists", field, boolean], ["in", field, [value, ...]] and
-- ["eq"|"lt"|"lte"|"gt"|"gte", field, value], where a last true says that the value is a time, in microseconds since 1970.

-- A time in ISO 8601 as microseconds since 1970 in UTC, without a zone as UTC; NULL: the text is no time. It reads no setting,
-- and raises nothing whatever the text is.
CREATE FUNCTION st_chat_time(p_text text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    p CONSTANT text[] := regexp_match(p_text,
        '^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
        '(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?'
        '(Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?$');
    year CONSTANT int := p[1];
    month CONSTANT int := p[2];
    day CONSTANT int := p[3];
    years CONSTANT int := year - CASE WHEN month <= 2 THEN 1 ELSE 0 END;  -- a year that ends with February
    days int;
    seconds bigint;
BEGIN
    IF p IS NULL OR year = 0 OR day > (CASE WHEN month IN (4, 6, 9, 11) THEN 30 WHEN month <> 2 THEN 31
                                            WHEN year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0) THEN 29 ELSE 28 END) THEN
        RETURN NULL;
    END IF;
    days := years * 365 + years / 4 - years / 100 + years / 400 + ((month + 9) % 12 * 153 + 2) / 5 + day - 719469;
    seconds := days * 86400::bigint + coalesce(p[4]::int * 3600 + p[5]::int * 60, 0) + coalesce(p[6]::int, 0);
    IF p[8] <> 'Z' THEN
        seconds := seconds - (substr(p[8], 1, 1) || '1')::int * (
            substr(p[8], 2, 2)::int * 3600 + CASE WHEN length(p[8]) > 3 THEN right(p[8], 2)::int * 60 ELSE 0 END);
    END IF;
    RETURN seconds * 1000000 + coalesce(rpad(left(p[7], 6), 6, '0')::int, 0);
END
$$;

-- Always true or false. Of different kinds nothing is equal, less or greater; a field that is missing is as null to "eq" and "in".
CREATE FUNCTION st_chat_matches(p_metadata jsonb, p_filter jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    op CONSTANT text := p_filter ->> 0;
    held jsonb;
    asked CONSTANT jsonb := p_filter -> 2;
    kind text;
    one numeric;
    other numeric;
BEGIN
    IF op IN ('and', 'or') THEN
        FOR n IN 1 .. jsonb_array_length(p_filter) - 1 LOOP
            IF public.st_chat_matches(p_metadata, p_filter -> n) = (op = 'or') THEN
                RETURN op = 'or';
            END IF;
        END LOOP;
        RETURN op = 'and';
    ELSIF op = 'not' THEN
        RETURN NOT public.st_chat_matches(p_metadata, p_filter -> 1);
    END IF;
    held := p_metadata -> (p_filter ->> 1);
    IF op = 'exists' THEN
        RETURN (held IS NOT NULL) = asked::boolean;
    END IF;
    held := coalesce(held, 'null');
    kind := jsonb_typeof(held);
    IF p_filter -> 3 IS NOT NULL THEN
        one := CASE WHEN kind = 'string' THEN public.st_chat_time(held #>> '{}') END;
        IF one IS NULL THEN
            RETURN false;
        END IF;
        other := asked::numeric;
    ELSIF op = 'eq' THEN
        RETURN held = asked;
    ELSIF op = 'in' THEN
        FOR n IN 0 .. jsonb_array_length(asked) - 1 LOOP
            IF held = asked -> n THEN
                RETURN true;
            END IF;
        END LOOP;
        RETURN false;
    ELSIF kind <> jsonb_typeof(asked) THEN
        RETURN false;
    ELSIF kind = 'number' THEN
        one := held::numeric;
        other := asked::numeric;
    ELSIF kind = 'string' THEN  -- by code point, as Python compares
        one := CASE WHEN (held #>> '{}') COLLATE "C" < (asked #>> '{}') COLLATE "C" THEN -1 WHEN held = asked THEN 0 ELSE 1 END;
        other := 0;
    ELSE
        RETURN false;
    END IF;
    RETURN CASE op WHEN 'eq' THEN one = other WHEN 'lt' THEN one < other WHEN 'lte' THEN one <= other
                   WHEN 'gt' THEN one > other WHEN 'gte' THEN one >= other ELSE false END;
END
$$;

REVOKE EXECUTE ON FUNCTION st_chat_time, st_chat_matches FROM PUBLIC;
GRANT EXECUTE ON FUNCTION st_chat_time, st_chat_matches TO st_chat_app;
