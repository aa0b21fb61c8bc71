-- As the source has it, with its UNIQUE on userid, which 0004 repairs.
CREATE TABLE st_chat_history_table (
    primarykey bigserial PRIMARY KEY,
    userid text NOT NULL UNIQUE,
    themename text NOT NULL,
    chatid bigint NOT NULL CHECK (chatid >= 0),
    userinput text,
    botresponse text,
    timestamp timestamptz DEFAULT now()
);

CREATE INDEX idx_st_chat_history_userid ON st_chat_history_table (userid);
CREATE INDEX idx_st_chat_history_timestamp ON st_chat_history_table (timestamp);
