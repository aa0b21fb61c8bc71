-- LangGraph's BaseStore (docs/decisions/0451): an item is a JSON value under a namespace and a key. What of it is to be found by
-- meaning and by words is a memory, with the item's namespace as theme and its own id. What has expired is never answered.
--
-- `namespace`: "." and the labels after the user, with "." between them, of which no label has one. Compared by bytes, so
-- that all below a namespace lie side by side, and as Python sorts. `value`: json, which keeps the text that was put.
CREATE TABLE st_chat_store_item (
    primarykey bigserial PRIMARY KEY,
    userid text NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value json NOT NULL,
    fields jsonb,                       -- what filters see; NULL: all of the value
    indexed boolean NOT NULL,           -- whether there is a memory of it
    ttl interval,                       -- expires_at is this long after the item was written, or read
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX st_chat_store_item_key ON st_chat_store_item (userid, namespace, key);
CREATE INDEX st_chat_store_item_expiry ON st_chat_store_item (userid, expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE st_chat_store_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON st_chat_store_item TO st_chat_app
    USING (userid = (SELECT nullif(current_setting('stchat.userid', true), '')));
CREATE POLICY everyones ON st_chat_store_item FOR SELECT TO st_chat_read USING (true);
-- As 0012 has it: a key from its sequence alone.
REVOKE INSERT, UPDATE ON st_chat_store_item FROM st_chat_app;
GRANT INSERT (userid, namespace, key, value, fields, indexed, ttl, expires_at, created_at, updated_at),
      UPDATE (value, fields, indexed, ttl, expires_at, updated_at) ON st_chat_store_item TO st_chat_app;

-- The id of an item's memory. No label is empty or has a ".", so the first ".." ends the namespace.
CREATE FUNCTION st_chat_store_id(p_namespace text, p_key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_namespace || '..' || p_key;

-- Who deletes the memory of an item, by whatever way, deletes the item.
CREATE FUNCTION st_chat_store_forgotten() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    DELETE FROM public.st_chat_store_item AS i
    WHERE i.userid = OLD.userid AND i.namespace = OLD.theme AND i.key = substr(OLD.id, char_length(OLD.theme) + 3) AND i.indexed;
    RETURN NULL;
END
$$;
CREATE TRIGGER st_chat_store_forgotten AFTER DELETE ON st_chat_history_vector_table
    FOR EACH ROW WHEN (OLD.id IS NOT NULL AND left(OLD.theme, 1) = '.') EXECUTE FUNCTION st_chat_store_forgotten();
