-- The states of agents (docs/decisions/0450): the checkpoints of LangGraph's threads, and Strands' storage. A thread's
-- rows go with it. The names are compared by their bytes, as the frameworks compare theirs.
CREATE TABLE st_chat_thread (
    primarykey bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    userid text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    expires_at timestamptz,
    UNIQUE (userid, thread_id),
    UNIQUE (primarykey, userid)
);
CREATE INDEX st_chat_thread_expiry ON st_chat_thread (userid, expires_at) WHERE expires_at IS NOT NULL;

-- `versions`: channel to version, by which the values are found; `deltas`: the names of its delta channels;
-- `metadata`: what can be filtered by. `data` is the checkpoint and all of its metadata, as the serializer wrote them.
CREATE TABLE st_chat_checkpoint (
    thread bigint NOT NULL,
    userid text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    parent text COLLATE "C",
    run_id text COLLATE "C",
    versions jsonb NOT NULL,
    deltas jsonb NOT NULL,
    metadata jsonb NOT NULL,
    type text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (thread, namespace, id),
    FOREIGN KEY (thread, userid) REFERENCES st_chat_thread (primarykey, userid) ON DELETE CASCADE
);
CREATE INDEX st_chat_checkpoint_newest ON st_chat_checkpoint (userid, id, thread, namespace);
CREATE INDEX st_chat_checkpoint_run ON st_chat_checkpoint (userid, run_id) WHERE run_id IS NOT NULL;

-- The value of a channel at a version: checkpoints share those that did not change between them.
CREATE TABLE st_chat_checkpoint_blob (
    thread bigint NOT NULL,
    userid text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    type text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (thread, namespace, channel, version),
    FOREIGN KEY (thread, userid) REFERENCES st_chat_thread (primarykey, userid) ON DELETE CASCADE
);

CREATE INDEX st_chat_checkpoint_blob_of_user ON st_chat_checkpoint_blob (userid);

-- What a task wrote after a checkpoint. It may be here before the checkpoint is. idx < 0: one that is replaced.
CREATE TABLE st_chat_checkpoint_write (
    thread bigint NOT NULL,
    userid text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    checkpoint text COLLATE "C" NOT NULL,
    task text COLLATE "C" NOT NULL,
    idx int NOT NULL,
    path text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    type text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (thread, namespace, checkpoint, task, idx),
    FOREIGN KEY (thread, userid) REFERENCES st_chat_thread (primarykey, userid) ON DELETE CASCADE
);

CREATE INDEX st_chat_checkpoint_write_of_user ON st_chat_checkpoint_write (userid);

CREATE TABLE st_chat_state (
    userid text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (userid, key)
);
CREATE INDEX st_chat_state_expiry ON st_chat_state (userid, expires_at) WHERE expires_at IS NOT NULL;

-- Parts of what is larger than a request of the Data API: read and deleted by the transaction that wrote them.
CREATE TABLE st_chat_upload (
    userid text COLLATE "C" NOT NULL,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    part int NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (transaction, part)
);

-- As 0009 and 0012 have it: the rows of one user, and a key from its sequence alone.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['st_chat_thread', 'st_chat_checkpoint', 'st_chat_checkpoint_blob',
                                'st_chat_checkpoint_write', 'st_chat_state', 'st_chat_upload'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format($policy$CREATE POLICY own ON %I TO st_chat_app
            USING (userid = (SELECT nullif(current_setting('stchat.userid', true), '')))$policy$, name);
        EXECUTE format('CREATE POLICY everyones ON %I FOR SELECT TO st_chat_read USING (true)', name);
    END LOOP;
END
$$;
REVOKE INSERT, UPDATE ON st_chat_thread FROM st_chat_app;
GRANT INSERT (userid, thread_id, expires_at), UPDATE (expires_at) ON st_chat_thread TO st_chat_app;
