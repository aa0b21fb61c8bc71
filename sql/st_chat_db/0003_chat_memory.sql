CREATE TABLE st_chat_history_vector_table (
    primarykey bigserial PRIMARY KEY,
    userid text NOT NULL,
    theme text NOT NULL,
    chatid bigint NOT NULL CHECK (chatid >= 0),
    chat_summary text NOT NULL,
    metadata jsonb,
    chat_vector vector(1024) NOT NULL
);

-- Unnamed, as in the source, so that PostgreSQL gives it the name that it gave there.
-- Vectors are stored with length 1, so that their order by L2 distance is their order by cosine distance.
CREATE INDEX ON st_chat_history_vector_table USING hnsw (chat_vector vector_l2_ops);
